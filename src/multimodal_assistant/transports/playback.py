"""What the conversation wants to play → a small store ahead of the loudspeaker."""

import numpy as np

from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import Samples

from .handover import Handover
from .resampling import StreamResampler

LEAD_SECONDS = 0.04
"""How far ahead of the loudspeaker is made ready: what the event loop may be late without a gap, and what an interruption costs."""

_STEP_SECONDS = 0.01


class Playback:
    """The loudspeaker's side of one open stream: `voice` samples per second in, `rate` frames per second out."""

    def __init__(self, voice: int, rate: int, handover: Handover) -> None:
        self._handover = handover
        self._resampler = StreamResampler(voice, rate)
        self._voice = voice
        self._rate = rate
        self._lead = round(LEAD_SECONDS * rate)
        self._pulled = 0
        self._steps = 0

    @property
    def delay(self) -> float:
        """Seconds that what is pulled now takes to the device."""
        return self._handover.ahead / self._rate + self._resampler.delay

    def top_up(self, pull: Pull) -> None:
        """Pull as much as keeps the store full."""
        while self._handover.ahead < self._lead:
            self._steps += 1
            count = round(self._steps * _STEP_SECONDS * self._voice) - self._pulled
            self._pulled += count
            self._handover.feed(self._resampler.push(clipped(pull(count))))


def clipped(samples: Samples) -> Samples:
    """What a device can play: within [-1, 1]. The echo canceller then knows what was really played."""
    return np.clip(samples, -1.0, 1.0)
