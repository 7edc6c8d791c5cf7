"""manifest.toml → the models there are: files, hashes, licences, and where the bytes can be had."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from multimodal_assistant.core.errors import InvalidSetting, UnknownName

SHIPPED = Path(__file__).with_name("manifest.toml")
"""The manifest that comes with the package."""

DEFAULT_GROUP = "default"
"""What is fetched when no name is given."""

MAX_FILE_BYTES = 64 << 30
"""No file of a model is larger: a size beyond it is a slip of the pen."""

_PIECE_FORMS = {
    "hf": re.compile(r"(?P<package>\w[\w.-]*/\w[\w.-]*)@(?P<version>\w[\w.-]*):(?P<member>.+)", re.ASCII),
    "pypi": re.compile(r"(?P<package>\w[\w.-]*)==(?P<version>\w[\w.+!-]*):(?P<member>.+)", re.ASCII),
    "npm": re.compile(r"(?P<package>(?:@\w[\w.-]*/)?\w[\w.-]*)@(?P<version>\w[\w.+-]*):(?P<member>.+)", re.ASCII),
}
# None of these can begin with a dash: what they match is safe to stand among the arguments of a command.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RESERVED = {"blobs", "locks", "staging"}  # folders beside those of the models
_MODEL_FIELDS = {"name", "kind", "purpose", "licence", "groups", "sources", "files"}
_FILE_FIELDS = {"path", "sha256", "bytes", "sources"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A place that has a file, or one part of it: `scheme:package@version:member`."""

    scheme: str
    """hf, pypi or npm."""
    package: str
    """A repository or package."""
    version: str
    member: str
    """Path inside it."""

    def __str__(self) -> str:
        commit = len(self.version) == 40
        return f"{self.scheme} {self.package} {self.version[:7] if commit else self.version}"


Parts = tuple[Piece, ...]
"""The parts of one file, to be joined in this order; mostly one."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    path: str
    """Inside the folder of the model, with forward slashes."""
    sha256: str
    bytes: int
    sources: tuple[Parts, ...]
    """To be tried in this order."""


@dataclass(frozen=True, slots=True)
class Model:
    """Weights that go by one name."""

    name: str
    kind: str
    purpose: str
    """What it is for, in one line."""
    licence: str
    groups: tuple[str, ...]
    files: tuple[ModelFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All models, in the order of the file."""

    models: Mapping[str, Model]

    def model(self, name: str) -> Model:
        """The model of that name, or `UnknownName` with the nearest names."""
        if name not in self.models:
            raise UnknownName(f"There is no model called {name!r}.", _nearest(name, self.models))
        return self.models[name]

    def group(self, name: str) -> tuple[str, ...]:
        """Names of the models in a group, or `UnknownName` with the nearest groups."""
        names = tuple(model.name for model in self.models.values() if name in model.groups)
        if not names:
            groups = dict.fromkeys(group for model in self.models.values() for group in model.groups)
            raise UnknownName(f"There is no group of models called {name!r}.", _nearest(name, groups))
        return names


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(names)}."


def load_manifest(path: Path = SHIPPED) -> Manifest:
    """Read and check a manifest. `InvalidSetting` names the model and the field that make no sense."""
    try:
        return parse_manifest(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"The model manifest {path} cannot be read: {error}.") from error


def parse_manifest(text: str, where: str = "manifest.toml") -> Manifest:
    """The same, from text."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(f"{where} is not TOML: {error}.") from error
    top = _Row(tables, where)
    top.only({"model"})
    models: dict[str, Model] = {}
    for number, table in enumerate(top.tables("model"), 1):
        model = _model(_Row(table, f"{where}, model {table.get('name', f'number {number}')!r}"))
        if model.name in models:
            raise InvalidSetting(f"{where}, model {model.name!r}: field `name` is taken by an earlier model.")
        models[model.name] = model
    return Manifest(models)


class _Row:
    """A TOML table that knows where it stands, for the error messages."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._table = table
        self.where = where

    def wrong(self, field: str, problem: str) -> InvalidSetting:
        return InvalidSetting(f"{self.where}: field `{field}` {problem}.")

    def only(self, known: set[str]) -> None:
        for field in self._table:
            if field not in known:
                raise self.wrong(field, f"is unknown; there are {', '.join(sorted(known))}")

    def has(self, field: str) -> bool:
        return field in self._table

    def text(self, field: str, form: re.Pattern[str] | None = None) -> str:
        value = self._table.get(field)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(field, "must be a text that is not empty")
        if form is not None and not form.fullmatch(value):
            raise self.wrong(field, f"is {value!r}, which does not look like {form.pattern}")
        return value

    def size(self, field: str) -> int:
        value = self._table.get(field)
        if type(value) is not int or not 0 < value <= MAX_FILE_BYTES:
            raise self.wrong(field, f"must be a whole number of bytes from 1 to {MAX_FILE_BYTES}")
        return value

    def items(self, field: str) -> list[Any]:
        value = self._table.get(field)
        if not isinstance(value, list):
            raise self.wrong(field, "must be a list")
        return cast("list[Any]", value)

    def texts(self, field: str) -> tuple[str, ...]:
        items = self.items(field)
        if not all(isinstance(item, str) and _NAME.fullmatch(item) for item in items):
            raise self.wrong(field, "must be a list of short lower-case names")
        return tuple(items)

    def tables(self, field: str) -> list[dict[str, Any]]:
        items = self.items(field)
        if not items or not all(isinstance(item, dict) for item in items):
            raise self.wrong(field, "must hold at least one table, and nothing else")
        return items

    def relative_path(self, field: str, value: str) -> str:
        """`value`, if it is a plain path that stays inside its folder."""
        parts = value.split("/")
        if not value.isprintable() or "\\" in value or ":" in value or any(part in {"", ".", ".."} for part in parts):
            raise self.wrong(field, f"holds {value!r}, which is not a plain relative path")
        return value


def _model(row: _Row) -> Model:
    row.only(_MODEL_FIELDS)
    name = row.text("name", _NAME)
    if name in _RESERVED:
        raise row.wrong("name", f"is {name!r}, which the store keeps for itself")
    files: list[ModelFile] = []
    for table in row.tables("files"):
        file = _file(_Row(table, f"{row.where}, file {table.get('path')!r}"), row)
        if any(_collide(file.path, other.path) for other in files):
            raise row.wrong("files", f"has {file.path!r} twice, or as a file and as a folder")
        files.append(file)
    return Model(name, row.text("kind"), row.text("purpose"), row.text("licence"), row.texts("groups"), tuple(files))


def _file(row: _Row, model: _Row) -> ModelFile:
    row.only(_FILE_FIELDS)
    path = row.relative_path("path", row.text("path"))
    owner = row if row.has("sources") else model
    sources = tuple(_source(owner, item, path) for item in owner.items("sources"))
    return ModelFile(path, row.text("sha256", _SHA256), row.size("bytes"), sources)


def _source(row: _Row, item: Any, path: str) -> Parts:
    texts = cast("list[Any]", item) if isinstance(item, list) else [item]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise row.wrong("sources", "must hold texts, or lists of texts")
    return tuple(_piece(row, text, path) for text in texts)


def _piece(row: _Row, text: str, path: str) -> Piece:
    scheme, _, rest = text.partition(":")
    if scheme not in _PIECE_FORMS:
        raise row.wrong("sources", f"holds {text!r}; a source begins with {', '.join(f'{known}:' for known in _PIECE_FORMS)}")
    match = _PIECE_FORMS[scheme].fullmatch(rest)
    if match is None:
        raise row.wrong("sources", f"holds {text!r}, which is not a whole {scheme} address")
    member = row.relative_path("sources", match["member"].replace("{path}", path))
    return Piece(scheme, match["package"], match["version"], member)


def _collide(one: str, other: str) -> bool:
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first.is_relative_to(second) or second.is_relative_to(first)
