"""The last seconds of what came in, addressed by time."""

import numpy as np

from multimodal_assistant.core.types import Samples


class InputBuffer:
    """Keeps `seconds` of audio at `rate`; time 0 is the first sample ever appended."""

    def __init__(self, rate: int, seconds: float) -> None:
        self._rate = rate
        self._ring = np.zeros(round(rate * seconds), np.float32)
        self._count = 0

    @property
    def now(self) -> float:
        """Seconds appended so far."""
        return self._count / self._rate

    def append(self, samples: Samples) -> None:
        """Add what follows, shape [n]."""
        size = len(self._ring)
        self._count += len(samples)
        kept = samples[-size:]
        self._ring[np.arange(self._count - len(kept), self._count) % size] = kept

    def between(self, start: float, end: float) -> Samples:
        """Samples of [start, end) seconds, as far as they are still kept."""
        first = max(round(start * self._rate), self._count - len(self._ring), 0)
        last = min(round(end * self._rate), self._count)
        return self._ring[np.arange(first, max(last, first)) % len(self._ring)]
