"""The index of what was seen, which follows its log: numbers only, and built again wherever the two may differ.

Synchronous: called on the thread of the log.
"""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.memory.index import Point, Pool, PoolRequest, VectorIndex
from multimodal_assistant.memory.note import Scope
from multimodal_assistant.memory.store import OpenIndex
from multimodal_assistant.memory.terms import sparse_note

from .log import VisualLog
from .reading import Indexed

log = logging.getLogger(__name__)

DIMENSIONS = "dimensions"
"""Of the vectors: in the log, so that they can be indexed without the encoder."""
PARTS = 4
"""Points of a view at most: the numbers of view 5 are 20 to 23."""
_AT_ONCE = 256
"""Views that go to the index at once when it is built again."""
_NOTHING = Pool({}, {}, {})


class FollowingIndex:
    """In `folder`, where it is made with the first view. Raises `MemoryStoreError`."""

    def __init__(self, folder: Path, log: VisualLog, open_index: OpenIndex) -> None:
        self._folder = folder
        self._log = log
        self._open_index = open_index
        self._index: VectorIndex | None = None

    def open(self) -> None:
        """As it is, or anew where it is not what the log has."""
        if self._log.behind or not self._whole():
            self.rebuild()

    def _whole(self) -> bool:
        """Whether it can be opened and has all points of the log."""
        dimensions, points = self._log.meta(DIMENSIONS), self._log.points()
        if dimensions is None or not points:
            return not self._folder.exists()
        try:
            self._index = self._open_index(self._folder, int(dimensions))
            return self._index.count() == points
        except MemoryStoreError as error:
            log.warning("the index of what was seen is built again: %s", error.problem)
            return False

    def follow(self, id: int) -> None:
        """Bring it up to one view, which may be gone."""
        if self._index is None:
            self.rebuild()
            return
        self._index.delete(_numbers(id))
        for entry in self._log.to_index(0, 1, id=id):
            self._index.upsert(_points(entry))
        self._index.flush()
        self._log.indexed()

    def drop(self, ids: Sequence[int]) -> None:
        """These are gone. Their numbers stay in its files until it pleases to clean up, or is built again."""
        if self._index is not None and ids:
            self._index.delete([point for id in ids for point in _numbers(id)])
            self._index.flush()
            self._log.indexed()

    def rebuild(self) -> None:
        """From the log; nothing of the old one stays. Without a view there is none."""
        self.discard()
        dimensions = self._log.meta(DIMENSIONS)
        if dimensions is not None and self._log.points():
            self._index = self._open_index(self._folder, int(dimensions))
            last = 0
            while entries := self._log.to_index(last, _AT_ONCE):
                self._index.upsert([point for entry in entries for point in _points(entry)])
                last = entries[-1].id
            self._index.flush()
        self._log.indexed()

    def discard(self) -> None:
        """Nothing of it stays; it is built when it is opened the next time."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def pool(self, request: PoolRequest) -> Pool:
        """Near points; see `view_of`."""
        return _NOTHING if self._index is None else self._index.pool(request)

    def close(self) -> None:
        """Safe to call twice."""
        index, self._index = self._index, None
        if index is not None:
            index.close()


def view_of(point: int) -> int:
    """The view that a point is of."""
    return point // PARTS


def _numbers(id: int) -> list[int]:
    return [PARTS * id + part for part in range(PARTS)]


def _points(entry: Indexed) -> list[Point]:
    sparse = sparse_note(entry.terms)
    scope = Scope(entry.user)
    return [
        Point(number, scope, entry.seen_at, vector, sparse.indices, sparse.weights)
        for number, vector in zip(_numbers(entry.id), entry.vectors, strict=False)
    ]
