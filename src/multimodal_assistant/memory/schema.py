"""The tables of the log, and how a note lies in them."""

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any, cast

from .note import Evolution, MemoryNote, Scope, Source
from .requests import informs
from .terms import Keys

VERSION = 1

TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    user TEXT NOT NULL, agent TEXT NOT NULL, session TEXT NOT NULL, position INTEGER NOT NULL,
    speaker TEXT NOT NULL, source TEXT NOT NULL, said_at REAL NOT NULL,
    content TEXT NOT NULL, terms TEXT NOT NULL, asks INTEGER NOT NULL, dated INTEGER NOT NULL, informs INTEGER NOT NULL,
    keywords TEXT NOT NULL, context TEXT NOT NULL, tags TEXT NOT NULL, category TEXT NOT NULL,
    valid_from REAL, valid_to REAL, superseded_by TEXT NOT NULL DEFAULT '',
    retrieval_count INTEGER NOT NULL DEFAULT 0, last_accessed REAL,
    UNIQUE (id, user)
);
CREATE INDEX IF NOT EXISTS notes_by_place ON notes (user, session, position);
CREATE INDEX IF NOT EXISTS notes_by_time ON notes (user, said_at);
CREATE TABLE IF NOT EXISTS counts (
    user TEXT NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, notes INTEGER NOT NULL, PRIMARY KEY (user, what, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
    note INTEGER NOT NULL REFERENCES notes (seq) ON DELETE CASCADE, kind TEXT NOT NULL, model TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (note, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
    note INTEGER NOT NULL REFERENCES notes (seq) ON DELETE CASCADE, other INTEGER NOT NULL REFERENCES notes (seq) ON DELETE CASCADE,
    PRIMARY KEY (note, other)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_back ON links (other);
CREATE TABLE IF NOT EXISTS sources (
    note INTEGER NOT NULL REFERENCES notes (seq) ON DELETE CASCADE, origin INTEGER NOT NULL,
    PRIMARY KEY (note, origin)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sources_back ON sources (origin);
CREATE TABLE IF NOT EXISTS history (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, note INTEGER NOT NULL REFERENCES notes (seq) ON DELETE CASCADE,
    at REAL NOT NULL, by TEXT NOT NULL, field TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, cause TEXT NOT NULL,
    prompt_hash TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_of ON history (note);
CREATE INDEX IF NOT EXISTS history_cause ON history (cause);
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, note INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, note INTEGER NOT NULL REFERENCES notes (seq) ON DELETE CASCADE,
    lease_until REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', UNIQUE (kind, note)
);
"""
"""`counts`: how many notes a user has, in all, by each speaker and with each term; `outbox`: notes that
the index does not have as they are, or still has; `sources`: what a summary was made of."""

COLUMNS = (
    "id user agent session position speaker source said_at content terms asks dated informs keywords context tags category "
    "valid_from valid_to superseded_by retrieval_count last_accessed"
).split()


def values_of(note: MemoryNote, keys: Keys) -> tuple[object, ...]:
    """A row, in the order of `COLUMNS`."""
    scope = note.scope
    return (
        *(note.id, scope.user, scope.agent, scope.session, note.position, note.speaker, note.source, note.timestamp.timestamp()),
        *(
            note.content,
            " ".join(keys.terms),
            keys.asks,
            keys.dated,
            informs(note.content),
            listed(note.keywords),
            note.context,
            listed(note.tags),
            note.category,
        ),
        *(seconds(note.valid_from), seconds(note.valid_to), note.superseded_by, note.retrieval_count, seconds(note.last_accessed)),
    )


def note_of(
    row: sqlite3.Row, links: tuple[str, ...] = (), history: tuple[Evolution, ...] = (), made_of: tuple[str, ...] = ()
) -> MemoryNote:
    """The note in a row with at least `COLUMNS`."""
    return MemoryNote(
        content=row["content"],
        scope=Scope(row["user"], row["agent"], row["session"]),
        id=row["id"],
        keywords=tuple(json.loads(row["keywords"])),
        context=row["context"],
        tags=tuple(json.loads(row["tags"])),
        category=row["category"],
        links=links,
        timestamp=cast(datetime, moment(row["said_at"])),
        last_accessed=moment(row["last_accessed"]),
        retrieval_count=row["retrieval_count"],
        evolution_history=history,
        speaker=row["speaker"],
        source=cast(Source, row["source"]),
        position=row["position"],
        valid_from=moment(row["valid_from"]),
        valid_to=moment(row["valid_to"]),
        superseded_by=row["superseded_by"],
        made_of=made_of,
    )


def evolution_of(row: sqlite3.Row) -> Evolution:
    at = cast(datetime, moment(row["at"]))
    return Evolution(at, row["by"], row["field"], told(row["old"]), told(row["new"]), row["cause"], row["prompt_hash"])


def listed(value: object) -> str:
    """JSON, as it lies in a column."""
    return json.dumps(value, ensure_ascii=False)


def told(text: str) -> Any:
    """What `listed` wrote; lists come back as tuples."""
    value = json.loads(text)
    return tuple(cast(list[Any], value)) if isinstance(value, list) else value


def seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
