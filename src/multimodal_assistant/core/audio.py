"""Arithmetic on samples: rates, channels, levels."""

import numpy as np
from numpy.typing import NDArray

from .types import AudioChunk, Samples

SPEECH_RATE = 16_000
"""The rate every recognizer and detector here listens at."""

SILENCE_DBFS = -120.0
"""What an empty or all-zero stretch measures."""


def mono(samples: NDArray[np.float32]) -> Samples:
    """[n] or [n, channels] → [n], channels averaged."""
    if samples.ndim == 1:
        return samples
    return samples.mean(axis=1, dtype=np.float32)


def resample(audio: AudioChunk, rate: int) -> AudioChunk:
    """The same sound at another rate, by the band-limited resampler of libsoxr (python-soxr)."""
    if audio.rate == rate:
        return audio
    import soxr

    samples = soxr.resample(audio.samples, audio.rate, rate)
    return AudioChunk(samples.astype(np.float32, copy=False), rate, round(audio.start * rate / audio.rate))


def to_pcm16(samples: Samples) -> NDArray[np.int16]:
    """float32 in [-1, 1] → int16; louder samples are clipped."""
    return np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)


def dbfs(samples: Samples) -> float:
    """Root mean square level in decibels below full scale."""
    if not len(samples):
        return SILENCE_DBFS
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10.0 * float(np.log10(power)) if power > 1e-12 else SILENCE_DBFS


def silence(seconds: float, rate: int) -> Samples:
    """Zeros, shape [seconds x rate]."""
    return np.zeros(round(seconds * rate), dtype=np.float32)


def audible(samples: Samples, rate: int, *, floor_dbfs: float = -45.0) -> tuple[int, int]:
    """Bounds [start, end) of what can be heard: the first and last 5 ms whose level is above `floor_dbfs`; (n, n) if nothing is."""
    step = max(rate // 200, 1)
    blocks = len(samples) // step
    if blocks:
        power = np.square(samples[: blocks * step], dtype=np.float64).reshape(blocks, step).mean(axis=1)
        loud = np.flatnonzero(power > 10.0 ** (floor_dbfs / 10.0))
        if len(loud):
            return int(loud[0]) * step, (int(loud[-1]) + 1) * step
    return len(samples), len(samples)
