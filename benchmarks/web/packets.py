"""How late packets come, against the time stamps that they carry."""

from dataclasses import dataclass, field

import numpy as np

LATE_SECONDS = 0.02
"""One packet: a player that keeps one in hand has a gap after that."""


@dataclass(slots=True)
class Arrivals:
    """Of one stream: a track, or an answer over a WebSocket."""

    at: list[float] = field(default_factory=list[float])
    """Seconds of any clock."""
    stamps: list[float] = field(default_factory=list[float])
    """Seconds of the sound."""

    def add(self, at: float, stamp: float) -> None:
        """One packet has come."""
        self.at.append(at)
        self.stamps.append(stamp)

    def lateness_of_track(self) -> list[float]:
        """Seconds after the packet that came soonest; the first second, in which the connection is made, is left out."""
        if not self.at:
            return []
        at, stamps = np.asarray(self.at), np.asarray(self.stamps)
        offsets = (at - stamps)[at > at[0] + 1.0]
        return [] if not len(offsets) else list(offsets - np.min(offsets))

    def lateness_of_answer(self) -> list[float]:
        """Seconds after a player that begins with the first packet needs it; what is early is not late."""
        offsets = np.asarray(self.at) - np.asarray(self.stamps)
        return list(np.maximum(offsets - offsets[:1], 0.0))
