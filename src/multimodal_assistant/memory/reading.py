"""Reading the log: one connection to its file, and everything that can be looked up in it."""

import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import MemoryStoreError

from .note import Evolution, MemoryNote, Scope
from .schema import TABLES, VERSION, evolution_of, note_of, seconds


@dataclass(frozen=True, slots=True)
class Stored:
    """A note with what the index needs of it."""

    seq: int
    """Its number in the log, and its point in the index."""
    note: MemoryNote
    terms: tuple[str, ...]
    vectors: dict[str, NDArray[np.float16]]
    """By kind; shape [d] each."""


class LogReader:
    """One connection. Raises `MemoryStoreError` where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.told():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
            self.db.row_factory = sqlite3.Row
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON", "cache_size = -8000"):
                self.db.execute(f"PRAGMA {pragma}")
            self._upgrade()

    def close(self) -> None:
        """Safe to call twice."""
        self.db.close()

    def notes(self, scope: Scope, ids: Sequence[str]) -> list[MemoryNote]:
        """Those of these ids that are in the scope, in the order of `ids`, whole."""
        where, values = _within(scope, "+")  # the plus keeps SQLite from going through all notes of the user instead
        rows = self.rows(f"SELECT * FROM notes WHERE {where} AND id IN ({marks(ids)})", (*values, *ids))
        found = {note.id: note for note in self._whole(rows)}
        return [found[one] for one in ids if one in found]

    def before(self, note: MemoryNote) -> str:
        """What was said right before it in its session."""
        rows = self.rows(
            "SELECT content FROM notes WHERE user = ? AND session = ? AND position = ?",
            (note.scope.user, note.scope.session, note.position - 1),
        )
        return rows[0]["content"] if rows else ""

    def latest(self, scope: Scope, most: int, *, since: datetime | None = None, until: datetime | None = None) -> list[MemoryNote]:
        """The newest first, said within these times."""
        where, values = _within(scope)
        bounds = (seconds(since) if since else -1e18, seconds(until) if until else 1e18)
        sql = f"SELECT * FROM notes WHERE {where} AND said_at >= ? AND said_at < ? ORDER BY said_at DESC, seq DESC LIMIT ?"
        return self._whole(self.rows(sql, (*values, *bounds, most)))

    def stored(self, seqs: Sequence[int]) -> list[Stored]:
        """Notes by their numbers, without links, history and what they were made of."""
        vectors: dict[int, dict[str, NDArray[np.float16]]] = {seq: {} for seq in seqs}
        for row in self.rows(f"SELECT note, kind, vector FROM vectors WHERE note IN ({marks(seqs)})", seqs):
            vectors[row["note"]][row["kind"]] = np.frombuffer(row["vector"], np.float16)
        rows = self.rows(f"SELECT * FROM notes WHERE seq IN ({marks(seqs)})", seqs)
        return [Stored(row["seq"], note_of(row), tuple(row["terms"].split()), vectors[row["seq"]]) for row in rows]

    def neighbourhood(self, scope: Scope, seqs: Sequence[int], around: int, kind: str) -> list[sqlite3.Row]:
        """What ranking reads of these notes of the scope, and of up to `around` notes on either side of each in its session, as far as they
        have a vector of that kind: id, terms, asks, dated, informs, source, speaker, said_at, session, position, superseded_by, vector.
        """
        where, values = _within(scope, "+notes.")
        return self.rows(
            f"""WITH hit AS (SELECT user, session, position FROM notes WHERE seq IN ({marks(seqs)})),
            near AS (SELECT DISTINCT one.seq FROM hit JOIN notes AS one ON one.user = hit.user AND one.session = hit.session
                AND one.position BETWEEN hit.position - ? AND hit.position + ?)
            SELECT id, terms, asks, dated, informs, source, speaker, said_at, session, position, superseded_by, vector
            FROM near CROSS JOIN notes USING (seq) JOIN vectors ON vectors.note = notes.seq AND vectors.kind = ? WHERE {where}""",
            (*seqs, around, around, kind, *values),
        )

    def seqs_of(self, user: str, ids: Sequence[str]) -> list[int]:
        return [row["seq"] for row in self.rows(f"SELECT seq FROM notes WHERE +user = ? AND id IN ({marks(ids)})", (user, *ids))]

    def holding(self, user: str, terms: Sequence[str]) -> tuple[int, dict[str, int]]:
        """How many notes a user has, and how many of them hold each of these terms."""
        rows = self.rows(f"SELECT name, notes FROM counts WHERE user = ? AND what = 'term' AND name IN ({marks(terms)})", (user, *terms))
        total = self.rows("SELECT notes FROM counts WHERE user = ? AND what = 'user'", (user,))
        return total[0]["notes"] if total else 0, {row["name"]: row["notes"] for row in rows}

    def with_terms(self, scope: Scope, terms: Sequence[str], most: int) -> list[str]:
        """Ids of the notes that hold all of these terms, the newest first."""
        where, values = _within(scope)
        held = " AND ".join(["instr(' ' || terms || ' ', ?) > 0"] * len(terms))
        sql = f"SELECT id FROM notes WHERE {where} AND {held} ORDER BY said_at DESC LIMIT ?"
        return [row["id"] for row in self.rows(sql, (*values, *(f" {term} " for term in terms), most))]

    def all_seqs(self, after: int, most: int) -> list[int]:
        return [row["seq"] for row in self.rows("SELECT seq FROM notes WHERE seq > ? ORDER BY seq LIMIT ?", (after, most))]

    def speakers(self, user: str) -> tuple[str, ...]:
        """All names that anything of this user's was said under."""
        return tuple(
            row["name"] for row in self.rows("SELECT name FROM counts WHERE user = ? AND what = 'speaker' AND name != ''", (user,))
        )

    def linked(self, user: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """Note → what it is linked to."""
        found: dict[str, list[str]] = {one: [] for one in ids}
        for row in self.rows(
            "SELECT notes.id AS note, others.id AS other FROM links JOIN notes ON notes.seq = links.note JOIN notes AS others "
            f"ON others.seq = links.other WHERE +notes.user = ? AND notes.id IN ({marks(ids)}) ORDER BY links.other",
            (user, *ids),
        ):
            found[row["note"]].append(row["other"])
        return found

    def counts(self, user: str | None = None) -> dict[str, int]:
        """How much there is, of one user or of all."""
        mine, values = ("WHERE user = ?", (user,)) if user else ("", ())
        return {
            "notes": self.one(f"SELECT count(*) FROM notes {mine}", values),
            "sessions": self.one(f"SELECT count(DISTINCT session) FROM notes {mine}", values),
            "superseded": self.one(f"SELECT count(*) FROM (SELECT superseded_by AS later FROM notes {mine}) WHERE later != ''", values),
            "links": self.one(f"SELECT count(*) FROM links WHERE note < other AND note IN (SELECT seq FROM notes {mine})", values),
            "changes": self.one(f"SELECT count(*) FROM history WHERE note IN (SELECT seq FROM notes {mine})", values),
            "waiting_for_index": self.one("SELECT count(*) FROM outbox"),
            "waiting_jobs": self.one("SELECT count(*) FROM jobs"),
            "failing_jobs": self.one("SELECT count(*) FROM jobs WHERE error != ''"),
        }

    def users(self) -> list[str]:
        return [row["user"] for row in self.rows("SELECT user FROM counts WHERE what = 'user' ORDER BY user")]

    def meta(self, key: str) -> str | None:
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else row["value"]

    def sessions_due(self, quiet_since: float, fewest: int, most: int) -> list[int]:
        """A note of each session in which nothing was said after that (epoch seconds), and of which so many notes are in no summary."""
        rows = self.rows(
            "SELECT max(seq) AS last FROM notes WHERE session != '' AND source != 'summary' GROUP BY user, agent, session "
            "HAVING max(said_at) <= ? AND sum(NOT EXISTS (SELECT 1 FROM sources WHERE origin = notes.seq)) >= ? ORDER BY last LIMIT ?",
            (quiet_since, fewest, most),
        )
        return [row["last"] for row in rows]

    def session(self, scope: Scope) -> tuple[list[MemoryNote], int]:
        """What was said in it, in order, without links and history; and how many of these notes are in no summary."""
        rows = self.rows(
            "SELECT *, EXISTS (SELECT 1 FROM sources WHERE origin = notes.seq) AS told FROM notes "
            "WHERE user = ? AND session = ? AND agent = ? AND source != 'summary' ORDER BY position, seq",
            (scope.user, scope.session, scope.agent),
        )
        return [note_of(row) for row in rows], sum(not row["told"] for row in rows)

    def summaries_of(self, user: str, origins: Sequence[int]) -> list[sqlite3.Row]:
        """Notes that were made of any of these, without these."""
        return self.rows(
            "SELECT DISTINCT notes.* FROM notes JOIN sources ON sources.note = notes.seq WHERE +user = ? "
            f"AND sources.origin IN ({marks(origins)}) AND seq NOT IN ({marks(origins)})",
            (user, *origins, *origins),
        )

    def changed_since(self, entry: int, most: int) -> list[tuple[int, int]]:
        """(number of the entry, seq of the note) of those after `entry`, oldest first."""
        rows = self.rows("SELECT seq, note FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (entry, most))
        return [(row["seq"], row["note"]) for row in rows]

    def latest_change(self) -> int:
        """Number of the latest entry the outbox has ever had."""
        return self.one("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)")

    # Within

    def _whole(self, rows: Sequence[sqlite3.Row]) -> list[MemoryNote]:
        """With links, history and what they were made of."""
        if not rows:
            return []
        links = self.linked(rows[0]["user"], [row["id"] for row in rows])
        history: dict[int, list[Evolution]] = {row["seq"]: [] for row in rows}
        for row in self.rows(f"SELECT * FROM history WHERE note IN ({marks(history)}) ORDER BY seq", tuple(history)):
            history[row["note"]].append(evolution_of(row))
        made_of = self._made_of([row["seq"] for row in rows if row["source"] == "summary"])
        return [note_of(row, tuple(links[row["id"]]), tuple(history[row["seq"]]), tuple(made_of.get(row["seq"], ()))) for row in rows]

    def _made_of(self, summaries: Sequence[int]) -> dict[int, list[str]]:
        """Summary → the notes that it was made of, oldest first."""
        found: dict[int, list[str]] = {seq: [] for seq in summaries}
        sql = f"SELECT note, id FROM sources JOIN notes ON seq = origin WHERE note IN ({marks(summaries)}) ORDER BY origin"
        for row in self.rows(sql, summaries) if summaries else ():
            found[row["note"]].append(row["id"])
        return found

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self.told():
            return self.db.execute(sql, tuple(values)).fetchall()

    def one(self, sql: str, values: Sequence[object] = ()) -> int:
        return self.rows(sql, values)[0][0]

    def _upgrade(self) -> None:
        found = self.db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise MemoryStoreError(
                f"The memory {self.path} was written by a newer version of this program.", "Update the program, or use another folder."
            )
        if found < VERSION:
            self.db.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")

    @contextmanager
    def told(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise MemoryStoreError(f"The memory {self.path} cannot be used: {error}.", _remedy(str(error))) from error


def _remedy(error: str) -> str:
    if "full" in error or "I/O" in error:
        return "Look whether the disk is full; nothing that was acknowledged is lost."
    if "readonly" in error or "read-only" in error or "unable to open" in error or "Permission" in error:
        return "Check that the folder may be written, or name another with ASSISTANT_MEMORY__FOLDER."
    if "malformed" in error or "not a database" in error:
        return "Put a copy of the file in its place, or move it away to begin anew."
    return ""


def marks(values: Iterable[Any]) -> str:
    """Placeholders; SQLite takes 32,766 of them."""
    return ", ".join("?" for _ in values)


def _within(scope: Scope, table: str = "") -> tuple[str, tuple[str, ...]]:
    named = [("user", scope.user), *((name, value) for name, value in (("agent", scope.agent), ("session", scope.session)) if value)]
    return " AND ".join(f"{table}{name} = ?" for name, _ in named), tuple(value for _, value in named)
