"""What was said → a spoken reply in the making: the language model writes while the voice speaks."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from multimodal_assistant.core.errors import leaf
from multimodal_assistant.core.protocols import (
    EndOfSentenceDetector,
    EndOfTurnDetector,
    LanguageModel,
    Remembering,
    Sight,
    SpeechToText,
    TextToSpeech,
    VoiceActivityDetector,
)
from multimodal_assistant.core.types import Glance, Message, SpokenChunk, TextDelta, ToolCall, Transcript, Usage
from multimodal_assistant.processors.sentences import FIRST_ENOUGH

from .look_tool import LOOK, looking
from .respond import SPOKEN_STYLE, UNSEEN, Toolbox, respond
from .speak import chain, pieces, speak, voice_for
from .stopgap import Stopgaps

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
class EndOfTurn:
    """What tells a pause from the end of a turn."""

    melody: EndOfTurnDetector
    sentence: EndOfSentenceDetector | None = None
    sentence_language: str = "en"
    """The language `sentence` knows well,"""
    sentence_inklings: frozenset[str] = frozenset({"es", "fr", "it", "pt"})
    """those it has an idea of; words in any other one are left to the melody."""

    async def warm(self) -> None:
        """Load the models."""
        await self.melody.warm()
        if self.sentence is not None:
            await self.sentence.warm()

    async def aclose(self) -> None:
        """Free the models. Safe to call twice."""
        await self.melody.aclose()
        if self.sentence is not None:
            await self.sentence.aclose()


@dataclass(frozen=True, slots=True)
class Manner:
    """How to answer."""

    system: str = SPOKEN_STYLE
    language: str | None = None
    """Of the question, ISO 639-1; None: the recognizer finds out."""
    max_tokens: int = 160
    first_words: int = FIRST_ENOUGH
    """Enough for the first piece that is spoken: fewer sound sooner and less natural."""
    stopgaps: Stopgaps | None = None
    """What is said while an answer is late; None: an answer may take as long as its engines may."""
    toolbox: Toolbox | None = None
    """Functions that the model may ask for."""
    voice: str = ""
    """Of the voices at hand (`core.protocols.ManyVoices`) this one, whatever the language; empty: the one that suits it."""
    aloud: bool = True
    """False: answers are written, and no voice is made."""
    sight: Sight | None = None
    """What the user shows; None: nobody asks."""
    looks_ahead: bool = False
    """The model's server keeps a picture that it has been shown (`look_ahead.keeps_pictures`)."""
    may_look: bool = False
    """The model can ask for a function (`look_tool.may_look`), and so for what is in view."""
    memory: Remembering | None = None
    """What is known from other conversations, and where this one is kept."""
    answers: bool = True
    """False: what the user says is noted, and answered when an answer is asked for."""

    @property
    def at_hand(self) -> Toolbox | None:
        """The functions that are declared to the model. A client's own `look` is the client's."""
        own = self.toolbox or Toolbox()
        if not self.offers_look:
            return self.toolbox
        return replace(own, tools=(*own.tools, LOOK))

    @property
    def offers_look(self) -> bool:
        """Whether the model may ask to see."""
        names = {tool.name for tool in self.toolbox.tools} if self.toolbox else set[str]()
        return self.may_look and self.sight is not None and self.sight.live and LOOK.name not in names


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told while a reply is being made."""

    text: Callable[[str], None]
    """A piece of text was written."""
    clause: Callable[[str], None]
    """The voice begins on this clause."""
    chunk: Callable[[SpokenChunk], Awaitable[None]]
    """A piece of audio exists; the voice waits until it has been taken."""
    written: Callable[[Usage | None], None]
    """All of it is written."""
    calls: Callable[[tuple[ToolCall, ...]], None] = lambda _: None
    """The model asks for functions."""
    looked: Callable[[Glance], None] = lambda _: None
    """The model has asked to see, and this is what it was shown."""


async def make_reply(
    transcript: Transcript,
    engines: Engines,
    manner: Manner,
    history: Sequence[Message],
    ears: Ears,
    *,
    recalled: str = "",
    glance: Glance = UNSEEN,
) -> None:
    """Write and speak the reply to what was said, or only write it; returns when all of it was handed over.

    recalled: memories that bear on it, one to a line. glance: what is in view.

    Cancelled, it stops the language model and the voice before it returns.
    """
    asked = _Asked(transcript.text, recalled, glance)
    if not manner.aloud:
        await _write(asked, engines, manner, history, ears, None)
        return
    send, receive = anyio.create_memory_object_stream[str](_TEXT_AHEAD)
    try:
        async with anyio.create_task_group() as tasks, receive, send:  # send too: a task that is cancelled before it begins closes nothing
            tasks.start_soon(_write, asked, engines, manner, history, ears, send, name="respond")
            await _say(receive, engines, transcript.language, manner, ears)
    except BaseExceptionGroup as group:
        raise leaf(group) from group


@dataclass(frozen=True, slots=True)
class _Asked:
    said: str
    recalled: str
    glance: Glance


async def _write(
    asked: _Asked, engines: Engines, manner: Manner, history: Sequence[Message], ears: Ears, send: MemoryObjectSendStream[str] | None
) -> None:
    """Language model → text stream; without a stream, the ears alone."""
    usage = None

    def ask(glance: Glance, again: bool) -> AsyncGenerator[TextDelta]:
        toolbox = manner.at_hand
        return respond(
            asked.said,
            engines.llm,
            system=manner.system,
            history=history,
            max_tokens=manner.max_tokens,
            toolbox=replace(toolbox, required=False) if toolbox is not None and again else toolbox,
            glance=glance,
            recalled=asked.recalled,
        )

    if manner.sight is not None and manner.offers_look:
        reply = looking(ask, asked.glance, manner.sight.ahead, ears.looked)
    else:
        reply = ask(asked.glance, False)
    async with send or nullcontext(), aclosing(reply) as deltas:
        async for delta in deltas:
            usage = delta.usage or usage
            if delta.calls:
                ears.calls(delta.calls)
            if delta.text:
                ears.text(delta.text)
            if delta.text and send is not None:
                await send.send(delta.text)
    ears.written(usage)


async def _say(texts: AsyncIterable[str], engines: Engines, language: str, manner: Manner, ears: Ears) -> None:
    """Text stream → voice. language: of the question."""
    async with aclosing(pieces(texts, first_words=manner.first_words)) as cut, aclosing(_announced(cut, ears)) as clauses:
        first = await anext(clauses, None)
        if first is None:
            return
        tts = await voice_for(engines.tts, manner.voice, first, language)
        spoken_in = tts.details.get("language", language)
        async with aclosing(chain(first, clauses)) as all_of_it, aclosing(speak(all_of_it, tts, language=spoken_in)) as chunks:
            async for chunk in chunks:
                await ears.chunk(chunk)


async def _announced(clauses: AsyncIterable[str], ears: Ears) -> AsyncGenerator[str]:
    async for clause in clauses:
        ears.clause(clause)
        yield clause
