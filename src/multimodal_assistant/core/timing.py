"""When things happened, against one clock."""

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since some fixed moment, never going back."""


class Stopwatch:
    """Named moments since the start; the first time a moment is marked is the one that counts."""

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self._start = clock()
        self._moments: dict[str, float] = {}

    def mark(self, moment: str) -> None:
        """Note that `moment` has come, unless it already had."""
        self._moments.setdefault(moment, self._clock() - self._start)

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def between(self, earlier: str, later: str) -> float | None:
        """Seconds from one moment to another, or None where one of them never came."""
        if earlier in self._moments and later in self._moments:
            return self._moments[later] - self._moments[earlier]
        return None

    def at(self, moment: str) -> float | None:
        """Seconds from the start to `moment`, or None."""
        return self._moments.get(moment)
