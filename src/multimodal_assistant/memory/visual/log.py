"""The durable log of what was seen: every kept view with its picture and its vectors, in one SQLite file. It is the truth.

Synchronous: called on one worker thread. A change is one transaction, on the disk (`synchronous = FULL`) when the call returns, and in it
the index is marked as behind until `indexed` says that it is not.
"""

import json
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.core.types import Box, Guess, Picture, Sighting, WrittenLine
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
_BEHIND = "index behind"


@dataclass(frozen=True, slots=True)
class Entry:
    """A view with all that belongs to it."""

    view: KeptView
    """Its id is given by the log."""
    terms: tuple[str, ...]
    """Of its words, its caption and the writing in it; stemmed."""
    picture: bytes
    """JPEG."""
    parts: tuple[tuple[Box, NDArray[np.float32]], ...]
    """The whole first; vectors of length 1."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index has of a view."""

    id: int
    user: str
    seen_at: float
    terms: tuple[str, ...]
    vectors: tuple[NDArray[np.float32], ...]


class VisualLog:
    """One connection. Raises `MemoryStoreError` where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
            self._db.row_factory = sqlite3.Row
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                self._db.execute(f"PRAGMA {pragma}")
            self._upgrade()

    def close(self) -> None:
        """Safe to call twice."""
        self._db.close()

    # Writing

    def add(self, entry: Entry) -> int:
        """The number of the new view."""
        view = entry.view
        with self._changing():
            values = (view.user, view.source, view.seen_at, view.last_seen_at, _written(view.seen), view.words, view.caption)
            cursor = self._db.execute(
                "INSERT INTO views (user, source, seen_at, last_seen_at, seen, words, caption, terms, picture) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, " ".join(entry.terms), entry.picture),
            )
            id = int(cursor.lastrowid or 0)
            labels = {one.label for one in view.seen.sightings}
            self._db.executemany("INSERT INTO things VALUES (?, ?)", [(id, label) for label in sorted(labels)])
            self._keep_vectors(id, entry.parts)
        return id

    def extend(self, id: int, at: float) -> None:
        """It was seen again. The index has nothing of that."""
        with self._changing(behind=False):
            self._db.execute("UPDATE views SET last_seen_at = max(last_seen_at, ?) WHERE id = ?", (at, id))

    def set_caption(self, user: str, id: int, caption: str, terms: Sequence[str]) -> bool:
        """False where there is no such view."""
        with self._changing():
            sql = "UPDATE views SET caption = ?, terms = ? WHERE user = ? AND id = ?"
            return self._db.execute(sql, (caption, " ".join(terms), user, id)).rowcount > 0

    def keep_vectors(self, id: int, parts: Iterable[tuple[Box, NDArray[np.float32]]]) -> None:
        """In the place of those it had; nothing where the view is gone."""
        with self._changing():
            self._keep_vectors(id, parts)

    def forget_vectors(self) -> None:
        """They are of another encoder."""
        with self._changing():
            self._db.execute("DELETE FROM vectors")

    def delete(self, user: str, ids: Sequence[int]) -> list[int]:
        """Delete views of a user for good; those that were there. Nothing of them stays in the file, or beside it."""
        with self._changing():
            gone = [row["id"] for row in self._rows(f"SELECT id FROM views WHERE user = ? AND id IN ({_marks(ids)})", (user, *ids))]
            self._db.executemany("DELETE FROM views WHERE id = ?", [(id,) for id in gone])
        self._empty_the_journal()
        return gone

    def expire(self, before: float, most: int) -> list[int]:
        """Delete what was last seen before that time, and of each user what goes beyond `most`, the oldest first; which were deleted."""
        sql = (
            "SELECT id FROM (SELECT id, last_seen_at, row_number() OVER (PARTITION BY user ORDER BY last_seen_at DESC, id DESC) AS place "
            "FROM views) WHERE last_seen_at < ? OR place > ?"
        )
        gone = [row["id"] for row in self._rows(sql, (before, most))]
        if gone:
            with self._changing():
                self._db.executemany("DELETE FROM views WHERE id = ?", [(id,) for id in gone])
            self._empty_the_journal()
        return gone

    def indexed(self) -> None:
        """The index has all of it, on the disk."""
        with self._changing(behind=False):
            self._db.execute("DELETE FROM meta WHERE key = ?", (_BEHIND,))

    def set_meta(self, key: str, value: str) -> None:
        with self._changing(behind=False):
            self._db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    # Reading

    @property
    def behind(self) -> bool:
        """Whether the index may lack something, or have something that is gone."""
        return self.meta(_BEHIND) is not None

    def meta(self, key: str) -> str | None:
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0]["value"] if rows else None

    def views(self, user: str, ids: Sequence[int]) -> list[KeptView]:
        """Those of these that are there."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM views WHERE user = ? AND id IN ({_marks(ids)})", (user, *ids))
        return [_view(row) for row in rows]

    def latest(self, user: str, most: int, *, since: float, until: float, labels: Sequence[str] = ()) -> list[KeptView]:
        """What was in view within these times, the newest first; with any of these things in it, where they are named."""
        named = f"AND id IN (SELECT view FROM things WHERE label IN ({_marks(labels)}))" if labels else ""
        sql = (
            f"SELECT {_COLUMNS} FROM views WHERE user = ? AND last_seen_at >= ? AND seen_at < ? {named} "
            "ORDER BY last_seen_at DESC, id DESC LIMIT ?"
        )
        return [_view(row) for row in self._rows(sql, (user, since, until, *labels, most))]

    def terms(self, ids: Sequence[int]) -> dict[int, frozenset[str]]:
        """Of each of these views."""
        rows = self._rows(f"SELECT id, terms FROM views WHERE id IN ({_marks(ids)})", ids)
        return {row["id"]: frozenset(row["terms"].split()) for row in rows}

    def picture(self, user: str, id: int) -> Picture | None:
        """As it was kept."""
        rows = self._rows("SELECT picture FROM views WHERE user = ? AND id = ?", (user, id))
        return Picture(rows[0]["picture"], _THUMBNAIL_TYPE) if rows else None

    def boxes(self, id: int) -> tuple[Box, ...]:
        """The parts that have vectors, the whole first."""
        return tuple(Box(*json.loads(row["box"])) for row in self._rows("SELECT box FROM vectors WHERE view = ? ORDER BY part", (id,)))

    def to_index(self, after: int, most: int, *, id: int | None = None) -> list[Indexed]:
        """Views with vectors, by their numbers; or the one that is named."""
        where, value = ("id = ?", id) if id is not None else ("id > ?", after)
        rows = self._rows(
            f"SELECT id, user, seen_at, terms FROM views WHERE {where} AND id IN (SELECT view FROM vectors) ORDER BY id LIMIT ?",
            (value, most),
        )
        return [Indexed(row["id"], row["user"], row["seen_at"], tuple(row["terms"].split()), self.vectors(row["id"])) for row in rows]

    def vectors(self, id: int) -> tuple[NDArray[np.float32], ...]:
        """Of its parts, the whole first."""
        rows = self._rows("SELECT vector FROM vectors WHERE view = ? ORDER BY part", (id,))
        return tuple(np.frombuffer(row["vector"], np.float16).astype(np.float32) for row in rows)

    def without_vectors(self) -> tuple[int, str] | None:
        """The newest view that has none, and whose it is."""
        rows = self._rows("SELECT id, user FROM views WHERE id NOT IN (SELECT view FROM vectors) ORDER BY id DESC LIMIT 1", ())
        return (rows[0]["id"], rows[0]["user"]) if rows else None

    def count(self, user: str | None = None) -> dict[str, Any]:
        """How many views there are, the bytes of their pictures, from when to when; of one user, or of all."""
        counted = "count(*) AS views, coalesce(sum(length(picture)), 0) AS bytes, min(seen_at) AS first, max(last_seen_at) AS last"
        sql = f"SELECT {counted} FROM views"
        return dict(self._rows(sql, ())[0] if user is None else self._rows(f"{sql} WHERE user = ?", (user,))[0])

    def points(self) -> int:
        """Vectors there are."""
        return self._rows("SELECT count(*) AS n FROM vectors", ())[0]["n"]

    # Within

    def _upgrade(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise MemoryStoreError(f"{self.path} is of a newer version of this program.", "Update the program.")
        self._db.executescript(f"{_TABLES} PRAGMA user_version = {VERSION};")

    def _keep_vectors(self, id: int, parts: Iterable[tuple[Box, NDArray[np.float32]]]) -> None:
        if not self._rows("SELECT 1 FROM views WHERE id = ?", (id,)):
            return
        self._db.execute("DELETE FROM vectors WHERE view = ?", (id,))
        rows = [(id, part, json.dumps(_corners(box)), vector.astype(np.float16).tobytes()) for part, (box, vector) in enumerate(parts)]
        self._db.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?)", rows)

    def _empty_the_journal(self) -> None:
        with self._told():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _rows(self, sql: str, values: Sequence[object]) -> list[sqlite3.Row]:
        with self._told():
            return self._db.execute(sql, tuple(values)).fetchall()

    @contextmanager
    def _changing(self, *, behind: bool = True) -> Generator[None]:
        """One transaction, durable at its end. behind: the index has to follow."""
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if behind:
                    self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, '')", (_BEHIND,))
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise MemoryStoreError(
                f"What was seen cannot be read or written in {self.path}: {error}.", "Check the disk and the permissions of the folder."
            ) from error


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _corners(box: Box) -> tuple[float, float, float, float]:
    return (box.left, box.top, box.width, box.height)


def _written(seen: Seen) -> str:
    """As it lies in its column."""
    parts = {"sightings": [asdict(one) for one in seen.sightings], "guesses": [asdict(one) for one in seen.guesses]}
    return json.dumps(parts | {"lines": [asdict(one) for one in seen.lines], "colours": dict(seen.colours)}, ensure_ascii=False)


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
