"""Samples → the log-mel spectrogram that Whisper-like models read.

Source: Radford et al. 2022 (Whisper) and its reference implementation: 25 ms periodic Hann windows every 10 ms, 80 bands on Slaney's mel
scale with area normalization (Slaney 1998, Auditory Toolbox), decibel range of 8 decades, scaled by (x + 4) / 4.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Samples

RATE, WINDOW, HOP, BANDS = 16_000, 400, 160, 80
_LINEAR_HERTZ, _LINEAR_MELS, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27.0  # Slaney: linear below 1 kHz, logarithmic above


def log_mel(samples: Samples, *, normalize: bool = False) -> NDArray[np.float32]:
    """Shape [n] at 16 kHz → [80, n // 160].

    `normalize` brings the waveform to zero mean and unit variance first, as some feature extractors do.
    """
    signal = samples.astype(np.float32)
    if normalize:
        signal = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
    padded = np.pad(signal.astype(np.float64), WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(signal) // HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW + 1)[:-1], axis=-1)))
    logarithm = np.log10(np.maximum(_filters() @ power.T, 1e-10))
    clipped = np.maximum(logarithm, logarithm.max() - 8.0)
    return ((clipped + 4.0) / 4.0).astype(np.float32)


@cache
def _filters() -> NDArray[np.float64]:
    """Triangular filters, shape [80, 201]."""
    edges = _hertz(np.linspace(0.0, _mels(RATE / 2), BANDS + 2))
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.maximum(0.0, np.minimum(rising, falling)) * area[:, None]


def _mels(hertz: float) -> float:
    return _LINEAR_MELS + float(np.log(hertz / _LINEAR_HERTZ)) / _LOG_STEP


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mels * _LINEAR_HERTZ / _LINEAR_MELS
    return np.where(mels < _LINEAR_MELS, linear, _LINEAR_HERTZ * np.exp(_LOG_STEP * (mels - _LINEAR_MELS)))
