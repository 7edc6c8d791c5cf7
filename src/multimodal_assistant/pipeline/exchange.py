"""One question → one spoken answer: listen, respond and speak, joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from multimodal_assistant.core.events import AudioStarted, EventBus, ReplyFinished, ReplyText, TranscriptFinal
from multimodal_assistant.core.timing import Stopwatch
from multimodal_assistant.core.types import AudioChunk, Message, SpokenChunk, Transcript, Usage

from .listen import listen
from .look import look
from .recollect import recollect
from .reply import Ears, Engines, Manner, make_reply
from .speak import language_of

_TURN = "1"


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
    manner, bus, watch = manner or Manner(), bus or EventBus(), watch or Stopwatch()
    watch.mark("begin")
    if isinstance(question, str):
        language = manner.language or await language_of(engines.tts, question, "en")
        transcript = Transcript(question, language, 1.0, 0.0, 0.0, 0.0)
    else:
        transcript = await listen(question, engines.vad, engines.stt, language=manner.language)
    watch.mark("heard")
    bus.publish(TranscriptFinal(_TURN, transcript, t=watch.elapsed()))
    progress = _Progress(sink, bus, watch)
    recalled = await recollect(manner.memory, transcript.text) or ""
    glance = await look(manner.sight, transcript.text)
    await make_reply(transcript, engines, manner, history, progress.ears, recalled=recalled, glance=glance)
    watch.mark("done")
    reply = "".join(progress.text).strip()
    if manner.memory is not None:
        manner.memory.remember(transcript.text, reply)
    return Answer(transcript, reply, progress.usage, progress.seconds)


class _Progress:
    """Follows a reply in the making: marks the moments, tells the observers, fills the sink."""

    def __init__(self, sink: AudioSink, bus: EventBus, watch: Stopwatch) -> None:
        self._sink = sink
        self._bus = bus
        self._watch = watch
        self.text: list[str] = []
        self.usage: Usage | None = None
        self.seconds = 0.0
        self.ears = Ears(text=self._on_text, clause=self._on_clause, chunk=self._on_chunk, written=self._on_written)

    def _on_text(self, delta: str) -> None:
        self._watch.mark("first_token")
        self.text.append(delta)
        self._bus.publish(ReplyText(_TURN, delta, t=self._watch.elapsed()))

    def _on_clause(self, _clause: str) -> None:
        self._watch.mark("first_clause")

    async def _on_chunk(self, chunk: SpokenChunk) -> None:
        if chunk.audio.seconds and not self.seconds:
            self._watch.mark("first_audio")
            self._bus.publish(AudioStarted(_TURN, t=self._watch.elapsed()))
        self.seconds += chunk.audio.seconds
        await self._sink.write(chunk)

    def _on_written(self, usage: Usage | None) -> None:
        self.usage = usage
        self._bus.publish(ReplyFinished(_TURN, usage, t=self._watch.elapsed()))
