"""What the tests of the conversation share: recordings, engines that tell what they were asked or work on threads."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import anyio
import numpy as np
from anyio.lowlevel import checkpoint

from multimodal_assistant.core.types import AudioChunk, Details, Message, SpokenChunk, TextDelta, Transcript, Usage
from multimodal_assistant.core.worker import Emit, Worker
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad
from multimodal_assistant.pipeline.reply import Engines

T = TypeVar("T")

USAGE = Usage(prompt_tokens=9, cached_tokens=4, completion_tokens=3, first_token_seconds=0.1, seconds=0.2)

LONG_REPLY = "Well yes, that is a thing I can do for you. The second sentence has a few more words than the first one had. And so on."


def recording(*stretches: tuple[float, bool], rate: int = 48_000) -> AudioChunk:
    """Stretches of (seconds, whether someone speaks)."""
    parts = [0.3 * np.sin(np.arange(round(seconds * rate)) * (2 * np.pi * 300 / rate)) * speaks for seconds, speaks in stretches]
    return AudioChunk(np.concatenate(parts).astype(np.float32), rate)


QUESTION = recording((0.3, False), (0.6, True), (0.3, False), rate=16_000)


class HearingStt(ScriptedStt):
    """Remembers what it was given."""

    def __init__(self, *, texts: Sequence[str] = ("Hello.",)) -> None:
        super().__init__(texts=texts)
        self.heard: list[tuple[AudioChunk, str | None]] = []

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        self.heard.append((audio, language))
        return await super().transcribe(audio, language=language, words=words)


class DictatedLlm(ScriptedLlm):
    """Writes exactly these pieces, and remembers what it was asked."""

    def __init__(self, pieces: Iterable[str], *, before: Callable[[int], Awaitable[object]] | None = None) -> None:
        super().__init__()
        self._pieces = list(pieces)
        self._before = before
        self.asked: list[tuple[list[Message], int]] = []
        self.written = 0
        self.left_early = False

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        self.asked.append((list(messages), max_tokens))
        self.left_early = True
        for index, piece in enumerate(self._pieces):
            if self._before is not None:
                await self._before(index)
            await checkpoint()
            self.written += 1
            yield TextDelta(piece)
        yield TextDelta("", USAGE)
        self.left_early = False


class Collector:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.chunks: list[SpokenChunk] = []

    async def write(self, chunk: SpokenChunk) -> None:
        self.chunks.append(chunk)

    @property
    def clauses(self) -> list[str]:
        """What was said, clause by clause, without the pauses."""
        return list(dict.fromkeys(chunk.text for chunk in self.chunks if chunk.text))

    @property
    def seconds(self) -> float:
        return sum(chunk.audio.seconds for chunk in self.chunks)


class ThreadedStt(ScriptedStt):
    """Speech recognition on a thread."""

    def __init__(self) -> None:
        super().__init__()
        self.work = _Work("scene-stt")

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        return await self.work.worker.call(self.work.watched(lambda: Transcript("Hello.", "en", 1.0, 0.0, 0.0, audio.seconds)))

    async def aclose(self) -> None:
        await self.work.worker.aclose()


class ThreadedLlm(ScriptedLlm):
    """A language model on a thread, which has totals to tell even after it was stopped."""

    def __init__(self, reply: str = LONG_REPLY) -> None:
        super().__init__()
        self._text = reply
        self.work = _Work("scene-llm")

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        def produce(emit: Emit[TextDelta]) -> None:
            for word in self._text.split():
                if not emit(TextDelta(f"{word} ")):
                    break
            emit(TextDelta("", USAGE))

        async with aclosing(self.work.worker.stream(self.work.watched_stream(produce), ahead=2)) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        await self.work.worker.aclose()


class ThreadedTts(ScriptedTts):
    """A voice on a thread, in pieces of one word."""

    def __init__(self) -> None:
        super().__init__()
        self.work = _Work("scene-tts")

    @property
    def details(self) -> Details:
        return {"engine": "threaded", "model": "tts"}

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        def produce(emit: Emit[SpokenChunk]) -> None:
            for _ in text.split():
                if not emit(SpokenChunk(AudioChunk(np.zeros(240, np.float32), self.rate), text)):
                    return

        async with aclosing(self.work.worker.stream(self.work.watched_stream(produce))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        await self.work.worker.aclose()


class _Work:
    """A worker that counts how many of its jobs are running."""

    def __init__(self, name: str) -> None:
        self.worker = Worker(name)
        self.busy = 0

    def watched(self, function: Callable[[], T]) -> Callable[[], T]:
        def run() -> T:
            self.busy += 1
            try:
                return function()
            finally:
                self.busy -= 1

        return run

    def watched_stream(self, produce: Callable[[Emit[T]], None]) -> Callable[[Emit[T]], None]:
        def run(emit: Emit[T]) -> None:
            self.busy += 1
            try:
                produce(emit)
            finally:
                self.busy -= 1

        return run


def scripted(*, stt: ScriptedStt | None = None, llm: ScriptedLlm | None = None, tts: ScriptedTts | None = None) -> Engines:
    return Engines(ScriptedVad(), stt or ScriptedStt(), llm or ScriptedLlm(replies=(LONG_REPLY,)), tts or ScriptedTts(word_seconds=0.01))


async def close(engines: Engines) -> None:
    for engine in (engines.vad, engines.stt, engines.llm, engines.tts):
        await engine.aclose()


class Interrupted:
    """A coroutine that is cancelled where it waits for the `at`-th time."""

    def __init__(self, work: Coroutine[Any, Any, object], scope: anyio.CancelScope, at: int) -> None:
        self._work = work
        self._scope = scope
        self._at = at

    def __await__(self) -> Generator[Any, Any, object]:
        iterator = self._work.__await__()
        waits = 0
        error: BaseException | None = None
        value: Any = None
        while True:
            try:
                awaited = iterator.send(value) if error is None else iterator.throw(error)
            except StopIteration as end:
                return end.value
            waits += 1
            if waits == self._at:
                self._scope.cancel()
            error = None
            try:
                value = yield awaited
            except BaseException as thrown:
                error = thrown
