"""Samples ↔ the bytes of sound that the OpenAI Realtime API carries: 16-bit PCM at 24 kHz, and the two of telephony (ITU-T G.711) at 8."""

import base64
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Samples

from .resampling import StreamResampler

RATE = 24_000
"""Samples per second of audio/pcm, both ways: mono, 16 bit, little endian."""

Kind = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]


@dataclass(frozen=True, slots=True)
class Format:
    """How sound is carried."""

    kind: Kind = "audio/pcm"

    @property
    def rate(self) -> int:
        """Samples per second."""
        return RATE if self.kind == "audio/pcm" else 8_000

    def samples(self, data: bytes) -> Samples:
        """Shape [n] at `rate`. Raises `ValueError` for bytes that end within a sample."""
        if self.kind == "audio/pcm":
            return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
        return _levels(self.kind)[np.frombuffer(data, np.uint8)]

    def data(self, samples: Samples) -> bytes:
        """The bytes for samples, shape [n] at `rate`."""
        if self.kind == "audio/pcm":
            return (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        order, edges = _thresholds(self.kind)
        return order[np.searchsorted(edges, samples)].tobytes()


class Encoder:
    """A stream of samples at `RATE` → base64 in one format."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._resampler = None if form.rate == RATE else StreamResampler(RATE, form.rate)

    def encode(self, samples: Samples) -> str:
        """The next of them, shape [n]; it may be "" while the resampler fills."""
        if self._resampler is not None:
            samples = self._resampler.push(samples)
        return base64.b64encode(self._form.data(samples)).decode()


@cache
def _levels(kind: Kind) -> Samples:
    """What each byte stands for (G.711, tables 1a to 2b), shape [256]."""
    code = np.arange(256)
    if kind == "audio/pcmu":
        code = ~code & 0xFF
        exponent, mantissa = (code >> 4) & 7, code & 15
        level = (((mantissa << 3) + 0x84) << exponent) - 0x84
        negative = code & 0x80 != 0
    else:
        code = code ^ 0x55
        exponent, mantissa = (code >> 4) & 7, code & 15
        level = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
        negative = code & 0x80 == 0
    return (np.where(negative, -level, level) / 32768).astype(np.float32)


@cache
def _thresholds(kind: Kind) -> tuple[NDArray[np.uint8], Samples]:
    """The bytes from the lowest level to the highest, and the values half way between two neighbours."""
    levels = _levels(kind)
    order = np.argsort(levels, kind="stable")
    sorted_levels = levels[order]
    return order.astype(np.uint8), ((sorted_levels[1:] + sorted_levels[:-1]) / 2).astype(np.float32)
