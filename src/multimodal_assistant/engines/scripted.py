"""Engines without a model: deterministic, with delays and failures on demand.

They serve tests, load tests and authors of plug-ins, and stand for nothing else: whatever they say was written beforehand.
"""

import re
import zlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
import numpy as np

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import (
    AudioChunk,
    Details,
    Message,
    Picture,
    Samples,
    SpokenChunk,
    TextDelta,
    Tool,
    ToolCall,
    Transcript,
    Usage,
    Vectors,
    Word,
)

RATE = 24_000


@dataclass(frozen=True, slots=True)
class Script:
    """How an engine behaves."""

    delay: float = 0.0
    """Seconds before the first result."""
    interval: float = 0.0
    """Seconds between two pieces of a stream."""
    fail_after: int | None = None
    """Raise `EngineFailed` after so many results; 0: at once; None: never."""


@dataclass
class Ledger:
    """What was asked of an engine and how it ended, for tests."""

    requests: list[str] = field(default_factory=list[str])
    completed: int = 0
    cancelled: int = 0
    warmed: int = 0
    closed: int = 0


class Scripted:
    """What all scripted engines share."""

    kind = ""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.ledger = Ledger()

    @property
    def details(self) -> Details:
        return {"engine": "scripted", "model": self.kind}

    async def warm(self) -> None:
        self.ledger.warmed += 1

    async def aclose(self) -> None:
        self.ledger.closed += 1

    async def _wait(self, index: int) -> None:
        """Before result number `index`: the delay, and the failure if it is due."""
        await anyio.sleep(self.script.delay if index == 0 else self.script.interval)
        if self.script.fail_after is not None and index >= self.script.fail_after:
            raise EngineFailed(f"The scripted {self.kind} failed as it was told to.")


class ScriptedStt(Scripted):
    """Says the next of `texts` for every utterance, whatever it holds; the last one again and again."""

    kind = "stt"

    def __init__(self, *, texts: Sequence[str] = ("Hello.",), language: str = "en", script: Script | None = None) -> None:
        super().__init__(script or Script())
        self._texts = list(texts)
        self._language = language

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        text = self._texts[min(len(self.ledger.requests), len(self._texts) - 1)]
        self.ledger.requests.append(text)
        try:
            await self._wait(0)
        except anyio.get_cancelled_exc_class():
            self.ledger.cancelled += 1
            raise
        self.ledger.completed += 1
        spoken = text.split()
        step = audio.seconds / max(len(spoken), 1)
        times = tuple(Word(word, index * step, (index + 1) * step) for index, word in enumerate(spoken)) if words else ()
        return Transcript(text, language or self._language, 1.0, 0.0, 0.0, audio.seconds, times)


class ScriptedLlm(Scripted):
    """Writes the next of `replies`, word by word, or makes the call that it is; the last one again and again."""

    kind = "llm"

    def __init__(self, *, replies: Sequence[str | ToolCall] = ("I hear you.",), script: Script | None = None, sees: bool = False) -> None:
        super().__init__(script or Script())
        self._replies = list(replies)
        self._sees = sees
        self.shown: list[Picture | None] = []
        """What was shown, request by request."""
        self.offered: list[tuple[str, ...]] = []
        """The functions at hand, request by request."""

    async def sees(self) -> bool:
        """See `core.protocols.Seeing`."""
        return self._sees

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        async with aclosing(self.reply_or_call(messages, max_tokens=max_tokens, tools=())) as deltas:
            async for delta in deltas:
                yield delta

    async def reply_or_call(
        self, messages: Sequence[Message], *, max_tokens: int, tools: Sequence[Tool], required: bool = False
    ) -> AsyncGenerator[TextDelta]:
        """See `core.protocols.ToolCalling`: a reply that is a call is made, whatever is at hand."""
        reply = self._replies[min(len(self.ledger.requests), len(self._replies) - 1)]
        self.ledger.requests.append(messages[-1].text)
        self.shown.append(messages[-1].picture)
        self.offered.append(tuple(tool.name for tool in tools))
        text = reply if isinstance(reply, str) else ""
        pieces = re.findall(r"\s*\S+", text)[:max_tokens]
        prompt = sum(len(message.text.split()) for message in messages)
        try:
            for index, piece in enumerate(pieces):
                await self._wait(index)
                yield TextDelta(piece)
            if isinstance(reply, ToolCall):
                await self._wait(0)
                yield TextDelta("", calls=(reply,))
            yield TextDelta("", Usage(prompt, 0, len(pieces), self.script.delay, self.script.delay))
        except (anyio.get_cancelled_exc_class(), GeneratorExit):
            self.ledger.cancelled += 1
            raise
        self.ledger.completed += 1


class ScriptedTts(Scripted):
    """Says every word as a tone of `word_seconds`, in pieces of one word each, with exact word times."""

    kind = "tts"

    def __init__(self, *, word_seconds: float = 0.25, voice: str = "", language: str = "", script: Script | None = None) -> None:
        super().__init__(script or Script())
        self._word_seconds = word_seconds
        self._about = {name: value for name, value in (("voice", voice), ("language", language)) if value}

    @property
    def details(self) -> Details:
        return {**super().details, **self._about}

    @property
    def rate(self) -> int:
        return RATE

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        self.ledger.requests.append(text)
        words = text.split()
        time = np.arange(round(self._word_seconds * RATE), dtype=np.float32) / RATE
        tone = (0.2 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
        try:
            for index, word in enumerate(words):
                await self._wait(index)
                spoken = (Word(word, 0.0, self._word_seconds),)
                yield SpokenChunk(AudioChunk(tone, RATE), text, spoken, last=index == len(words) - 1)
        except (anyio.get_cancelled_exc_class(), GeneratorExit):
            self.ledger.cancelled += 1
            raise
        self.ledger.completed += 1


class _Judge(Scripted):
    """Gives the next of `scores` whenever it is asked; the last one again and again."""

    def __init__(self, *, scores: Sequence[float] = (0.95,), script: Script | None = None) -> None:
        super().__init__(script or Script())
        self._scores = list(scores)

    async def _next(self, question: str) -> float:
        score = self._scores[min(len(self.ledger.requests), len(self._scores) - 1)]
        self.ledger.requests.append(question)
        await self._wait(0)
        self.ledger.completed += 1
        return score


class ScriptedTurn(_Judge):
    """Scores for sound."""

    kind = "turn"

    async def score(self, samples: Samples) -> float:
        return await self._next(f"{len(samples)} samples")


class ScriptedSentenceEnd(_Judge):
    """Scores for words."""

    kind = "sentence"

    async def score(self, text: str) -> float:
        return await self._next(text)


class ScriptedVad(Scripted):
    """Speech is whatever is louder than `threshold_dbfs`."""

    kind = "vad"

    def __init__(self, *, threshold_dbfs: float = -45.0, script: Script | None = None) -> None:
        super().__init__(script or Script())
        self._threshold = threshold_dbfs

    def stream(self) -> "ScriptedVadStream":
        return ScriptedVadStream(self._threshold)

    async def scan(self, samples: Samples) -> list[float]:
        stream = self.stream()
        starts = range(0, len(samples) - stream.window + 1, stream.window)
        return [stream.score(samples[start : start + stream.window]) for start in starts]


class ScriptedVadStream:
    """Level against a threshold."""

    window = 512

    def __init__(self, threshold_dbfs: float) -> None:
        self._threshold = threshold_dbfs

    def score(self, samples: Samples) -> float:
        return 1.0 if dbfs(samples) > self._threshold else 0.0


class ScriptedMemory(Scripted):
    """Recalls the line of every word that the question holds, and keeps what it is told in `kept`."""

    kind = "memory"

    def __init__(self, lines: Mapping[str, str] | None = None, *, script: Script | None = None) -> None:
        super().__init__(script or Script())
        self._lines = lines or {}
        self.kept: list[tuple[str, str]] = []

    async def recall(self, question: str) -> str:
        self.ledger.requests.append(question)
        try:
            await self._wait(0)
        except anyio.get_cancelled_exc_class():
            self.ledger.cancelled += 1
            raise
        self.ledger.completed += 1
        return "\n".join(line for word, line in self._lines.items() if word in question.lower())

    def remember(self, said: str, heard: str) -> None:
        self.kept.append((said, heard))


class ScriptedEmbedder(Scripted):
    """Texts are near each other as far as they share words: each word is a direction, chosen by its checksum."""

    kind = "embed"

    def __init__(self, *, dimensions: int = 64, script: Script | None = None) -> None:
        super().__init__(script or Script())
        self._dimensions = dimensions

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.ledger.requests += texts
        await self._wait(0)
        self.ledger.completed += 1
        rows = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                row[:] += np.random.default_rng(zlib.crc32(word.encode())).standard_normal(self._dimensions)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
