"""A piece of the manifest → a file on this disk: the contract that every source keeps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .manifest import Piece
from .progress import Step

CHUNK_BYTES = 1 << 20
"""Files are read and hashed in pieces of this size."""


class SourceFailed(Exception):
    """Why a source did not deliver, in words without addresses. Not an error yet: the next source is asked."""


class WrongContent(SourceFailed):
    """It delivered, but not what the manifest promises: what it delivered is of no use."""


class WrongHash(WrongContent):
    """The right number of bytes perhaps, but others."""


class Source(Protocol):
    """A way to get at a file."""

    archives: bool
    """Whether `fetch` brings an archive that has the member inside, or the member itself."""

    def obstacle(self) -> str:
        """Why nothing can be had from it in this run, or nothing: what was out of reach once is not asked again."""
        ...

    def fetch(self, piece: Piece, folder: Path, step: Step) -> Path:
        """Bring it into `folder` and return where it is; `SourceFailed` with the reason.

        For archives the folder is new and empty; for single files it is the same each time, so that a source can
        go on where a killed run stopped.
        """
        ...


def read_chunks(path: Path) -> Iterator[bytes]:
    """A file's bytes; trouble in reading is its source's failure, not the store's."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise SourceFailed(f"it cannot be read ({error.strerror})") from error
