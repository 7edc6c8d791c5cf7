"""Pictures of a track that shows one thing and then another → which of them are late ones of the first.

The word that something else is shown comes by another way than the pictures, which are encoded, sent and decoded meanwhile: pictures of
what was shown before come after it. When they were taken tells; their timestamps are the sender's clock (RFC 3550, 5.1).
"""

import math

ON_ITS_WAY = 2.0
"""Seconds for which late pictures are reckoned with; whatever the timestamps say, all are taken after that."""
PAUSE = 0.075
"""Seconds after the word that are still the first thing's: half of the pause that our page makes there (`web/src/main.ts`)."""


class Changeover:
    """Of one track. All times are seconds."""

    def __init__(self) -> None:
        self._ahead = math.inf
        """Of our clock over the sender's, as the picture has it that was the least on its way."""
        self._over = -math.inf

    def over(self, now: float) -> None:
        """What was shown is not shown any more."""
        self._over = now

    def late(self, taken: float, now: float) -> bool:
        """Whether a picture that comes now shows what was shown before. taken: when, by the sender's clock."""
        self._ahead = min(self._ahead, now - taken)
        return now < self._over + ON_ITS_WAY and taken + self._ahead < self._over + PAUSE
