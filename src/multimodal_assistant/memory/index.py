"""What finds notes by meaning and by words. It holds numbers only, and can be built again from the log at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .note import Scope

DENSE = "meaning"
SPARSE = "words"
"""Names of the vectors of a point."""


@dataclass(frozen=True, slots=True)
class Point:
    """A note in the index."""

    seq: int
    scope: Scope
    said_at: float
    """Epoch seconds."""
    dense: NDArray[np.float32]
    """Shape [d], length 1."""
    indices: Sequence[int]
    weights: Sequence[float]
    """Its words as a sparse vector: how much each tells of this note; how rare it is the index knows."""


@dataclass(frozen=True, slots=True)
class PoolRequest:
    """Whose notes are wanted, and near what."""

    scope: Scope
    dense: NDArray[np.float32]
    indices: Sequence[int]
    weights: Sequence[float]
    most: int
    """Notes by each of the two."""
    windows: Sequence[tuple[float, float]] = ()
    """Times the question is about, from and up to epoch seconds: of what was said then, the nearest by meaning are wanted as well,"""
    most_within: int = 0
    """so many at most."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Seq of a note → its score, by each of the two, and of those within the windows by meaning; higher is nearer."""

    dense: Mapping[int, float]
    sparse: Mapping[int, float]
    within: Mapping[int, float]

    @property
    def seqs(self) -> list[int]:
        """All of them."""
        return list({**self.dense, **self.sparse, **self.within})


class VectorIndex(Protocol):
    """Synchronous: called on a worker thread. Every search is within one scope. Raises `MemoryStoreError`: `IndexDamaged` where a new one
    would do.
    """

    def upsert(self, points: Sequence[Point]) -> None:
        """Put these in, in the place of what had their number."""
        ...

    def delete(self, seqs: Sequence[int]) -> None:
        """Take these out; numbers that are not there do no harm."""
        ...

    def pool(self, request: PoolRequest) -> Pool:
        """The nearest by meaning and the nearest by words."""
        ...

    def count(self) -> int:
        """Points in it."""
        ...

    def flush(self) -> None:
        """What was put in is on the disk when this returns."""
        ...

    def optimize(self) -> None:
        """Make searches fast again after many changes. May take minutes: on a thread of its own, and searches go on meanwhile."""
        ...

    def remove(self) -> None:
        """Close it, and delete all of it."""
        ...

    def close(self) -> None:
        """Safe to call twice."""
        ...
