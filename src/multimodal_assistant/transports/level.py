"""Samples → how loud it is just now, for a person to see that the microphone works."""

import numpy as np

from multimodal_assistant.core.audio import SILENCE_DBFS
from multimodal_assistant.core.types import Samples

_FALL = 40.0  # decibels per second by which a meter comes down: fast enough to follow words, slow enough to read


class LevelMeter:
    """A peak meter: up at once, down by 40 dB per second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.dbfs = SILENCE_DBFS
        """Decibels below full scale."""

    def hear(self, samples: Samples) -> None:
        """The next samples, shape [n]."""
        peak = float(np.max(np.abs(samples), initial=0.0))
        level = 20.0 * float(np.log10(peak)) if peak > 1e-6 else SILENCE_DBFS
        self.dbfs = max(level, self.dbfs - _FALL * len(samples) / self._rate, SILENCE_DBFS)
