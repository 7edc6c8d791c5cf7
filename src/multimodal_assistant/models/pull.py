"""One model of the manifest → its verified files in the store.

What is on its way lies in the model's staging folder. Whole archives stay there until the pull is through, so that a
killed one does not fetch them again; everything half done is thrown away by the next.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from multimodal_assistant.core.errors import ModelError, ModelFetchFailed, ModelMismatch

from .layout import Layout, locked
from .manifest import Model, ModelFile, Parts
from .progress import Progress, megabytes
from .shelf import Delivery, Mirror, Shelf
from .sources import Source, SourceFailed, WrongContent, WrongHash, read_chunks
from .tools import folder_bytes

SPARE_BYTES = 50_000_000
"""Room to leave on the disk."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to get at a file."""

    label: str
    deliver: Callable[[], Delivery]
    fetched: Parts = ()
    """What the staging folder keeps of it."""


class Pull:
    """One run for one model."""

    def __init__(self, layout: Layout, model: Model, mirror: Path | None, sources: Mapping[str, Source], progress: Progress) -> None:
        self._layout = layout
        self._model = model
        self._mirror = Mirror(mirror)
        self._progress = progress
        self._staging = layout.staging(model)
        self._told: set[str] = set()
        self._shelf = Shelf(model, self._staging, sources, progress)

    def run(self) -> tuple[str, ...]:
        """Fetch what is missing and link everything; the paths of the files that were fetched."""
        layout, model = self._layout, self._model
        if all(layout.linked(model, file) for file in model.files):
            return ()
        with locked(layout.lock(model.name), self._waits(model.name)), contextlib.closing(self._shelf):
            missing = [file for file in model.files if not layout.present(file)]
            if missing:
                self._prepare(missing)
            fetched = [file.path for file in missing if self._bring(file)]
            for file in model.files:
                layout.link(model, file)
            shutil.rmtree(self._staging, ignore_errors=True)
        return tuple(fetched)

    def _waits(self, what: str) -> Callable[[], None]:
        return lambda: self._progress.note(f"{self._model.name}: another process is fetching {what}; waiting for it")

    def _prepare(self, missing: list[ModelFile]) -> None:
        self._staging.mkdir(parents=True, exist_ok=True)
        self._layout.blobs.mkdir(parents=True, exist_ok=True)
        for leftover in self._staging.glob("fetch-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # An archive and what is unpacked from it are there at the same time.
        needed = 2 * sum(file.bytes for file in missing) + SPARE_BYTES - folder_bytes(self._staging)
        free = shutil.disk_usage(self._layout.root).free
        if free < needed:
            raise ModelError(
                f"Fetching {self._model.name} needs {megabytes(needed)} free under {self._layout.home}; there are {megabytes(free)}.",
                "Free some space, or name a folder on another disk in ASSISTANT_HOME.",
            )

    def _bring(self, file: ModelFile) -> bool:
        """Whether it had to be fetched: another model, or another process, may have the same blob by now."""
        with locked(self._layout.lock(file.sha256), self._waits(file.path)):
            if self._layout.present(file):
                return False
            self._obtain(file)
            return True

    def _obtain(self, file: ModelFile) -> None:
        """Ask one source after the other until one delivers the right bytes."""
        failures: list[tuple[Offer, SourceFailed]] = []
        for offer in self._offers(file):
            try:
                self._accept(file, offer.deliver())
            except SourceFailed as failure:
                failures.append((offer, failure))
                self._tell(f"{self._model.name}: {file.path} not from {offer.label}", str(failure))
                if isinstance(failure, WrongContent):
                    self._shelf.discard(offer.fetched)
            else:
                return
        raise self._failed(file, failures)

    def _tell(self, what: str, reason: str) -> None:
        """Say why a source did not help; the same reason for the other 53 files of a model is no news."""
        if reason not in self._told:
            self._told.add(reason)
            self._progress.note(f"{what}: {reason}")

    def _offers(self, file: ModelFile) -> Generator[Offer]:
        """All ways to get at the file, in order; what is at hand comes before what must be fetched."""
        placed = self._place(file)
        for path in (placed if placed.is_file() else None, self._mirror.file(self._model, file)):
            if path is not None:
                yield Offer(f"file {path}", lambda path=path: read_chunks(path))
        for parts in file.sources:
            archives = self._mirror.archives(parts)
            if archives:
                yield Offer(f"file {archives[0]}", lambda parts=parts, archives=archives: self._shelf.join(parts, archives, file.bytes))
        for parts in file.sources:
            label = str(parts[0]) + (f" and {len(parts) - 1} more" if len(parts) > 1 else "")
            yield Offer(label, lambda parts=parts: self._shelf.deliver(parts, file.bytes), parts)

    def _place(self, file: ModelFile) -> Path:
        return self._layout.folder(self._model) / file.path

    def _accept(self, file: ModelFile, delivery: Delivery) -> None:
        """Verify every byte, then make it the blob."""
        partial = self._staging / f"{file.sha256}.part"
        try:
            with self._progress.step(f"{self._model.name}: verifying {file.path}", file.bytes) as step:
                digest, count = hashlib.sha256(), 0
                with partial.open("wb") as copy:
                    for chunk in delivery:
                        count += len(chunk)
                        if count > file.bytes:
                            raise WrongContent(f"it has more than the {file.bytes} bytes of the manifest")
                        digest.update(chunk)
                        copy.write(chunk)
                        step.update(count, file.bytes)
                found = digest.hexdigest()
                if (count, found) != (file.bytes, file.sha256):
                    raise WrongHash(f"its sha256 is {found} ({count} bytes); the manifest says {file.sha256} ({file.bytes} bytes)")
                self._layout.settle(partial, file)
        finally:
            partial.unlink(missing_ok=True)

    def _failed(self, file: ModelFile, failures: list[tuple[Offer, SourceFailed]]) -> ModelError:
        name = self._model.name
        here = "not at its place in the store, and "
        here += f"not in {self._mirror.folder}" if self._mirror.folder else "no folder of models is named in ASSISTANT_MODELS_DIR"
        if not any(offer.label.startswith("file ") for offer, _ in failures):
            failures = [(Offer("file", lambda: iter(())), SourceFailed(here)), *failures]
        tried = "".join(f"\n  {offer.label}: {failure}" for offer, failure in failures)
        remedy = (
            f"To place it by hand: put the file ({file.bytes} bytes, sha256 {file.sha256}) at {self._place(file)}"
            f" and run: assistant models pull {name}"
        )
        if len(file.sources) == 1 and isinstance(failures[-1][1], WrongHash):
            return ModelMismatch(f"The only source of {file.path} of {name} delivers other bytes:{tried}", remedy)
        return ModelFetchFailed(f"No source delivered {file.path} of {name}:{tried}", remedy)
