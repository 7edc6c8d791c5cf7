"""Engines with a part to play: one that hears words in the sound, ones that answer only when they are told to."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.errors import AssistantError, EngineFailed
from multimodal_assistant.core.types import AudioChunk, Message, Samples, TextDelta, Transcript
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt

_BEGINNINGS, _ENDS = "ba de fi ko lu me ni po".split(), "lan mer pik rost tun vel".split()

WORDS = tuple(beginning + end for beginning, end in product(_BEGINNINGS, _ENDS))
"""Words that say nothing about a turn."""

_STEP = 0.015
_LEAST_SECONDS = 0.1


def say(word: str, seconds: float) -> Samples:
    """The sound of one of `WORDS`: a hum whose level tells which."""
    level = 0.1 + _STEP * WORDS.index(word)
    ticks = np.arange(round(seconds * SPEECH_RATE)) // 40
    return np.where(ticks % 2, -level, level).astype(np.float32)


class HearingStt(ScriptedStt):
    """Understands the words of `say`, in their order, if at least a tenth of a second of each is left."""

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        transcript = await super().transcribe(audio, language=language, words=words)
        return replace(transcript, text=" ".join(understood(audio.samples)))


def understood(samples: Samples) -> list[str]:
    """The words in the sound."""
    levels = np.round((np.abs(samples) - 0.1) / _STEP).astype(int)
    voiced = np.abs(samples) > 0.05
    indices, firsts, counts = np.unique(levels[voiced], return_index=True, return_counts=True)
    enough = counts >= _LEAST_SECONDS * SPEECH_RATE
    return [WORDS[index] for index in indices[enough][np.argsort(firsts[enough])]]


@dataclass
class _Question:
    """A piece of sound that waits to be understood."""

    audio: AudioChunk
    answered: anyio.Event = field(default_factory=anyio.Event)
    text: str = ""


class PatientStt(ScriptedStt):
    """While `patient`, it answers only when it is told what."""

    def __init__(self, *, texts: Sequence[str] = ("Hello.",)) -> None:
        super().__init__(texts=texts)
        self.patient = False
        self.waiting: list[_Question] = []

    def answer(self, text: str) -> None:
        """The oldest question is understood as `text`."""
        question = self.waiting.pop(0)
        question.text = text
        question.answered.set()

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        if not self.patient:
            return await super().transcribe(audio, language=language, words=words)
        question = _Question(audio)
        self.waiting.append(question)
        await question.answered.wait()
        return Transcript(question.text, language or "en", 1.0, 0.0, 0.0, audio.seconds)


class EchoLlm(ScriptedLlm):
    """Repeats the question."""

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        self.ledger.requests.append(messages[-1].text)
        yield TextDelta("You said ")
        yield TextDelta(f"{messages[-1].text}.")


class HaltingLlm(ScriptedLlm):
    """Writes `beginning`, then waits; let go, it writes `rest` or fails with it."""

    def __init__(self, beginning: str, rest: str | AssistantError) -> None:
        super().__init__()
        self._beginning = beginning
        self._rest = rest
        self.go_on = anyio.Event()

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        self.ledger.requests.append(messages[-1].text)
        if self._beginning:
            yield TextDelta(self._beginning)
        await self.go_on.wait()
        if isinstance(self._rest, AssistantError):
            raise self._rest
        yield TextDelta(self._rest)


FAILED = EngineFailed("The language model lost its thread.", "Ask again.")


class ReadingLlm(ScriptedLlm):
    """Remembers what it read ahead."""

    def __init__(self) -> None:
        super().__init__(replies=("Once upon a time.",))
        self.read: list[list[Message]] = []

    async def prefill(self, messages: Sequence[Message]) -> None:
        self.read.append(list(messages))
