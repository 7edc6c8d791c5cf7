"""Features of a clause → means and variances of its generator's instance normalizations, learnt once per voice.

Those statistics are known exactly only after the whole clause was generated, which is what streaming cannot wait for; and a voice's
average is a poor guess, since they depend on how much of a clause is silence and on what is said in it. But the generator's input is
there at once, for the whole clause. Ridge regression from its averages over time to the statistics, fitted to two dozen sentences
of the voice, leaves a third of the difference that the average leaves (docs/kokoro-streaming.md).
"""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .graphs import replaced

Array = NDArray[np.float32]

SENTENCES = (
    "Would you like me to explain that in more detail?",
    "Yes.",
    "The source of the huge river is the clear spring, high up in the mountains.",
    "Okay, sure.",
    "Paris is the capital of France.",
    "Here is what I found:",
    "These days a chicken leg is a rare dish.",
    "What a wonderful idea!",
    "Help the woman get back to her feet.",
    "No, thanks!",
    "I am not sure about this, but I can find out.",
    "The boy was there when the sun rose.",
    "It depends.",
    "Four hours of steady work faced us.",
    "First, heat the oil in a pan, then add the onions and stir until they are soft.",
    "A rod is used to catch pink salmon.",
    "Kick the ball straight and follow through.",
    "Glue the sheet to the dark blue background.",
    "The birch canoe slid on the smooth planks.",
    "The temperature will reach twenty five degrees, with light winds from the west.",
    "A large size in stockings is hard to sell.",
    "It is easy to tell the depth of a well.",
    "Rice is often served in round bowls.",
    "The box was thrown beside the parked truck.",
)
"""What a voice is learnt from: the lengths and moods of answers, and Harvard sentences (IEEE 297-1969) for their even mix of sounds."""

_RIDGE = 0.1
"""Weight of the penalty, in units of the mean squared length of a described clause; anything from 0.01 to 1 does as well."""

_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Examples:
    """Clauses that were generated whole."""

    channels: tuple[int, ...]
    """Of each normalization."""
    descriptions: Array
    """`described`, shape [clauses, d]."""
    statistics: Array
    """All means, then all variances, shape [clauses, 2 x sum of channels]."""

    def __len__(self) -> int:
        return len(self.descriptions)

    def __add__(self, others: "Examples") -> "Examples":
        descriptions = np.concatenate([self.descriptions, others.descriptions])
        return Examples(others.channels, descriptions, np.concatenate([self.statistics, others.statistics]))


def described(features: Array, source: Array) -> Array:
    """A clause in numbers: mean and logarithm of the power over time, per channel.

    features: [1, channels, frames], as they reach the generator's first layer, a leaky rectifier. source: [1, bins, steps].
    """
    heard: Array = np.maximum(features[0], np.float32(0.1) * features[0])
    power = np.log(np.mean(np.square(heard), axis=1) + _EPSILON)
    spread = np.log(source[0].var(axis=1) + _EPSILON)
    return np.concatenate([heard.mean(axis=1), power, source[0].mean(axis=1), spread]).astype(np.float32)


class Predictor:
    """Ridge regression in its dual form (Saunders et al. 1998): few examples, many dimensions; variances as logarithms."""

    def __init__(self, examples: Examples) -> None:
        inputs, outputs = examples.descriptions, _regular(examples.statistics)
        self._center, self._scale = inputs.mean(axis=0), inputs.std(axis=0) + np.float32(1e-3)
        self._mean = outputs.mean(axis=0)
        self._inputs = (inputs - self._center) / self._scale
        kernel = self._inputs @ self._inputs.T / self._inputs.shape[1]
        self._weights: Array = np.linalg.solve(kernel + _RIDGE * np.eye(len(examples), dtype=np.float32), outputs - self._mean)

    def __call__(self, description: Array) -> Array:
        """Statistics of the clause, shape [2 x channels]."""
        kernel = self._inputs @ ((description - self._center) / self._scale) / len(description)
        return _natural(self._mean + kernel @ self._weights)


def _regular(statistics: Array) -> Array:
    means, variances = np.split(statistics, 2, axis=1)
    return np.concatenate([means, np.log(variances + np.float32(_EPSILON))], axis=1)


def _natural(outputs: Array) -> Array:
    means, logarithms = np.split(outputs, 2)
    return np.concatenate([means, np.exp(logarithms)]).astype(np.float32)


def examples_file(folder: Path, voice: str, style: Array) -> Path:
    """Where a voice's examples are kept: another style under the same name is another voice."""
    return folder / f"{voice}-{zlib.crc32(np.ascontiguousarray(style).tobytes()):08x}.npz"


def load_examples(file: Path) -> Examples | None:
    """What was learnt before; nothing if the file is missing or damaged: then it is learnt again."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            descriptions, statistics = (np.asarray(stored[name], np.float32) for name in ("descriptions", "statistics"))
            channels = tuple(int(count) for count in stored["channels"])
    except Exception:  # numpy and zipfile raise a dozen unrelated classes on bytes that are no archive of arrays
        return None
    if descriptions.ndim != 2 or statistics.shape != (len(descriptions), 2 * sum(channels)) or not 0 < len(descriptions) <= len(SENTENCES):
        return None
    sound = np.isfinite(descriptions).all() and np.isfinite(statistics).all() and (statistics[:, sum(channels) :] >= 0).all()
    return Examples(channels, descriptions, statistics) if sound else None


def save_examples(file: Path, examples: Examples) -> None:
    """Replace the file as a whole."""

    def write(made: Path) -> None:
        channels = np.array(examples.channels)
        np.savez(made, channels=channels, descriptions=examples.descriptions, statistics=examples.statistics)

    replaced(file, write)
