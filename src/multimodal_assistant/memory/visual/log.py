"""The durable log of what was seen: every kept view with its picture and its vectors, in one SQLite file. It is the truth.

Synchronous: called on one worker thread. A change is one transaction, on the disk (`synchronous = FULL`) when the call returns, and in it
the index is marked as behind until `indexed` says that it is not.
"""

import json
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Box
from multimodal_assistant.memory.reading import marks
from multimodal_assistant.processors.scene import Seen

from .reading import BEHIND, VisualReader
from .view import KeptView


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


class VisualLog(VisualReader):
    """Reading and writing. Raises `MemoryStoreError` where the file cannot be read or written."""

    def add(self, entry: Entry) -> int:
        """The number of the new view."""
        view = entry.view
        with self._changing():
            values = (view.user, view.source, view.seen_at, view.last_seen_at, _written(view.seen), view.words, view.caption)
            cursor = self.db.execute(
                "INSERT INTO views (user, source, seen_at, last_seen_at, seen, words, caption, terms, picture) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, " ".join(entry.terms), entry.picture),
            )
            id = int(cursor.lastrowid or 0)
            labels = {one.label for one in view.seen.sightings}
            self.db.executemany("INSERT INTO things VALUES (?, ?)", [(id, label) for label in sorted(labels)])
            self._keep_vectors(id, entry.parts)
        return id

    def extend(self, id: int, at: float) -> None:
        """It was seen again. The index has nothing of that."""
        with self._changing(behind=False):
            self.db.execute("UPDATE views SET last_seen_at = max(last_seen_at, ?) WHERE id = ?", (at, id))

    def set_caption(self, user: str, id: int, caption: str, terms: Sequence[str]) -> bool:
        """False where there is no such view."""
        with self._changing():
            sql = "UPDATE views SET caption = ?, terms = ? WHERE user = ? AND id = ?"
            return self.db.execute(sql, (caption, " ".join(terms), user, id)).rowcount > 0

    def keep_vectors(self, id: int, parts: Iterable[tuple[Box, NDArray[np.float32]]]) -> None:
        """In the place of those it had; nothing where the view is gone."""
        with self._changing():
            self._keep_vectors(id, parts)

    def forget_vectors(self) -> None:
        """They are of another encoder."""
        with self._changing():
            self.db.execute("DELETE FROM vectors")

    def delete(self, user: str, ids: Sequence[int]) -> list[int]:
        """Delete views of a user for good; those that were there. Nothing of them stays in the file, or beside it."""
        with self._changing():
            gone = [row["id"] for row in self.rows(f"SELECT id FROM views WHERE user = ? AND id IN ({marks(ids)})", (user, *ids))]
            self.db.executemany("DELETE FROM views WHERE id = ?", [(id,) for id in gone])
        self._empty_the_journal()
        return gone

    def expire(self, before: float, most: int) -> list[int]:
        """Delete what was last seen before that time, and of each user what goes beyond `most`, the oldest first; which were deleted."""
        sql = (
            "SELECT id FROM (SELECT id, last_seen_at, row_number() OVER (PARTITION BY user ORDER BY last_seen_at DESC, id DESC) AS place "
            "FROM views) WHERE last_seen_at < ? OR place > ?"
        )
        gone = [row["id"] for row in self.rows(sql, (before, most))]
        if gone:
            with self._changing():
                self.db.executemany("DELETE FROM views WHERE id = ?", [(id,) for id in gone])
            self._empty_the_journal()
        return gone

    def indexed(self) -> None:
        """The index has all of it, on the disk."""
        with self._changing(behind=False):
            self.db.execute("DELETE FROM meta WHERE key = ?", (BEHIND,))

    def set_meta(self, key: str, value: str) -> None:
        with self._changing(behind=False):
            self.db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))

    def _keep_vectors(self, id: int, parts: Iterable[tuple[Box, NDArray[np.float32]]]) -> None:
        if not self.rows("SELECT 1 FROM views WHERE id = ?", (id,)):
            return
        self.db.execute("DELETE FROM vectors WHERE view = ?", (id,))
        rows = [(id, part, json.dumps(_corners(box)), vector.astype(np.float16).tobytes()) for part, (box, vector) in enumerate(parts)]
        self.db.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?)", rows)

    def _empty_the_journal(self) -> None:
        with self.told():
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _changing(self, *, behind: bool = True) -> Generator[None]:
        """One transaction, durable at its end. behind: the index has to follow."""
        with self.told():
            self.db.execute("BEGIN IMMEDIATE")
            try:
                if behind:
                    self.db.execute("INSERT OR IGNORE INTO meta VALUES (?, '')", (BEHIND,))
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise


def _corners(box: Box) -> tuple[float, float, float, float]:
    return (box.left, box.top, box.width, box.height)


def _written(seen: Seen) -> str:
    """As it lies in its column."""
    parts = {"sightings": [asdict(one) for one in seen.sightings], "guesses": [asdict(one) for one in seen.guesses]}
    return json.dumps(parts | {"lines": [asdict(one) for one in seen.lines], "colours": dict(seen.colours)}, ensure_ascii=False)
