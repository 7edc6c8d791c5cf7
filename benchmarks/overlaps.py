"""A user who talks over the assistant: asks, waits until an answer is heard, says the next thing over it, and so on, in real time.

What is said over whom is decided by what comes out of the connection alone; nothing the session says of itself is used.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE, audible, dbfs
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Samples

from .questions import ROOM

BLOCK_SECONDS = 0.02
_IN_BLOCK = round(BLOCK_SECONDS * SPEECH_RATE)
_AUDIBLE_DBFS = -45.0
_GONE_SECONDS = 1.5  # without a sound: the answer is over
_NO_ANSWER_SECONDS = 8.0
_TAIL_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Interjection:
    """Something to say over the assistant, at 16 kHz."""

    label: str
    voice: str
    samples: Samples
    after: float
    """Seconds of the answer that are heard first."""
    rest: float
    """Seconds to wait after it."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """An interjection that was said, in seconds of the conversation."""

    interjection: Interjection
    answer: float
    """When the answer under it began to be heard."""
    onset: float
    """Its first audible sample."""
    end: float
    """Its last audible sample."""


class Talker:
    """A connection whose other side is that user."""

    output_delay = 0.0

    def __init__(self, questions: Sequence[Samples], interjections: Sequence[Interjection], *, goes_on: bool) -> None:
        """`goes_on`: an answer that is still heard after an interjection gets the next one too."""
        self._questions = questions
        self._left = list(interjections)
        self._goes_on = goes_on
        self._asked = 0
        self._speech = np.zeros(0, np.float32)
        self._noise = np.random.default_rng(7)
        self._played: list[Samples] = []
        self._ends_at: float | None = None
        self._rests_until = 0.0
        self._waits_since = 0.0
        self._answer: float | None = None
        self._last_sound = 0.0
        self.overlaps: list[Overlap] = []
        self.rate = 0
        self.now = 0.0
        self.late = 0
        """Blocks that were more than one block late."""

    @property
    def output(self) -> Samples:
        """All that was played, shape [n]; its clock is that of the input."""
        return np.concatenate(self._played) if self._played else np.zeros(0, np.float32)

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`."""
        self.rate = rate
        begin = anyio.current_time()
        index = 0
        while self._ends_at is None or self.now < self._ends_at:
            due = begin + (index + 1) * BLOCK_SECONDS
            self.late += anyio.current_time() > due + BLOCK_SECONDS
            await anyio.sleep_until(due)
            self._hear(pull(round(BLOCK_SECONDS * rate)))
            yield AudioChunk(self._next_block(), SPEECH_RATE, index * _IN_BLOCK)
            index += 1
            self.now = index * BLOCK_SECONDS

    def _hear(self, block: Samples) -> None:
        self._played.append(block)
        if dbfs(block) > _AUDIBLE_DBFS and (self._goes_on or self.now >= self._rests_until):
            if self.now - self._last_sound > _GONE_SECONDS or self._answer is None:
                self._answer = self.now
            self._last_sound = self.now
        elif self.now - self._last_sound > _GONE_SECONDS:
            self._answer = None

    def _next_block(self) -> Samples:
        if not len(self._speech) and self.now >= self._rests_until:
            self._decide()
        block = np.float32(ROOM) * self._noise.standard_normal(_IN_BLOCK, dtype=np.float32)
        spoken, self._speech = self._speech[:_IN_BLOCK], self._speech[_IN_BLOCK:]
        block[: len(spoken)] += spoken
        return block

    def _decide(self) -> None:
        if not self._left:
            self._ends_at = self._ends_at or self.now + _TAIL_SECONDS
        elif self._answer is not None:
            if self.now - self._answer >= self._left[0].after and self.now - self._last_sound < 0.1:
                self._interject(self._left.pop(0), self._answer)
        elif self.now >= self._waits_since:
            self._say(self._questions[self._asked % len(self._questions)])
            self._asked += 1
            self._waits_since = self.now + len(self._speech) / SPEECH_RATE + _NO_ANSWER_SECONDS

    def _interject(self, what: Interjection, answer: float) -> None:
        first, last = audible(what.samples, SPEECH_RATE)
        self.overlaps.append(Overlap(what, answer, self.now + first / SPEECH_RATE, self.now + last / SPEECH_RATE))
        self._say(what.samples)
        self._rests_until = self.now + len(what.samples) / SPEECH_RATE + what.rest
        self._waits_since = self._rests_until + _NO_ANSWER_SECONDS
        self._answer = answer if self._goes_on else None

    def _say(self, samples: Samples) -> None:
        self._speech = samples
