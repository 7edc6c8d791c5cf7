"""Where things lie in the store, and how they get there: whole or not at all.

<home>/models/blobs/<sha256>     the bytes, once each
<home>/models/<model>/<path>     a relative link to its blob
<home>/models/staging/<model>/   what is on its way
<home>/models/locks/             one file per model and per blob in work
"""

import contextlib
import errno
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from multimodal_assistant.core.errors import ModelError

from .manifest import Model, ModelFile

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a store."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "models"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    def blob(self, file: ModelFile) -> Path:
        return self.blobs / file.sha256

    def folder(self, model: Model) -> Path:
        return self.root / model.name

    def staging(self, model: Model) -> Path:
        return self.root / "staging" / model.name

    def lock(self, name: str) -> Path:
        return self.root / "locks" / f"{name}.lock"

    def present(self, file: ModelFile) -> bool:
        """Whether the blob is there. Blobs arrive verified, so its size is all that a glance has to check."""
        try:
            return self.blob(file).stat().st_size == file.bytes
        except OSError:
            return False

    def linked(self, model: Model, file: ModelFile) -> bool:
        """Whether the file's own path leads to its blob."""
        try:
            return self.present(file) and self.blob(file).samefile(self.folder(model) / file.path)
        except OSError:
            return False

    def link(self, model: Model, file: ModelFile) -> None:
        """Make the file's own path lead to its blob."""
        if self.linked(model, file):
            return
        place = self.folder(model) / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f"{place.name}.{os.getpid()}.link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.path.relpath(self.blob(file), place.parent))
        os.replace(fresh, place)

    def settle(self, partial: Path, file: ModelFile) -> None:
        """Turn a verified file into a blob that survives a power cut."""
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        blob = self.blob(file)
        os.replace(partial, blob)
        folder = os.open(blob.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def writing(home: Path) -> Generator[None]:
    """Say in one sentence what keeps the store from being written."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            problem, remedy = (
                f"The disk is full, or a limit on file sizes is reached, under {home}.",
                "Free some space and pull again: it goes on.",
            )
        elif error.errno in _DENIED:
            problem, remedy = (
                f"{home} cannot be written: {error.strerror}.",
                "Name another folder in ASSISTANT_HOME, or change its permissions.",
            )
        else:
            problem, remedy = f"The model store under {home} cannot be used: {error}.", "Name another folder in ASSISTANT_HOME."
        raise ModelError(problem, remedy) from error


@contextlib.contextmanager
def locked(lock: Path, on_wait: Callable[[], None]) -> Generator[None]:
    """Hold a lock between processes; `on_wait` is told when another one has it."""
    from filelock import FileLock, Timeout

    lock.parent.mkdir(parents=True, exist_ok=True)
    file_lock = FileLock(lock)
    try:
        file_lock.acquire(blocking=False)
    except Timeout:
        on_wait()
        file_lock.acquire()
    try:
        yield
    finally:
        file_lock.release()
