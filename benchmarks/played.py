"""What a voice said, found again in what was played: which words were heard, and whether a pause kept its place. Sound only."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np

from multimodal_assistant.core.audio import audible
from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import Details, Samples, SpokenChunk, Word

_TEMPLATE_SECONDS = 0.2
_SCRAP_SECONDS = 0.08  # of a clause that was stopped as soon as it had begun
_DUCKED_SECONDS = 0.06  # of an even loudness before a pause: it is ducked for a tenth of a second first
_SURE = 0.9  # correlation from which a stretch is that of the clause: the path is digital, an undisturbed match is 1.0
_EXACT = 0.98  # the same, where the place counts to the sample
_SOFT_SECONDS = 0.3  # an answer that begins softly sounds this much before it is loud enough to be noticed
_BEFORE_SECONDS = 30.0  # how long before it is heard a clause may have been made


@dataclass(slots=True)
class Clause:
    """What the voice made of one clause."""

    asked: float
    """When, in seconds of the conversation."""
    pieces: list[Samples] = field(default_factory=list[Samples])
    words: list[Word] = field(default_factory=list[Word])

    @property
    def samples(self) -> Samples:
        return np.concatenate(self.pieces) if self.pieces else np.zeros(0, np.float32)

    def add(self, chunk: SpokenChunk, rate: int) -> None:
        begin = sum(map(len, self.pieces)) / rate
        self.words += [Word(word.text, begin + word.start, begin + word.end) for word in chunk.words]
        self.pieces.append(chunk.audio.samples)


class OverheardVoice:
    """A voice that keeps all it says; `now` is the clock of the conversation."""

    def __init__(self, tts: TextToSpeech, now: Callable[[], float]) -> None:
        self._tts = tts
        self._now = now
        self.clauses: list[Clause] = []

    @property
    def rate(self) -> int:
        return self._tts.rate

    @property
    def details(self) -> Details:
        return self._tts.details

    async def warm(self) -> None:
        await self._tts.warm()

    async def aclose(self) -> None:
        await self._tts.aclose()

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        clause = Clause(self._now())
        self.clauses.append(clause)
        async with aclosing(self._tts.speak(text)) as chunks:
            async for chunk in chunks:
                clause.add(chunk, self.rate)
                yield chunk


def find(output: Samples, template: Samples) -> tuple[int, float]:
    """Where in `output` the template fits best, and the normalized correlation there."""
    count = len(output) - len(template) + 1
    if count <= 0 or not np.any(template):
        return 0, 0.0
    size = 1 << (len(output) + len(template)).bit_length()
    spectrum = np.fft.rfft(output.astype(np.float64), size) * np.conj(np.fft.rfft(template.astype(np.float64), size))
    products = np.fft.irfft(spectrum, size)[:count]
    energy = np.concatenate([[0.0], np.cumsum(np.square(output, dtype=np.float64))])
    norms = np.sqrt(np.maximum(energy[len(template) :] - energy[:count], 1e-9) * np.sum(np.square(template, dtype=np.float64)))
    best = int(np.argmax(products / norms))
    return best, float(products[best] / norms[best])


def begins(output: Samples, rate: int, clause: Clause, start: float, end: float) -> int | None:
    """The sample of `output` with which the clause begins, if it does between `start` and `end` seconds."""
    samples = clause.samples
    first, _ = audible(samples, rate)
    offset = max(round(start * rate), 0)
    for seconds, sure in ((_TEMPLATE_SECONDS, _SURE), (_SCRAP_SECONDS, _EXACT)):
        template = samples[first : first + round(seconds * rate)]
        at, likeness = find(output[offset : round(end * rate)], template)
        if likeness >= sure:
            return offset + at - first
    return None


def words_heard(output: Samples, rate: int, clauses: Sequence[Clause], answer: float, stop: float) -> list[str]:
    """The words of which at least half sounded between the beginning of the answer and `stop`, both in seconds."""
    found: list[tuple[float, str]] = []
    places: set[float] = set()  # a sentence that two drafts began with was played once
    for clause in clauses:
        if not answer - _BEFORE_SECONDS <= clause.asked <= stop:
            continue
        begin = begins(output, rate, clause, answer - _SOFT_SECONDS, stop)
        if begin is not None and round(begin / rate, 1) not in places:
            places |= {round(begin / rate + step, 1) for step in (-0.1, 0.0, 0.1)}
            said = ((begin / rate + (word.start + word.end) / 2, word.text) for word in clause.words if word.end > 0)
            found += [(middle, text) for middle, text in said if middle <= stop]
    return [text for _, text in sorted(found)]


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence in what was played that an interjection caused."""

    start: float
    end: float
    """Seconds of the conversation."""
    lost: int | None
    """Samples of the answer that were skipped (negative: said twice) across it; None where the gap was between two clauses."""


def gap_after(output: Samples, rate: int, clauses: Sequence[Clause], onset: float, *, block: int, longest: float) -> Gap | None:
    """The silence after `onset` that is a pause: of the stretches of whole blocks of zeros the first one within a clause, otherwise the
    longest; None where there are none. Between two words of a clause the synthesizer leaves a little noise, between two clauses the
    speaker of ours leaves zeros.
    """
    first = int(onset * rate) // block
    blocks = output[first * block : round((onset + longest) * rate)]
    blocks = blocks[: len(blocks) // block * block].reshape(-1, block)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~np.any(blocks, axis=1), [False]]).astype(np.int8)))
    gaps: list[Gap] = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        start, stop = (first + int(begin)) * block, (first + int(end)) * block
        lost = _lost(output, rate, clauses, start, stop, block) if end < len(blocks) else None
        gaps.append(Gap(start / rate, stop / rate, lost))
    inside = [gap for gap in gaps if gap.lost is not None]
    return inside[0] if inside else max(gaps, key=lambda gap: gap.end - gap.start, default=None)


def _lost(output: Samples, rate: int, clauses: Sequence[Clause], start: int, stop: int, block: int) -> int | None:
    """Compare where a clause lies before the gap with where it lies after it."""
    ducked, template = round(_DUCKED_SECONDS * rate), round(_TEMPLATE_SECONDS * rate)
    before, after = output[start - block - ducked : start - block], output[stop + block : stop + block + template]
    for clause in clauses:
        if not start / rate - _BEFORE_SECONDS <= clause.asked <= start / rate or len(before) < ducked or len(after) < template:
            continue
        samples = clause.samples
        left, like_left = find(samples, before)
        right, like_right = find(samples, after)
        if min(like_left, like_right) >= _EXACT:
            paused = (stop - start) + block  # the block in which it faded out is played again
            return (right - left) - ((stop + block) - (start - block - ducked) - paused)
    return None
