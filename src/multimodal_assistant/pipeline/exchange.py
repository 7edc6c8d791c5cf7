"""One question → one spoken answer: listen, respond and speak, joined."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from multimodal_assistant.core.errors import leaf
from multimodal_assistant.core.events import AudioStarted, EventBus, ReplyFinished, ReplyText, TranscriptFinal
from multimodal_assistant.core.protocols import LanguageModel, SpeechToText, TextToSpeech, VoiceActivityDetector
from multimodal_assistant.core.timing import Stopwatch
from multimodal_assistant.core.types import AudioChunk, Message, SpokenChunk, Transcript, Usage

from .listen import listen
from .respond import SPOKEN_STYLE, respond
from .speak import pieces, speak

_TEXT_AHEAD = 256
"""Pieces of reply text that may wait for the voice."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The parts of a conversation that run models."""

    vad: VoiceActivityDetector
    stt: SpeechToText
    llm: LanguageModel
    tts: TextToSpeech


@dataclass(frozen=True, slots=True)
class Manner:
    """How to answer."""

    system: str = SPOKEN_STYLE
    language: str | None = None
    """Of the question, ISO 639-1; None: the recognizer finds out."""
    max_tokens: int = 160


class AudioSink(Protocol):
    """Where the answer goes."""

    async def write(self, chunk: SpokenChunk) -> None:
        """Take the next piece; may wait until there is room."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    transcript: Transcript
    reply: str
    usage: Usage | None
    audio_seconds: float


async def exchange(
    question: AudioChunk | str,
    engines: Engines,
    sink: AudioSink,
    *,
    manner: Manner | None = None,
    history: Sequence[Message] = (),
    bus: EventBus | None = None,
    watch: Stopwatch | None = None,
) -> Answer:
    """Answer one question, spoken or written.

    The voice starts on the first clause while the language model is still writing. `watch` gets the moments `begin`,
    `heard`, `first_token`, `first_clause`, `first_audio` and `done`.
    """
    return await _Exchange(engines, sink, manner or Manner(), bus or EventBus(), watch or Stopwatch()).run(question, history)


class _Exchange:
    def __init__(self, engines: Engines, sink: AudioSink, manner: Manner, bus: EventBus, watch: Stopwatch) -> None:
        self._engines = engines
        self._sink = sink
        self._manner = manner
        self._bus = bus
        self._watch = watch
        self._turn = "1"
        self._reply: list[str] = []
        self._usage: Usage | None = None
        self._seconds = 0.0

    async def run(self, question: AudioChunk | str, history: Sequence[Message]) -> Answer:
        self._watch.mark("begin")
        transcript = await self._heard(question)
        self._watch.mark("heard")
        self._bus.publish(TranscriptFinal(self._turn, transcript))
        send, receive = anyio.create_memory_object_stream[str](_TEXT_AHEAD)
        try:
            async with anyio.create_task_group() as tasks, receive:
                tasks.start_soon(self._write, transcript.text, history, send, name="respond")
                await self._say(pieces(receive), transcript.language)
        except BaseExceptionGroup as group:
            raise leaf(group) from group
        self._watch.mark("done")
        return Answer(transcript, "".join(self._reply).strip(), self._usage, self._seconds)

    async def _heard(self, question: AudioChunk | str) -> Transcript:
        if isinstance(question, str):
            return Transcript(question, self._manner.language or "en", 1.0, 0.0, 0.0, 0.0)
        return await listen(question, self._engines.vad, self._engines.stt, language=self._manner.language)

    async def _write(self, said: str, history: Sequence[Message], send: MemoryObjectSendStream[str]) -> None:
        """Language model → text stream."""
        reply = respond(said, self._engines.llm, system=self._manner.system, history=history, max_tokens=self._manner.max_tokens)
        async with send, aclosing(reply) as deltas:
            async for delta in deltas:
                self._usage = delta.usage or self._usage
                if delta.text:
                    self._watch.mark("first_token")
                    self._reply.append(delta.text)
                    self._bus.publish(ReplyText(self._turn, delta.text))
                    await send.send(delta.text)
        self._bus.publish(ReplyFinished(self._turn, self._usage))

    async def _say(self, texts: AsyncIterator[str], language: str) -> None:
        """Text stream → voice → sink."""
        async with aclosing(speak(self._noted(texts), self._engines.tts, language=language)) as chunks:
            async for chunk in chunks:
                if not self._seconds:
                    self._watch.mark("first_audio")
                    self._bus.publish(AudioStarted(self._turn))
                self._seconds += chunk.audio.seconds
                await self._sink.write(chunk)

    async def _noted(self, texts: AsyncIterator[str]) -> AsyncIterator[str]:
        async for text in texts:
            self._watch.mark("first_clause")
            yield text
