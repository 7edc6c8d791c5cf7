"""How much one client may ask for: buckets that fill up again with time. Times in seconds of any one clock."""

from collections import OrderedDict

import anyio

_EVENTS_PER_SECOND = 200  # a client that sends packets of 10 ms sends 100
_BYTES_PER_SECOND = 1 << 20  # sound takes 64 KiB


class Bucket:
    """Holds `burst`, and gets `rate` more per second."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = float("-inf")

    def take(self, now: float, amount: float = 1.0) -> float:
        """Take it, if need be on credit; the seconds to wait until that would not have been needed, 0 where there was enough."""
        self._fill(now)
        self._left -= amount
        return max(-self._left / self._rate, 0.0)

    def allows(self, now: float, amount: float = 1.0) -> bool:
        """Take it if it is there; False, and nothing, if not."""
        self._fill(now)
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def left(self, now: float) -> float:
        """What is in it."""
        self._fill(now)
        return self._left

    def _fill(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) if self._at > float("-inf") else self._left
        self._at = now


class Buckets:
    """One for each client, the `most` that asked last; who is forgotten begins with a full one."""

    def __init__(self, rate: float, burst: float, most: int = 4096) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, client: str) -> Bucket:
        """That client's."""
        bucket = self._buckets.setdefault(client, Bucket(self._rate, self._burst))
        self._buckets.move_to_end(client)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket


class Pace:
    """How fast one client's events are read: one that sends more finds its connection slow, and loses nothing."""

    def __init__(self) -> None:
        self._events = Bucket(_EVENTS_PER_SECOND, 10 * _EVENTS_PER_SECOND)
        self._bytes = Bucket(_BYTES_PER_SECOND, 10 * _BYTES_PER_SECOND)

    async def wait(self, size: int) -> None:
        """Until an event of `size` bytes may be read."""
        now = anyio.current_time()
        seconds = max(self._events.take(now), self._bytes.take(now, size))
        if seconds > 0:
            await anyio.sleep(seconds)
