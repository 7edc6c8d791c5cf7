"""A stream at one sample rate → the same stream at another, block by block, without a click and almost without delay.

Windowed-sinc interpolation from a table of phases (J. O. Smith, "Digital Audio Resampling"). libsoxr's stream gives its
output in bursts (measured with soxr 1.1.0 and blocks of 10 ms: 6 to 37 ms late from 48 to 16 kHz), which a conversation
would have to buffer; this one gives what each block is worth at once and is late by half a filter.
"""

from math import gcd

import numpy as np

from multimodal_assistant.core.types import Samples

_CROSSINGS = 16  # zero crossings of the sinc on each side: sharper and later with more
_KAISER_BETA = 8.0  # about 80 dB of stop band
_FEW_PHASES = 8
_ROLLOFF = 0.92  # where the pass band ends, as a part of the lower Nyquist frequency


class StreamResampler:
    """`source` samples per second in, `target` out; after n samples in, exactly ceil(n x target / source) have come out."""

    def __init__(self, source: int, target: int) -> None:
        common = gcd(source, target)
        self._up, self._down = target // common, source // common
        self._same = source == target
        stretch = max(1.0, source / target)  # the filter is as much longer as the sound becomes duller
        self._half = int(np.ceil(_CROSSINGS * stretch))
        self._table = _phases(self._up, self._half, _ROLLOFF / stretch)
        self._kept = np.zeros(2 * self._half - 1, np.float32)
        self._received = 0
        self._made = 0
        self.delay = 0.0 if self._same else self._half / source
        """Seconds by which the output is late."""

    def push(self, samples: Samples) -> Samples:
        """The next samples of the source, shape [n] → those of the target that they complete."""
        if self._same or not len(samples):
            return samples
        taps = 2 * self._half
        kept = np.concatenate([self._kept, samples], dtype=np.float32)
        first = self._received
        self._received += len(samples)
        total = -(-self._received * self._up // self._down)
        count, made = total - self._made, self._made
        self._made = total
        self._kept = kept[len(kept) - (taps - 1) :]
        if self._up <= _FEW_PHASES and made * self._down == first * self._up and len(samples) % self._down == 0:
            return self._by_phase(kept, count)
        places = np.arange(made, total, dtype=np.int64) * self._down
        windows = np.lib.stride_tricks.sliding_window_view(kept, taps)[places // self._up - first]
        return np.einsum("nt,nt->n", windows, self._table[places % self._up])

    def _by_phase(self, kept: Samples, count: int) -> Samples:
        """The same for whole periods of few phases: a product of matrices for each, several times as fast for blocks of 20 ms."""
        out = np.empty(count, np.float32)
        for index in range(self._up):
            begin, phase = divmod(index * self._down, self._up)
            shape, step = (count // self._up, 2 * self._half), kept.itemsize
            windows: Samples = np.ndarray(shape, np.float32, kept, begin * step, (self._down * step, step))
            out[index :: self._up] = windows @ self._table[phase]
        return out


def _phases(up: int, half: int, cutoff: float) -> Samples:
    """The filter at every place between two source samples: shape [up, 2 x half], each phase of gain 1."""
    backwards = np.arange(2 * half - 1, -1, -1)
    distance = backwards[None, :] - half + np.arange(up)[:, None] / up
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1.0 - (distance / half) ** 2, 0.0, 1.0)))
    table = np.sinc(cutoff * distance) * window
    return (table / table.sum(axis=1, keepdims=True)).astype(np.float32)
