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
        start = (self._count - len(kept)) % size
        room = min(len(kept), size - start)
        self._ring[start : start + room] = kept[:room]
        self._ring[: len(kept) - room] = kept[room:]

    def between(self, start: float, end: float) -> Samples:
        """Samples of [start, end) seconds, as far as they are still kept."""
        first = max(round(start * self._rate), self._count - len(self._ring), 0)
        last = min(round(end * self._rate), self._count)
        length, start = max(last - first, 0), first % len(self._ring)
        head = self._ring[start : start + length]
        return np.concatenate((head, self._ring[: length - len(head)]))
