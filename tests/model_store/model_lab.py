"""A small world for the model store: archives, manifests that name them, and sources that copy from a folder."""

import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from multimodal_assistant.models.manifest import Manifest, Piece, parse_manifest
from multimodal_assistant.models.progress import SilentProgress, Step
from multimodal_assistant.models.sources import SourceFailed

NOISE = bytes(range(256)) * 32
"""8 kB that do not look like anything."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class FolderSource:
    """Delivers `<folder>/<package>-<version>` and writes down what it was asked for.

    At a package that has a gate (a FIFO) it says so and waits until somebody opens the other end.
    """

    def __init__(self, folder: Path, *, archives: bool = True, gates: Mapping[str, Path] | None = None) -> None:
        self.archives = archives
        self._folder = folder
        self._gates = gates or {}

    @property
    def fetched(self) -> list[str]:
        """What was asked for, by anybody, in order."""
        log = self._folder / "fetched.txt"
        return log.read_text().split() if log.exists() else []

    def obstacle(self) -> str:
        return ""

    def fetch(self, piece: Piece, folder: Path, step: Step) -> Path:
        with (self._folder / "fetched.txt").open("a") as log:
            log.write(f"{piece.package}\n")
        if gate := self._gates.get(piece.package):
            print(f"at the gate of {piece.package}", flush=True)  # noqa: T201  # read by the test that started this process
            gate.read_bytes()
        origin = self._folder / f"{piece.package}-{piece.version}".replace("/", "-")
        if not origin.exists():
            raise SourceFailed(f"{origin.name} is not there")
        place = folder / (origin.name if self.archives else piece.member)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, place)
        step.update(place.stat().st_size)
        return place


class Listener(SilentProgress):
    """Keeps the notes of a pull."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def make_zip(path: Path, members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def make_tgz(path: Path, members: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


def model_table(name: str, files: Mapping[str, bytes], sources: Sequence[str | list[str]], groups: Sequence[str] = ("default",)) -> str:
    """A row of a manifest for files with these bytes. JSON's strings and lists are TOML's."""
    rows = "".join(
        f"[[model.files]]\npath = {json.dumps(path)}\nsha256 = {json.dumps(sha256(data))}\nbytes = {len(data)}\n"
        for path, data in files.items()
    )
    return (
        f'[[model]]\nname = {json.dumps(name)}\nkind = "test"\npurpose = "to be tested"\nlicence = "none"\n'
        f"groups = {json.dumps(list(groups))}\nsources = {json.dumps(list(sources))}\n{rows}\n"
    )


def manifest_of(name: str, files: Mapping[str, bytes], sources: Sequence[str | list[str]]) -> Manifest:
    return parse_manifest(model_table(name, files, sources))
