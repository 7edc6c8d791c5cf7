"""Pieces of a reply → the samples that go out next, and the words that have been heard.

A transport pulls from it block by block, on its own clock. Pausing keeps the place: what was faded out is played again from
the same sample.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from multimodal_assistant.core.types import Samples, SpokenChunk

DUCKED_GAIN = 10 ** (-12 / 20)
"""Loudness under the user's voice: -12 dB."""

_FADE_SECONDS = 0.01  # long enough not to click


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A word and the samples of the reply that it takes."""

    text: str
    start: int
    end: int

    def passed(self, position: int) -> bool:
        """Whether at least half of it lies before that sample."""
        return self.end > 0 and self.start + self.end <= 2 * position


class Playout:
    """One reply on its way out. Not thread-safe: pull and control it from one thread."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.position = 0
        """Samples of the reply that have gone out."""
        self._pieces: deque[Samples] = deque()
        self._waiting = 0
        self._words: list[_Spoken] = []
        self._heard = 0
        self._length = 0
        self._clause = 0
        """First sample of the clause that is being added, and whether its words have times."""
        self._timed = False
        self._gain = 1.0
        self._target = 1.0
        self._paused = False
        self._finished = False

    # What comes in

    def add(self, chunk: SpokenChunk) -> None:
        """Append a piece. The words of a clause without word times are spread evenly over its pieces once all are there."""
        begin = self._length
        self._pieces.append(chunk.audio.samples)
        self._waiting += len(chunk.audio.samples)
        self._length += len(chunk.audio.samples)
        self._timed = self._timed or bool(chunk.words)
        for word in chunk.words:
            self._words.append(_Spoken(word.text, begin + round(word.start * self.rate), begin + round(word.end * self.rate)))
        if chunk.last:
            if not self._timed:
                self._words += _even(chunk.text.split(), self._clause, self._length)
            self._timed, self._clause = False, self._length

    def finish(self) -> None:
        """Nothing more comes."""
        self._finished = True

    # How it goes out

    def duck(self) -> None:
        """Play more quietly."""
        self._target = DUCKED_GAIN

    def unduck(self) -> None:
        """Play as loudly as before."""
        self._target = 1.0

    def pause(self) -> None:
        """Fade out and keep the place."""
        self._paused = True

    def resume(self) -> None:
        """Go on from the sample where it was paused, at full loudness."""
        self._paused = False
        self._target = 1.0

    def drop(self) -> None:
        """Fade out and forget the rest."""
        self._paused = True
        self._finished = True
        self._length = self.position

    @property
    def audible(self) -> bool:
        """Whether the next pull brings sound of the reply."""
        return self._waiting > 0 and not self._paused

    @property
    def done(self) -> bool:
        """Everything there will ever be has gone out, or was dropped."""
        return self._finished and self.position >= self._length

    @property
    def seconds(self) -> float:
        """Seconds of the reply that have gone out."""
        return self.position / self.rate

    def pull(self, count: int) -> Samples:
        """The next `count` samples, shape [count]: of the reply, faded where it is ducked or paused, and silence where there is none."""
        out = np.zeros(count, np.float32)
        if self._paused:
            self._fade_out(out)
            return out
        taken = self._peek(count)
        self._advance(len(taken))
        out[: len(taken)] = taken * self._ramp(len(taken))
        return out

    def _fade_out(self, out: Samples) -> None:
        """Down to silence over what would have come next, without moving on."""
        if self._gain > 0.0:
            tail = self._peek(min(len(out), round(_FADE_SECONDS * self.rate)))
            out[: len(tail)] = tail * np.linspace(self._gain, 0.0, len(tail), dtype=np.float32)
            self._gain = 0.0

    def _ramp(self, count: int) -> Samples:
        """Gain for the next `count` samples, on its way to the target."""
        if self._gain == self._target or count == 0:
            return np.full(count, self._gain, np.float32)
        steps = np.arange(1, count + 1, dtype=np.float32) / round(_FADE_SECONDS * self.rate)
        low, high = sorted((self._gain, self._target))
        gains = np.clip(self._gain + np.copysign(steps, self._target - self._gain), low, high)
        self._gain = float(gains[-1])
        return gains.astype(np.float32)

    def _peek(self, count: int) -> Samples:
        found: list[Samples] = []
        for piece in self._pieces:
            if count <= 0:
                break
            found.append(piece[:count])
            count -= len(piece)
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def _advance(self, count: int) -> None:
        self.position += count
        self._waiting -= count
        while count:
            piece = self._pieces.popleft()
            if len(piece) > count:
                self._pieces.appendleft(piece[count:])
                return
            count -= len(piece)

    # What was heard

    def heard(self, *, delay: float = 0.0) -> str:
        """The words that reached the ear: those of which at least half has been played, `delay` seconds being still on the way."""
        position = self.position - round(delay * self.rate)
        return " ".join(word.text for word in self._words if word.passed(position))

    def heard_words(self, *, delay: float = 0.0) -> int:
        """How many they are, at little cost for one who asks after every block; never fewer than the last time."""
        position = self.position - round(delay * self.rate)
        while self._heard < len(self._words) and self._words[self._heard].passed(position):
            self._heard += 1
        return self._heard


def _even(words: Sequence[str], start: int, end: int) -> list[_Spoken]:
    step = (end - start) / max(len(words), 1)
    return [_Spoken(word, start + round(index * step), start + round((index + 1) * step)) for index, word in enumerate(words)]
