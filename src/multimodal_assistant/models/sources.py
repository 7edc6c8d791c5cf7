"""A piece of the manifest → a file on this disk: the contract that every source keeps."""

from pathlib import Path
from typing import Protocol

from .manifest import Piece
from .progress import Step


class SourceFailed(Exception):
    """Why a source did not deliver, in words without addresses. Not an error yet: the next source is asked."""


class WrongBytes(SourceFailed):
    """It delivered, but not what the manifest promises."""


class Source(Protocol):
    """A way to get at a file."""

    archives: bool
    """Whether `fetch` brings an archive that has the member inside, or the member itself."""

    def fetch(self, piece: Piece, folder: Path, step: Step) -> Path:
        """Bring it into `folder` and return where it is; `SourceFailed` with the reason.

        For archives the folder is new and empty; for single files it is the same each time, so that a source can
        go on where a killed run stopped.
        """
        ...

