"""Reading what was seen: one connection to the log, and everything that can be looked up in it."""

import json
import sqlite3
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.core.types import Box, Guess, Picture, Sighting, WrittenLine
from multimodal_assistant.memory.reading import marks
from multimodal_assistant.processors.scene import Seen

from .view import KeptView

VERSION = 1
_THUMBNAIL_TYPE = "image/jpeg"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS views (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user TEXT NOT NULL, source TEXT NOT NULL, seen_at REAL NOT NULL, last_seen_at REAL NOT NULL,
    seen TEXT NOT NULL, words TEXT NOT NULL, caption TEXT NOT NULL, terms TEXT NOT NULL, picture BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS views_by_time ON views (user, last_seen_at);
CREATE TABLE IF NOT EXISTS things (view INTEGER NOT NULL REFERENCES views (id) ON DELETE CASCADE, label TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS things_by_label ON things (label, view);
CREATE INDEX IF NOT EXISTS things_of ON things (view);
CREATE TABLE IF NOT EXISTS vectors (
    view INTEGER NOT NULL REFERENCES views (id) ON DELETE CASCADE, part INTEGER NOT NULL, box TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (view, part)
) WITHOUT ROWID;
"""
_COLUMNS = "id, user, source, seen_at, last_seen_at, seen, words, caption"
BEHIND = "index behind"
"""Is there as long as the index does not have all of the log."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index has of a view."""

    id: int
    user: str
    seen_at: float
    terms: tuple[str, ...]
    vectors: tuple[NDArray[np.float32], ...]


class VisualReader:
    """One connection. Raises `MemoryStoreError` where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.told():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
            self.db.row_factory = sqlite3.Row
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                self.db.execute(f"PRAGMA {pragma}")
            self._upgrade()

    def close(self) -> None:
        """Safe to call twice."""
        self.db.close()

    @property
    def behind(self) -> bool:
        """Whether the index may lack something, or have something that is gone."""
        return self.meta(BEHIND) is not None

    def meta(self, key: str) -> str | None:
        rows = self.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0]["value"] if rows else None

    def views(self, user: str, ids: Sequence[int]) -> list[KeptView]:
        """Those of these that are there."""
        rows = self.rows(f"SELECT {_COLUMNS} FROM views WHERE user = ? AND id IN ({marks(ids)})", (user, *ids))
        return [_view(row) for row in rows]

    def latest(self, user: str, most: int, *, since: float, until: float, labels: Sequence[str] = ()) -> list[KeptView]:
        """What was in view within these times, the newest first; with any of these things in it, where they are named."""
        named = f"AND id IN (SELECT view FROM things WHERE label IN ({marks(labels)}))" if labels else ""
        sql = (
            f"SELECT {_COLUMNS} FROM views WHERE user = ? AND last_seen_at >= ? AND seen_at < ? {named} "
            "ORDER BY last_seen_at DESC, id DESC LIMIT ?"
        )
        return [_view(row) for row in self.rows(sql, (user, since, until, *labels, most))]

    def uncaptioned(self, but: Collection[int]) -> KeptView | None:
        """The newest without a caption, of any user."""
        sql = f"SELECT {_COLUMNS} FROM views WHERE caption = '' AND id NOT IN ({marks(but)}) ORDER BY id DESC LIMIT 1"
        return next((_view(row) for row in self.rows(sql, tuple(but))), None)

    def terms(self, ids: Sequence[int]) -> dict[int, frozenset[str]]:
        """Of each of these views."""
        rows = self.rows(f"SELECT id, terms FROM views WHERE id IN ({marks(ids)})", ids)
        return {row["id"]: frozenset(row["terms"].split()) for row in rows}

    def picture(self, user: str, id: int) -> Picture | None:
        """As it was kept."""
        rows = self.rows("SELECT picture FROM views WHERE user = ? AND id = ?", (user, id))
        return Picture(rows[0]["picture"], _THUMBNAIL_TYPE) if rows else None

    def to_index(self, after: int, most: int, *, id: int | None = None) -> list[Indexed]:
        """Views with vectors, by their numbers; or the one that is named."""
        where, value = ("id = ?", id) if id is not None else ("id > ?", after)
        rows = self.rows(
            f"SELECT id, user, seen_at, terms FROM views WHERE {where} AND id IN (SELECT view FROM vectors) ORDER BY id LIMIT ?",
            (value, most),
        )
        return [Indexed(row["id"], row["user"], row["seen_at"], tuple(row["terms"].split()), self.vectors(row["id"])) for row in rows]

    def vectors(self, id: int) -> tuple[NDArray[np.float32], ...]:
        """Of its parts, the whole first."""
        rows = self.rows("SELECT vector FROM vectors WHERE view = ? ORDER BY part", (id,))
        return tuple(np.frombuffer(row["vector"], np.float16).astype(np.float32) for row in rows)

    def without_vectors(self) -> tuple[int, str] | None:
        """The newest view that has none, and whose it is."""
        rows = self.rows("SELECT id, user FROM views WHERE id NOT IN (SELECT view FROM vectors) ORDER BY id DESC LIMIT 1", ())
        return (rows[0]["id"], rows[0]["user"]) if rows else None

    def count(self, user: str | None = None) -> dict[str, Any]:
        """How many views there are, the bytes of their pictures, from when to when; of one user, or of all."""
        counted = "count(*) AS views, coalesce(sum(length(picture)), 0) AS bytes, min(seen_at) AS first, max(last_seen_at) AS last"
        sql = f"SELECT {counted} FROM views"
        return dict(self.rows(sql, ())[0] if user is None else self.rows(f"{sql} WHERE user = ?", (user,))[0])

    def points(self) -> int:
        """Vectors there are."""
        return self.rows("SELECT count(*) AS n FROM vectors", ())[0]["n"]

    def _upgrade(self) -> None:
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise MemoryStoreError(f"{self.path} is of a newer version of this program.", "Update the program.")
        self.db.executescript(f"{_TABLES} PRAGMA user_version = {VERSION};")

    def rows(self, sql: str, values: Sequence[object]) -> list[sqlite3.Row]:
        with self.told():
            return self.db.execute(sql, tuple(values)).fetchall()

    @contextmanager
    def told(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise MemoryStoreError(
                f"What was seen cannot be read or written in {self.path}: {error}.", "Check the disk and the permissions of the folder."
            ) from error


def _seen(text: str) -> Seen:
    told = json.loads(text)
    return Seen(
        tuple(Sighting(one["label"], one["probability"], Box(**one["box"])) for one in told["sightings"]),
        tuple(Guess(**one) for one in told["guesses"]),
        tuple(WrittenLine(one["text"], one["probability"], Box(**one["box"])) for one in told["lines"]),
        told["colours"],
    )


def _view(row: sqlite3.Row) -> KeptView:
    return KeptView(
        *(row["id"], row["user"], row["source"], row["seen_at"], row["last_seen_at"]), _seen(row["seen"]), row["words"], row["caption"]
    )
