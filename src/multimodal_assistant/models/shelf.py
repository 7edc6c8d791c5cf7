"""The parts of a file, as the manifest names them → a stream of bytes. Archives are fetched once and read many times."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .archives import Archive, open_archive
from .manifest import Model, ModelFile, Parts, Piece
from .progress import Progress
from .sources import Source, SourceFailed, read_chunks

Delivery = Iterator[bytes]
"""What claims to be a file, still to be verified."""


class Mirror:
    """A folder that the user names: files as `<model>/<path>`, and archives as their registries call them."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def file(self, model: Model, file: ModelFile) -> Path | None:
        """Where the file is, if it is there and is a file: a folder on a stick may hold anything."""
        path = self.folder / model.name / file.path if self.folder else None
        return path if path is not None and os.path.isfile(path) else None

    def archives(self, parts: Parts) -> tuple[Path, ...]:
        """Where the archives with all the parts are; empty when one is not there."""
        found = [self._archive(piece) for piece in parts]
        return tuple(path for path in found if path is not None) if None not in found else ()

    def _archive(self, piece: Piece) -> Path | None:
        if self.folder is None or not self.folder.is_dir():
            return None
        if piece.scheme == "npm":
            names = [f"{piece.package.removeprefix('@').replace('/', '-')}-{piece.version}.tgz"]
        else:
            start = f"{_plain(piece.package)}-{piece.version}-"
            names = sorted(path.name for path in self.folder.glob("*.whl") if _plain(path.name).startswith(start))
        return next((self.folder / name for name in names if os.path.isfile(self.folder / name)), None)


def _plain(name: str) -> str:
    """Names of distributions differ in case and in these characters only (packaging.python.org, "Binary distribution format")."""
    head, dash, tail = name.partition("-") if name.endswith(".whl") else (name, "", "")
    return re.sub(r"[-_.]+", "_", head).lower() + dash + tail


class Shelf:
    """What the sources have delivered for one model, on its way into the store."""

    def __init__(self, model: Model, staging: Path, sources: Mapping[str, Source], progress: Progress) -> None:
        self._model = model
        self._staging = staging
        self._sources = sources
        self._progress = progress
        self._open: dict[Path, Archive] = {}

    def deliver(self, parts: Parts, limit: int) -> Delivery:
        """Get all parts first, then hand out what they hold, `limit` bytes at most."""
        paths = [self._get(piece, limit) for piece in parts]
        if len(parts) == 1 and not self._source(parts[0]).archives:
            return read_chunks(paths[0])
        return self.join(parts, paths, limit)

    def join(self, parts: Parts, paths: Sequence[Path], limit: int) -> Iterator[bytes]:
        """The members of archives, one after the other."""
        for piece, path in zip(parts, paths, strict=True):
            if path not in self._open:
                self._open[path] = open_archive(path)
            for chunk in self._open[path].read(piece.member, limit):
                limit -= len(chunk)
                yield chunk

    def discard(self, parts: Parts) -> None:
        """Forget what was fetched: it is not what it should be."""
        for piece in parts:
            place = self._place(piece)
            if place in self._open:
                self._open.pop(place).close()
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
        while self._open:
            self._open.popitem()[1].close()

    def _source(self, piece: Piece) -> Source:
        if piece.scheme not in self._sources:
            raise SourceFailed(f"there is no way to reach {piece.scheme} here")
        return self._sources[piece.scheme]

    def _place(self, piece: Piece) -> Path:
        return self._staging / f"{piece.scheme}--{piece.package}--{piece.version}".replace("/", "--")

    def _get(self, piece: Piece, limit: int) -> Path:
        source, place = self._source(piece), self._place(piece)
        if not place.is_file() and (obstacle := source.obstacle()):
            raise SourceFailed(obstacle)
        if not source.archives:
            place.mkdir(exist_ok=True)
            with self._progress.step(f"{self._model.name}: fetching {piece.member} from {piece}", limit) as step:
                return source.fetch(piece, place, step)
        if not place.is_file():
            with (
                tempfile.TemporaryDirectory(prefix="fetch-", dir=self._staging, ignore_cleanup_errors=True) as fresh,
                self._progress.step(f"{self._model.name}: fetching {piece}") as step,
            ):
                source.fetch(piece, Path(fresh), step).replace(place)
        return place
