"""Blocks that passed through a device → frames of 10 ms at 16 kHz in which the assistant's own voice is not heard."""

from collections.abc import Iterator

import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.types import Samples

from .echo import FRAME, EchoCanceller
from .handover import Passed
from .resampling import StreamResampler


class Capture:
    """The microphone's side of one open stream at `rate` frames per second; without a canceller the echo stays in."""

    def __init__(self, rate: int, canceller: EchoCanceller | None) -> None:
        self._canceller = canceller
        self._heard = StreamResampler(rate, SPEECH_RATE)
        self._played = StreamResampler(rate, SPEECH_RATE)
        self._waiting = np.zeros((2, 0), np.float32)

    def hear(self, passed: Passed, lost: int) -> Iterator[Samples]:
        """One block, and how many frames before it are missing → whole frames, shape [160] each; silence stands for what is missing."""
        gap = np.zeros(lost, np.float32)
        # Both go through the same filter, so that they stay the same distance apart.
        heard = self._heard.push(np.concatenate([gap, passed.heard]))
        played = self._played.push(np.concatenate([gap, passed.played]))
        self._waiting = np.concatenate([self._waiting, np.stack([heard, played])], axis=1)
        while self._waiting.shape[1] >= FRAME:
            (near, far), self._waiting = np.ascontiguousarray(self._waiting[:, :FRAME]), self._waiting[:, FRAME:]
            yield near if self._canceller is None else self._canceller.clean(near, far)
