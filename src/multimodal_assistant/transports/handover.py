"""Where the sound device's thread and the event loop meet: heard blocks one way, samples to play the other.

Each side only ever appends to what the other takes from, so neither waits for the other; the device's thread never waits at all.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from multimodal_assistant.core.types import Samples

_KEPT_BLOCKS = 200  # for an event loop that is busy: 2 s of blocks of 10 ms, then the oldest are dropped


@dataclass(frozen=True, slots=True)
class Passed:
    """One block that went through the device: what came in while this was going out, both [n] at the device's rate."""

    heard: Samples
    played: Samples
    start: int
    """Frames that went through before it."""


@dataclass(slots=True)
class Troubles:
    """What did not go well, since the beginning."""

    starved: int = 0
    """Gaps in the middle of a sound, because what follows was not there yet."""
    lost: int = 0
    """Blocks of the microphone that were dropped, because the event loop was too late."""
    device: int = 0
    """Blocks that the device itself reported as broken: overflow of its input, underflow of its output."""


class Handover:
    """The meeting place of one open stream.

    wake: called on the device's thread when a block is there; must neither wait nor raise.
    """

    def __init__(self, wake: Callable[[], None], troubles: Troubles) -> None:
        self._wake = wake
        self._troubles = troubles
        self._frames = 0
        self._taken = 0
        self._passed: deque[Passed] = deque(maxlen=_KEPT_BLOCKS)
        self._waiting: deque[Samples] = deque()
        self._rest = np.zeros(0, np.float32)
        self._fed = 0
        self._drained = 0
        self._expected = False  # whether there should always be something to play
        self._sounding = False  # whether the block before ended in the middle of a sound

    # The device's thread

    def exchange(self, heard: Samples, broken: bool) -> Samples:
        """One block of the device: takes what was heard, shape [n], and gives what is to be played, shape [n]."""
        played = self._drain(len(heard))
        if broken:
            self._troubles.device += 1
        self._passed.append(Passed(heard, played, self._frames))
        self._frames += len(heard)
        self._wake()
        return played

    def _drain(self, count: int) -> Samples:
        parts = [self._rest]
        have = len(self._rest)
        while have < count and self._waiting:
            parts.append(self._waiting.popleft())
            have += len(parts[-1])
        ready = np.concatenate(parts)
        if have < count:
            sounding = self._sounding or bool(np.any(ready))
            self._troubles.starved += self._expected and sounding
            ready = np.concatenate([ready, np.zeros(count - have, np.float32)])
        self._rest = ready[count:]
        self._drained += min(have, count)
        self._sounding = bool(ready[count - 1])
        return ready[:count]

    # The event loop

    def take(self) -> tuple[Passed, int] | None:
        """The next block and how many frames before it were lost, or None if there is none yet."""
        if not self._passed:
            return None
        passed = self._passed.popleft()
        lost = passed.start - self._taken
        self._troubles.lost += lost // max(len(passed.heard), 1)
        self._taken = passed.start + len(passed.heard)
        return passed, lost

    @property
    def pending(self) -> bool:
        """Whether `take` has something."""
        return bool(self._passed)

    def forget(self) -> None:
        """Drop what was heard so far: nobody was listening yet."""
        self._passed.clear()
        self._taken = self._frames

    def feed(self, samples: Samples) -> None:
        """More to play, shape [n] at the device's rate."""
        self._waiting.append(samples)
        self._fed += len(samples)
        self._expected = True

    def leave(self) -> None:
        """Nothing more will be fed: what is missing from now on is no gap."""
        self._expected = False

    @property
    def ahead(self) -> int:
        """Frames that wait to be played."""
        return self._fed - self._drained
