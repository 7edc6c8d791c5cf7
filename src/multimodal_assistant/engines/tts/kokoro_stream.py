"""Kokoro's graphs as sessions: a clause whole in one run, or its front half once and its generator in chunks of frames.

What a chunk sounds like depends on the frames around it (`_MARGIN`) and on the statistics of the clause, which are predicted
(kokoro_statistics.py). Neighbouring chunks differ by rounding, because the int8 convolutions choose their scale anew for every run: they
are laid over each other for `_OVERLAP` samples, so that the sound passes from one to the other without a step.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Samples
from multimodal_assistant.engines.onnx import StoppableRun, open_session

from . import kokoro_graphs as graphs
from .graphs import derived
from .kokoro_statistics import Array, Examples, Predictor, described

if TYPE_CHECKING:
    import onnxruntime

FRAME = 300
"""Samples per frame of the generator's input."""
UNIT = 600
"""Samples per unit of predicted duration."""

_STEPS = 60  # steps of the harmonic source per frame
_MARGIN = 4  # frames of context on either side of a chunk; with 8 or 12 the sound differs no less from that of the whole clause
_OVERLAP = 120  # samples, 5 ms
_CHUNKS = (24, 32, 64, 128, 192)
"""Frames in the first pieces; the last number repeats. The first begins with up to 0.15 s of silence that is cut off; each may take as
long to generate as the one before it lasts, and has 8 frames of context to pay for: that holds up to a real-time factor of 0.4."""

Feed = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Clause:
    """What the front half makes of the symbols."""

    features: Array
    style: Array
    source: Array
    units: Array
    """Duration of each symbol, shape [symbols], in units of `UNIT` samples."""

    @property
    def frames(self) -> int:
        return self.features.shape[-1]


class Whole:
    """The published graph, which speaks a clause in one run.

    teaches: it also returns what a voice's statistics are learnt from. Exports with other names for their tensors do not, or they do not
    even tell durations: they are spoken all the same.
    """

    def __init__(self, model: Path, cache: Path, *, threads: int) -> None:
        self._session, outputs = _opened(model, cache, threads)
        self._tells = outputs > 1
        self.teaches = outputs > 2

    @property
    def takes(self) -> str:
        """Name of the input for symbols: exports call it differently."""
        return self._session.get_inputs()[0].name

    def say(self, feed: Feed, run: StoppableRun) -> tuple[Samples, Array | None]:
        """All samples, and the duration of each symbol in units of `UNIT` samples where the export tells."""
        names = [node.name for node in self._session.get_outputs()]
        outputs = self._session.run(names[: 1 + self._tells], feed, run.options)
        return np.asarray(outputs[0], np.float32).ravel(), np.asarray(outputs[1]).ravel() if self._tells else None

    def example(self, feed: Feed, run: StoppableRun) -> Examples:
        """The same, to learn from: one clause."""
        _, _, features, source, *statistics = self._session.run(None, feed, run.options)
        channels = tuple(one.size for one in statistics[: len(statistics) // 2])
        values = np.concatenate([np.ravel(one) for one in statistics])
        return Examples(channels, described(features, source)[None], values.astype(np.float32)[None])


def _opened(model: Path, cache: Path, threads: int) -> "tuple[onnxruntime.InferenceSession, int]":
    """The graph that returns most, and how many outputs of it we know."""
    with contextlib.suppress(EngineFailed):  # an export with other names
        _halves(model, cache)  # now, because reading the graph takes as much memory as a session, and there is none yet
        return open_session(derived(model, "whole.onnx", cache, graphs.whole), threads=threads), 3
    with contextlib.suppress(EngineFailed):
        return open_session(derived(model, "with-durations.onnx", cache, graphs.with_durations), threads=threads), 2
    return open_session(model, threads=threads), 1


def _halves(model: Path, cache: Path) -> tuple[Path, Path]:
    return derived(model, "front.onnx", cache, graphs.front), derived(model, "generator.onnx", cache, graphs.generator)


class Halves:
    """Front half and generator, for one voice."""

    def __init__(self, model: Path, cache: Path, *, threads: int, examples: Examples) -> None:
        self._front, self._generator = (open_session(half, threads=threads) for half in _halves(model, cache))
        names = [node.name for node in self._generator.get_inputs()]
        self._statistics = [name for name in names if name not in {graphs.FEATURES, graphs.STYLE, graphs.SOURCE}]
        if len(self._statistics) != 2 * len(examples.channels):
            raise EngineFailed("What was learnt about the voice is of another model.", "It is spoken in one piece.")
        self._bounds = np.cumsum([*examples.channels, *examples.channels])[:-1]
        self._predict = Predictor(examples)

    @property
    def takes(self) -> str:
        """Name of the input for symbols."""
        return self._front.get_inputs()[0].name

    def clause(self, feed: Feed, run: StoppableRun) -> Clause:
        """Run the front half: a tenth of the work."""
        features, style, source, units = self._front.run(None, feed, run.options)
        return Clause(features, style, source, np.ravel(units))

    def pieces(self, clause: Clause, begin: int, end: int, run: StoppableRun) -> Iterator[tuple[int, Samples]]:
        """Samples of frames [begin, end), piece by piece, each with the frame it begins at."""
        values = np.split(self._predict(described(clause.features, clause.source)), self._bounds)
        statistics = {name: value.reshape(1, -1, 1) for name, value in zip(self._statistics, values, strict=True)}
        before: Samples = np.zeros(0, np.float32)
        for start, stop in chunks(begin, end):
            left, right = max(start - _MARGIN, 0), min(stop + _MARGIN, clause.frames)
            feed = {
                graphs.FEATURES: np.ascontiguousarray(clause.features[..., left:right]),
                graphs.STYLE: clause.style,
                graphs.SOURCE: np.ascontiguousarray(clause.source[..., left * _STEPS : right * _STEPS + 1]),
                **statistics,
            }
            samples = np.asarray(self._generator.run(None, feed, run.options)[0], np.float32).ravel()
            piece = samples[(start - left) * FRAME : (stop - left) * FRAME].copy()
            fade = np.linspace(0.0, 1.0, len(before), dtype=np.float32)
            piece[: len(before)] = fade * piece[: len(before)] + (1.0 - fade) * before
            before = samples[(stop - left) * FRAME :][:_OVERLAP]
            yield start, piece


def chunks(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """[start, stop) of the pieces of frames [begin, end); a short rest joins the piece before it."""
    index = 0
    while begin < end:
        size = _CHUNKS[min(index, len(_CHUNKS) - 1)]
        stop = end if end - begin < size * 1.5 else begin + size
        yield begin, stop
        begin, index = stop, index + 1
