"""What other memories export → notes: mem0's JSON, A-MEM's JSON, and the Chroma database that A-MEM keeps.

One bad record stops an import with a sentence that names it, and nothing is kept; fields that have no place in a note are counted.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from multimodal_assistant.core.errors import InvalidSetting

from .note import MemoryNote, Scope
from .records import Imported, Record, distinct

_MEM0 = frozenset(
    "id memory text data user_id agent_id run_id actor_id role created_at updated_at categories hash score event type".split()
)  # what mem0 reckons itself (hash, score) is no loss
_AMEM = frozenset(
    "id content keywords links retrieval_count timestamp last_accessed context evolution_history category tags chroma:document".split()
)


def from_mem0(data: object, scope: Scope | None = None, *, now: datetime) -> Imported:
    """A list of memories, or `{"results": [...]}`. now: when those were said that have no time.

    scope: whose they are; the export has to be of one user then. Without it every record says whose it is.
    """
    ignored: Counter[str] = Counter()
    records = list(_records(data, ("results", "memories"), ignored))
    if scope is not None:
        _one_user(records)
    return Imported(distinct(_of_mem0(record, scope, now) for record in records), dict(ignored))


def _of_mem0(record: Record, scope: Scope | None, now: datetime) -> MemoryNote:
    content = record.content(next((record.values[name] for name in ("memory", "text", "data") if record.values.get(name)), None))
    user = record.text("user_id")
    if scope is None and not user.strip():
        raise record.bad("does not say whose memory it is", "Name the user whose memories these are.")
    own = Scope(scope.user if scope else user, record.text("agent_id"), record.text("run_id"))
    metadata = record.values.pop("metadata", None)
    if isinstance(metadata, dict):
        for name in cast("dict[str, object]", metadata):
            record.ignored[f"metadata.{name}"] += 1
    record.unknown(_MEM0)
    tags = _texts(record, "categories")
    said = _iso(record, "created_at") or _iso(record, "updated_at") or now
    return MemoryNote(
        content,
        scope.over(own) if scope else own,
        id=record.text("id") or _id_of(record, content),
        tags=tags,
        category=tags[0] if tags else "Uncategorized",
        timestamp=said,
        speaker=record.text("actor_id"),
        source="import",
    )


def from_amem(data: object, scope: Scope | None, *, now: datetime, zone: tzinfo = UTC) -> Imported:
    """A-MEM's notes: a list, `{"memories": ...}`, or a mapping of ids. Its times say no zone: zone. It knows no users: scope."""
    ignored: Counter[str] = Counter()
    records = list(_records(data, ("memories", "notes", "results"), ignored))
    if scope is None:
        raise InvalidSetting("A-MEM's notes do not say whose they are.", "Name the user whose memories these are.")
    ids = [record.text("id") or _id_of(record, record.text("content", "chroma:document")) for record in records]
    return Imported(distinct(_of_amem(record, ids, scope, now, zone) for record in records), dict(ignored))


def _of_amem(record: Record, ids: list[str], scope: Scope, now: datetime, zone: tzinfo) -> MemoryNote:
    values = record.values
    content = record.content(values["content"] if values.get("content") else values.get("chroma:document"))
    record.unknown(_AMEM)
    if _decoded(record, "evolution_history") not in ([], {}, None, ""):
        record.ignored["evolution_history"] += 1  # A-MEM never writes it, so nothing says what it would mean
    own = ids[record.number - 1]
    known = set(ids)
    links = dict.fromkeys(_link(link, ids) for link in _list(record, "links"))
    kept = tuple(link for link in links if link in known and link != own)
    if len(kept) < len(links):
        record.ignored["links that lead nowhere"] += len(links) - len(kept)
    return MemoryNote(
        content,
        scope,
        id=own,
        keywords=_texts(record, "keywords"),
        links=kept,
        tags=_texts(record, "tags"),
        context=record.text("context") or "General",
        category=record.text("category") or "Uncategorized",
        timestamp=_minute(record, "timestamp", zone) or now,
        last_accessed=_minute(record, "last_accessed", zone),
        retrieval_count=_count(record),
        source="import",
    )


def from_chroma(path: Path, scope: Scope, *, now: datetime, zone: tzinfo = UTC, collection: str = "") -> Imported:
    """A-MEM's notes in a `chroma.sqlite3`, or the folder that holds it; it is only read. collection: of several, that one."""
    file = path / "chroma.sqlite3" if path.is_dir() else path
    if not file.is_file():
        raise InvalidSetting(f"There is no Chroma database at {file}.", "Give the folder that holds chroma.sqlite3.")
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = _rows(database, collection)
    except sqlite3.Error as error:
        raise InvalidSetting(f"{file} is not a Chroma database that can be read: {error}.", "Nothing was kept.") from error
    return from_amem(rows, scope, now=now, zone=zone)


def _rows(database: sqlite3.Connection, collection: str) -> list[dict[str, object]]:
    """One mapping of metadata for each document, in the order of their storing. Chroma keeps every value in the column of its type."""
    names = [str(row[0]) for row in database.execute("SELECT name FROM collections ORDER BY name")]
    if collection and collection not in names or not collection and len(names) > 1:
        raise InvalidSetting(f"The Chroma database holds the collections {', '.join(names) or '(none)'}.", "Name one of them.")
    query = (
        "SELECT e.id, e.embedding_id, m.key, m.string_value, m.int_value, m.float_value, m.bool_value "
        "FROM embeddings e JOIN segments s ON s.id = e.segment_id JOIN collections c ON c.id = s.collection "
        "JOIN embedding_metadata m ON m.id = e.id WHERE c.name = ? ORDER BY e.id"
    )
    found: dict[int, dict[str, object]] = {}
    for number, name, key, *typed in database.execute(query, (collection or next(iter(names), ""),)):
        values = found.setdefault(number, {})
        values[key] = next((value for value in typed if value is not None), None)
        values.setdefault("id", str(name))
    return list(found.values())


def _records(data: object, wrappers: tuple[str, ...], ignored: Counter[str]) -> Iterator[Record]:
    """The records of a list, of a list in a wrapper, or of a mapping from ids."""
    for name in wrappers:
        if isinstance(data, dict) and isinstance(inner := cast("dict[str, object]", data).get(name), list | dict):
            data = cast(object, inner)
    if isinstance(data, dict):
        mapping = cast("dict[str, object]", data)
        if {"memory", "content", "text"} & mapping.keys():
            data = [mapping]
        else:
            data = [{"id": key, **cast("dict[str, object]", value)} if isinstance(value, dict) else value for key, value in mapping.items()]
    if not isinstance(data, list):
        raise InvalidSetting("The export is not a list of memories.", "Nothing was kept.")
    for number, values in enumerate(cast("list[object]", data), 1):
        if not isinstance(values, dict):
            raise InvalidSetting(f"Record {number} is not a JSON object.", "Nothing was kept.")
        yield Record(number, dict(cast("dict[str, Any]", values)), ignored)


def _one_user(records: list[Record]) -> None:
    """The memories of two people never become those of one."""
    users = sorted({record.text("user_id") for record in records} - {""})
    if len(users) > 1:
        raise InvalidSetting(
            f"The export holds the memories of {len(users)} users ({', '.join(users[:5])}).",
            "Import it without naming a user, so that each keeps theirs, or split it.",
        )


def _id_of(record: Record, content: str) -> str:
    """Of a record without an id: the same at every import, so that a second one adds nothing."""
    said = record.text("created_at", "timestamp")
    return str(uuid5(NAMESPACE_URL, f"memory:{record.number}:{said}:{content}".encode("utf-8", "replace").decode()))


def _decoded(record: Record, name: str) -> object:
    """A list as it is, or as JSON in a string, which is all that Chroma can keep. Words alone are one item."""
    value: object = record.values.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip()[:1] in {"[", "{", "n"} else value
    except (ValueError, RecursionError):
        return value


def _list(record: Record, name: str) -> list[object]:
    value = _decoded(record, name)
    if value in (None, "", [], {}):
        return []
    if isinstance(value, list):
        return cast("list[object]", value)
    if isinstance(value, Mapping):
        return list(cast("Mapping[str, object]", value))
    return [value]


def _texts(record: Record, name: str) -> tuple[str, ...]:
    items = _list(record, name)
    if not all(isinstance(item, str | int | float) for item in items):
        raise record.bad(f"has {name} that are no list of words")
    return tuple(dict.fromkeys(str(item) for item in items if str(item).strip()))


def _link(link: object, ids: list[str]) -> str:
    """An id, or the place of a note, as the paper's code has it."""
    if isinstance(link, int) and not isinstance(link, bool):
        return ids[link] if 0 <= link < len(ids) else ""
    return str(link)


def _minute(record: Record, name: str, zone: tzinfo) -> datetime | None:
    """ "YYYYMMDDHHMM"."""
    text = record.text(name)
    if not text or text == "None":
        return None
    try:
        if text.isascii() and text.isdigit() and len(text) in {12, 14}:
            return datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=zone)
        return _aware(datetime.fromisoformat(text), zone)
    except ValueError as error:
        raise record.bad(f'has no proper {name}: {text[:40]!r} is not "YYYYMMDDHHMM"') from error


def _iso(record: Record, name: str) -> datetime | None:
    value: object = record.values.get(name)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        return _aware(datetime.fromisoformat(str(value)), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise record.bad(f"has no proper {name}: {str(value)[:40]!r} is not a time") from error


def _aware(time: datetime, zone: tzinfo) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=zone)


def _count(record: Record) -> int:
    text = record.text("retrieval_count") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise record.bad(f"has no proper retrieval_count: {text[:40]!r}")
    return int(text)
