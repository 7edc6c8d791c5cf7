"""The durable log: every note, word for word, and all that is derived from it, in one SQLite file. It is the truth; the index follows.

Synchronous: whoever calls it does so on a worker thread, one connection to a thread. A change is one transaction, on the disk
(`synchronous = FULL`) when the call returns; in the same transaction the note goes to the outbox, from which the index is fed.
"""

import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import InvalidSetting

from .evolution import Changes
from .note import Evolution, MemoryNote
from .reading import LogReader, marks
from .schema import COLUMNS, listed, note_of, seconds, told, values_of
from .terms import Keys

DERIVED = ("keywords", "context", "tags", "category", "links", "valid_from", "valid_to", "superseded_by")
"""What may change of a note. Its words and whose they are may not."""

_HISTORY = "at, by, field, old, new, cause, prompt_hash"
_TIMES = ("valid_from", "valid_to")
_LISTS = ("keywords", "tags")


class MemoryLog(LogReader):
    """Reading and writing. Raises `MemoryStoreError` where the file cannot be read or written."""

    # Writing

    def add(self, notes: Iterable[tuple[MemoryNote, Keys]], *, jobs: Sequence[str] = ()) -> list[MemoryNote]:
        """Notes and what they are found by; `jobs` are the kinds of work that each of them waits for. All of them or none.

        A negative position means: after the last of its session. Those whose id is there already are left as they are. Raises
        `InvalidSetting` for a summary of notes that are not there: nothing could make it go.
        """
        added: list[MemoryNote] = []
        with self._changing():
            for note, keys in notes:
                placed = self._placed(note)
                seq = self._insert(placed, keys)
                if seq is not None:
                    self.db.executemany("INSERT INTO jobs (kind, note) VALUES (?, ?)", [(kind, seq) for kind in jobs])
                    added.append(placed)
            for note in added:
                self._link(note.scope.user, note.id, note.links)
                self._trace(note)
        return added

    def change(self, user: str, changes: Changes, at: datetime) -> int:
        """Carry out what is new for notes of this user, and note it in the history; how many fields changed."""
        count = 0
        with self._changing():
            for change in changes.changes:
                row = self.db.execute("SELECT * FROM notes WHERE id = ? AND +user = ?", (change.note_id, user)).fetchone()
                if row is None or change.field not in DERIVED:
                    continue
                old = self._value(row, change.field)
                self._set(row, change.field, old, change.new)
                now = self._value(self._row(row["seq"]), change.field)
                if now == old:
                    continue
                values = (seconds(at), changes.by, change.field, _written(old), _written(now), changes.cause, changes.prompt_hash)
                self.db.execute(f"INSERT INTO history (note, {_HISTORY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (row["seq"], *values))
                count += 1
        return count

    def delete(self, user: str, ids: Sequence[str]) -> list[str]:
        """Delete notes of a user for good, with all that is derived from them: vectors, links, history, and the summaries they went into.
        The ids of all that is gone; nothing of them stays on the disk.
        """
        with self._changing():
            gone = self.rows(f"SELECT * FROM notes WHERE +user = ? AND id IN ({marks(ids)})", (user, *ids))
            summaries = self.summaries_of(user, [row["seq"] for row in gone])
            self._remove(user, (*gone, *summaries))  # a summary may say what was forgotten, whatever else it says
        with self.told():
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return [row["id"] for row in (*gone, *summaries)]

    def put_summary(self, user: str, origins: Sequence[str], summary: tuple[MemoryNote, Keys] | None) -> bool:
        """What was made of these notes takes the place of the summaries that any of them went into; None: there is nothing to say of them.

        Either way they count as worked through. False, and nothing is done, where one of them is gone: what was made of it must not stay.
        """
        with self._changing():
            seqs = self.seqs_of(user, origins)
            if len(seqs) < len(set(origins)):
                return False
            made: int | None = None
            if summary is not None:
                self._remove(user, self.summaries_of(user, seqs))
                made = self._insert(self._placed(summary[0]), summary[1])
            # A note that is its own source has been looked at: that goes when it goes, and names it nowhere else.
            self._come_from((seq if made is None else made, seq) for seq in seqs)
        return True

    def drop_summaries(self, user: str, origins: Sequence[str]) -> int:
        """Delete what was made of these notes, which are no longer true; how many. The others that went into it may make a new one."""
        with self._changing():
            summaries = self.summaries_of(user, self.seqs_of(user, origins))
            self._remove(user, summaries)
        return len(summaries)

    def accessed(self, user: str, ids: Sequence[str], at: datetime) -> None:
        """These were recalled."""
        with self._changing():
            self.db.executemany(
                "UPDATE notes SET retrieval_count = retrieval_count + 1, last_accessed = ? WHERE seq = ?",
                [(seconds(at), seq) for seq in self.seqs_of(user, ids)],
            )

    def keep_vectors(self, model: str, vectors: Iterable[tuple[int, str, NDArray[np.float32]]]) -> None:
        """(seq, kind, vector of shape [d]): the index can be built again without the model. Those of notes that are gone are not kept."""
        with self._changing():
            self.db.executemany(
                "INSERT INTO vectors (note, kind, model, vector) SELECT seq, ?, ?, ? FROM notes WHERE seq = ? "
                "ON CONFLICT (note, kind) DO UPDATE SET model = excluded.model, vector = excluded.vector",
                [(kind, model, vector.astype(np.float16).tobytes(), seq) for seq, kind, vector in vectors],
            )

    def forget_vectors(self) -> None:
        """They are of another model."""
        with self._changing():
            self.db.execute("DELETE FROM vectors")

    # The outbox

    def applied(self, until: int) -> None:
        """The index has all entries up to this one."""
        with self._changing():
            self.db.execute("DELETE FROM outbox WHERE seq <= ?", (until,))

    # Background work

    def lease(self, kinds: Sequence[str], now: float, until: float) -> tuple[int, str, int] | None:
        """The next job nobody holds: (number, kind, seq of the note); it comes up again if it is not done by `until` (epoch seconds)."""
        with self._changing():
            row = self.db.execute(
                f"SELECT seq, kind, note FROM jobs WHERE lease_until <= ? AND kind IN ({marks(kinds)}) ORDER BY attempts, seq LIMIT 1",
                (now, *kinds),
            ).fetchone()
            if row is None:
                return None
            self.db.execute("UPDATE jobs SET lease_until = ?, attempts = attempts + 1 WHERE seq = ?", (until, row["seq"]))
        return row["seq"], row["kind"], row["note"]

    def plan(self, kind: str, seqs: Sequence[int]) -> int:
        """Work of that kind waits for these notes; for how many it did not before."""
        with self._changing():
            return self.db.executemany("INSERT OR IGNORE INTO jobs (kind, note) VALUES (?, ?)", [(kind, seq) for seq in seqs]).rowcount

    def finish(self, job: int) -> None:
        with self._changing():
            self.db.execute("DELETE FROM jobs WHERE seq = ?", (job,))

    def postpone(self, job: int, until: float, error: str, *, most_attempts: int) -> bool:
        """It failed; after so many attempts it is given up, which is told."""
        with self._changing():
            self.db.execute("UPDATE jobs SET lease_until = ?, error = ? WHERE seq = ?", (until, error[:500], job))
            return self.db.execute("DELETE FROM jobs WHERE seq = ? AND attempts >= ?", (job, most_attempts)).rowcount > 0

    def set_meta(self, key: str, value: str) -> None:
        with self._changing():
            self.db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    # Within

    def _insert(self, note: MemoryNote, keys: Keys) -> int | None:
        """Its number; None where its id is there already."""
        cursor = self.db.execute(
            f"INSERT INTO notes ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT (id, user) DO NOTHING",
            values_of(note, keys),
        )
        if not cursor.rowcount:
            return None
        seq = cursor.lastrowid
        self._count(note, keys.terms, 1)
        self.db.execute("INSERT INTO outbox (note) VALUES (?)", (seq,))
        self.db.executemany(
            f"INSERT INTO history (note, {_HISTORY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(seq, *_row_of(one)) for one in note.evolution_history],
        )
        return seq

    def _trace(self, note: MemoryNote) -> None:
        """Write down what a summary was made of."""
        if not note.made_of:
            return
        user = note.scope.user
        sql = f"SELECT seq FROM notes WHERE +user = ? AND source != 'summary' AND id IN ({marks(note.made_of)})"
        origins = [row["seq"] for row in self.rows(sql, (user, *note.made_of))]
        if note.source != "summary" or len(origins) < len(set(note.made_of)):
            raise InvalidSetting(
                f"The note {note.id[:60]} was made of notes that are not here, or is no summary.", "Add them first, or all at once."
            )
        self._come_from((one, origin) for one in self.seqs_of(user, [note.id]) for origin in origins)

    def _come_from(self, pairs: Iterable[tuple[int, int]]) -> None:
        """(summary, what it was made of)."""
        self.db.executemany("INSERT OR IGNORE INTO sources (note, origin) VALUES (?, ?)", pairs)

    def _remove(self, user: str, rows: Iterable[sqlite3.Row]) -> None:
        for row in rows:
            self._take_back(user, row["id"])
            self._count(note_of(row), row["terms"].split(), -1)
            self.db.execute("UPDATE notes SET superseded_by = '', valid_to = NULL WHERE user = ? AND superseded_by = ?", (user, row["id"]))
            self.db.execute("DELETE FROM notes WHERE seq = ?", (row["seq"],))
            self.db.execute("INSERT INTO outbox (note) VALUES (?)", (row["seq"],))

    def _count(self, note: MemoryNote, terms: Iterable[str], by: int) -> None:
        """One note more, or fewer: of this user, by this speaker, with these terms."""
        user = note.scope.user
        self.db.executemany(
            "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT (user, what, name) DO UPDATE SET notes = notes + excluded.notes",
            [(user, "user", "", by), (user, "speaker", note.speaker, by), *((user, "term", term, by) for term in sorted(set(terms)))],
        )
        if by < 0:
            self.db.execute("DELETE FROM counts WHERE user = ? AND notes <= 0", (user,))

    def _take_back(self, user: str, cause: str) -> None:
        """What came of a note that goes: what it changed of others is as it was before, where nothing has changed it since."""
        for step in self.rows("SELECT * FROM history WHERE cause = ? ORDER BY seq DESC", (cause,)):
            row = self._row(step["note"])
            if row["user"] != user:
                continue
            old, new, now = told(step["old"]), told(step["new"]), self._value(row, step["field"])
            if step["field"] in DERIVED and _written(now) == _written(new):
                self._set(row, step["field"], now, old)
            self.db.execute("DELETE FROM history WHERE seq = ?", (step["seq"],))

    def _row(self, seq: int) -> sqlite3.Row:
        return self.db.execute("SELECT * FROM notes WHERE seq = ?", (seq,)).fetchone()

    def _value(self, row: sqlite3.Row, field: str) -> Any:
        if field == "links":
            return tuple(self.linked(row["user"], [row["id"]])[row["id"]])
        return getattr(note_of(row), field)

    def _set(self, row: sqlite3.Row, field: str, old: Any, new: Any) -> None:
        if field != "links":
            self.db.execute(f"UPDATE notes SET {field} = ? WHERE seq = ?", (_column(field, new), row["seq"]))
            return
        self._link(row["user"], row["id"], [other for other in new if other not in old])
        for seq in self.seqs_of(row["user"], sorted(set(old) - set(new))):
            self.db.executemany("DELETE FROM links WHERE note = ? AND other = ?", [(row["seq"], seq), (seq, row["seq"])])

    def _placed(self, note: MemoryNote) -> MemoryNote:
        if note.position >= 0:
            return note
        last = self.one(
            "SELECT coalesce(max(position), -1) FROM notes WHERE user = ? AND session = ?", (note.scope.user, note.scope.session)
        )
        return replace(note, position=last + 1)

    def _link(self, user: str, note: str, others: Iterable[str]) -> None:
        """Both ways, as far as they are there."""
        seqs = self.seqs_of(user, [note, *others])
        first = self.seqs_of(user, [note])
        pairs = [pair for one in first for other in seqs if other != one for pair in ((one, other), (other, one))]
        self.db.executemany("INSERT OR IGNORE INTO links (note, other) VALUES (?, ?)", pairs)

    @contextmanager
    def _changing(self) -> Generator[None]:
        """One transaction, durable at its end."""
        with self.told():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise


def _written(value: Any) -> str:
    """As it stands in the history: times as epoch seconds."""
    return listed(seconds(value) if isinstance(value, datetime) else value)


def _column(field: str, value: Any) -> object:
    """As it lies in its column of `notes`."""
    if field in _TIMES:
        return seconds(value) if isinstance(value, datetime) else value
    return listed(value) if field in _LISTS else value


def _row_of(one: Evolution) -> tuple[object, ...]:
    return (seconds(one.at), one.by, one.field, listed(one.old), listed(one.new), one.cause, one.prompt_hash)
