"""Notes ↔ files: our own lines of JSON, which lose nothing, and what other memories export.

>>> kept = read(text, scope)      # our lines, a mem0 export or A-MEM's JSON: it looks which
>>> len(kept.notes), kept.ignored
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, cast, get_args

from multimodal_assistant.core.errors import InvalidSetting

from .foreign import from_amem, from_chroma, from_mem0
from .note import Evolution, MemoryNote, Scope, Source
from .records import Imported, Record, distinct, parsed

__all__ = ["Imported", "from_amem", "from_chroma", "from_lines", "from_mem0", "read", "to_lines"]

VERSION = 1

_TIMES = frozenset({"timestamp", "last_accessed", "valid_from", "valid_to"})
_LISTS = frozenset({"keywords", "tags", "links", "made_of"})
_COUNTS = frozenset({"retrieval_count", "position"})
_FIELDS = tuple(field.name for field in fields(MemoryNote))


def to_lines(notes: Iterable[MemoryNote]) -> Iterator[str]:
    """One line of JSON for each note, without its newline; `from_lines` makes equal notes of them."""
    for note in notes:
        record = {"version": VERSION, **{name: _plain(getattr(note, name)) for name in _FIELDS}}
        line = json.dumps(record, ensure_ascii=False, allow_nan=True)
        # Halves of surrogate pairs cannot be written as UTF-8, and some readers take these separators for line ends.
        readable = not any("\ud800" <= letter <= "\udfff" or letter in "\x85\u2028\u2029" for letter in line)
        yield line if readable else json.dumps(record)


def _plain(value: object) -> object:
    """For JSON. Lists are always tuples on the way back; times and mappings are marked."""
    match value:
        case datetime():
            return {"time": value.isoformat()}
        case Scope():
            return {"user": value.user, "agent": value.agent, "session": value.session}
        case Evolution():
            return {field.name: _plain(getattr(value, field.name)) for field in fields(Evolution)}
        case tuple() | list():
            return [_plain(one) for one in cast("tuple[object, ...]", value)]
        case Mapping():
            pairs = cast("Mapping[object, object]", value)
            return {"map": {str(key): _plain(one) for key, one in pairs.items()}}
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def _whole(value: object) -> object:
    """Back from `_plain`."""
    if isinstance(value, list):
        return tuple(_whole(one) for one in cast("list[object]", value))
    if isinstance(value, dict):
        marked = cast("dict[str, object]", value)
        if set(marked) == {"time"}:
            return datetime.fromisoformat(str(marked["time"]))
        if set(marked) == {"map"}:
            return {key: _whole(one) for key, one in cast("dict[str, object]", marked["map"]).items()}
        raise ValueError("an object where a value belongs")
    return value


def from_lines(lines: Iterable[str], scope: Scope | None = None) -> Imported:
    """Notes of our own export. scope: whose they are from now on, in the sessions in which they were; without it, whose they were."""
    ignored: Counter[str] = Counter()
    notes: list[MemoryNote] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        record = Record(number, parsed(line, f"Line {number}"), ignored)
        if record.values.pop("version", VERSION) not in {VERSION}:
            raise record.bad("was written by a later version", "Update this program.")
        notes.append(_own(record, scope))
        for name in record.values.keys() - set(_FIELDS):
            ignored[name] += 1
    return Imported(distinct(notes), dict(ignored))


def _own(record: Record, scope: Scope | None) -> MemoryNote:
    values = record.values
    try:
        kept: dict[str, Any] = {
            name: _whole(values[name]) for name in _FIELDS if name in values and name not in {"scope", "evolution_history"}
        }
        kept["evolution_history"] = tuple(_evolution(row) for row in values.get("evolution_history", ()))
        own = Scope(**cast("dict[str, str]", values["scope"]))
        kept["scope"] = scope.over(own) if scope else own
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise record.bad("is not a note of this program's export") from error
    _check(record, kept)
    return MemoryNote(**kept)


def _evolution(row: Mapping[str, object]) -> Evolution:
    values: dict[str, Any] = {field.name: _whole(row[field.name]) for field in fields(Evolution)}
    if not isinstance(values["at"], datetime):
        raise TypeError("a change without a time")
    return Evolution(**values)


def _check(record: Record, kept: Mapping[str, object]) -> None:
    """Types of the fields: a file may hold anything."""
    record.content(kept.get("content"))
    for name, value in kept.items():
        if name in _TIMES:
            right = isinstance(value, datetime) and value.tzinfo is not None or value is None and name != "timestamp"
        elif name in _LISTS:
            right = isinstance(value, tuple) and all(isinstance(one, str) for one in cast("tuple[object, ...]", value))
        elif name in _COUNTS:
            right = isinstance(value, int) and not isinstance(value, bool) and value >= (-1 if name == "position" else 0)
        else:
            right = name in {"scope", "evolution_history"} or isinstance(value, str)
        if not right or name == "source" and value not in get_args(Source) or name == "id" and not value:
            raise record.bad(f"has no proper {name}")


def read(text: str, scope: Scope | None = None, *, now: datetime | None = None) -> Imported:
    """Notes of a file: our own lines, a mem0 export, or A-MEM's JSON. scope: whose they are; without it every record has to say so."""
    body = text.removeprefix("\ufeff").strip()
    first = body.partition("\n")[0].rstrip()
    if _is_line(first):
        return from_lines(body.split("\n"), scope)
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidSetting("The file is neither lines of JSON of this program nor JSON.", "Nothing was kept.") from error
    moment = now or datetime.now(UTC)
    sample = _first_record(data)
    return (from_mem0 if "memory" in sample or "content" not in sample else from_amem)(data, scope, now=moment)


def _is_line(line: str) -> bool:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"version", "content", "scope"} <= cast("dict[str, object]", found).keys()


def _first_record(data: object) -> Mapping[str, object]:
    """Something to tell the shape of an export by."""
    for _ in range(3):
        if isinstance(data, dict):
            mapping = cast("dict[str, object]", data)
            if {"memory", "content"} & mapping.keys():
                return mapping
            data = next((cast(object, value) for value in mapping.values() if isinstance(value, dict | list)), None)
        elif isinstance(data, list):
            data = next(iter(cast("list[object]", data)), None)
    return cast("dict[str, object]", data) if isinstance(data, dict) else {}
