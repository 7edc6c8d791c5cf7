"""One answer in the making: silent and without effect until it is committed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.deadline import deadline
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.timing import Stopwatch
from multimodal_assistant.core.types import AudioChunk, Glance, Message, Samples, SpokenChunk, ToolCall, Transcript, Usage
from multimodal_assistant.processors.playout import Playout

from .listen import PATIENCE
from .look import look
from .recollect import Recollection
from .reply import Ears, Engines, Manner, make_reply
from .speak import language_of


class Draft:
    """The answer to what `heard` holds (16 kHz, up to the pause that began at `speech_end` seconds).

    history: what the model reads instead of the conversation so far, where something else is asked for.
    """

    def __init__(
        self, revision: int, heard: Samples, speech_end: float, rate: int, manner: Manner, history: tuple[Message, ...] | None = None
    ) -> None:
        self.revision = revision
        self.manner = manner
        self.history = history
        self.speech_end = speech_end
        self.scope = anyio.CancelScope()
        self.playout = Playout(rate)
        self.transcript: Transcript | None = None
        self.recalled = ""
        """Memories that bear on it, one to a line."""
        self.glance = Glance()
        """What is in view."""
        self.reading = False
        """The model reads the conversation: what is said from now on comes after this answer."""
        self.usage: Usage | None = None
        self.calls: tuple[ToolCall, ...] = ()
        """What the model asks for."""
        self.watch = Stopwatch()
        self.made = False
        """Written and spoken to its end, as far as it will be."""
        self.sounding = False
        """Its first sample has gone out."""
        self.error: AssistantError | None = None
        """An engine failed before all of it was made."""
        self._heard = heard
        self._committed = anyio.Event()
        self._text: list[str] = []
        self._tell: Callable[[str], None] | None = None

    @classmethod
    def unasked(cls, now: float, rate: int, manner: Manner, history: tuple[Message, ...] | None, language: str) -> "Draft":
        """An answer to no words of the voice: to what was written, or to open the conversation."""
        draft = cls(0, np.zeros(0, np.float32), now, rate, manner, history)
        draft.transcript = Transcript("", language, 1.0, 0.0, 0.0, 0.0)
        return draft

    @property
    def text(self) -> str:
        """The reply as far as it is written."""
        return self.written.strip()

    @property
    def written(self) -> str:
        """The same with the space around it."""
        return "".join(self._text)

    def commit(self, tell: Callable[[str], None]) -> None:
        """Let it sound; `tell` hears the text written so far and every further piece."""
        self._tell = tell
        for piece in self._text:
            tell(piece)
        self._committed.set()

    async def listen(self, engines: Engines, expected: str | None) -> Transcript:
        """Transcribe what was heard. expected: the language of the turns before."""
        audio = AudioChunk(self._heard, SPEECH_RATE)
        with deadline(PATIENCE, "Speech recognition"):
            self.transcript = await engines.stt.transcribe(audio, language=self.manner.language, expected=expected)
            self.watch.mark("stt")
            return self.transcript

    async def gather(self, recollection: Recollection, engines: Engines, history: Sequence[Message]) -> None:
        """Find what is remembered about what was said, or was written last, and what is in view; and in which language that was written."""
        written = history[-1].text if history and history[-1].role == "user" else ""
        if self.transcript is None:
            raise RuntimeError("nothing has been understood")
        if written and not self.transcript.text and self.manner.language is None:
            language = await language_of(engines.tts, written, self.transcript.language)
            self.transcript = replace(self.transcript, language=language)
        said = " ".join(filter(None, (written, self.transcript.text)))
        if self.history is None:  # an answer about something else than this conversation gets nothing from others
            self.recalled = await recollection.settle(self.manner.memory, said)
        self.watch.mark("recalled")
        self.glance = await look(self.manner.sight, said)
        self.watch.mark("looked")

    async def answer(self, engines: Engines, history: Sequence[Message]) -> None:
        """Write and speak the reply into the playout; past the first clause only once it is committed."""
        if self.transcript is None:
            raise RuntimeError("nothing has been understood")
        self.reading = True
        ears = Ears(
            text=self._on_text,
            clause=lambda _: self.watch.mark("clause"),
            chunk=self._on_chunk,
            written=self._on_written,
            calls=self._on_calls,
            looked=self._on_looked,
        )
        try:
            await make_reply(
                self.transcript,
                engines,
                self.manner,
                history if self.history is None else self.history,
                ears,
                recalled=self.recalled,
                glance=self.glance,
            )
        finally:
            self.made = True
            self.playout.finish()

    def _on_text(self, delta: str) -> None:
        self.watch.mark("token")
        self._text.append(delta)
        if self._tell is not None:
            self._tell(delta)

    def _on_written(self, usage: Usage | None) -> None:
        self.usage = usage

    def _on_calls(self, calls: tuple[ToolCall, ...]) -> None:
        self.calls += calls

    def _on_looked(self, glance: Glance) -> None:
        self.glance = glance

    async def _on_chunk(self, chunk: SpokenChunk) -> None:
        self.watch.mark("audio")
        self.playout.add(chunk)
        if chunk.last:
            await self._committed.wait()

    def stages(self, committed: float | None, first_sound: float) -> dict[str, float | None]:
        """Milliseconds of each stage; `committed` and `first_sound` are seconds after the end of speech."""
        watch = self.watch

        def ms(seconds: float | None) -> float | None:
            return None if seconds is None else round(1000 * seconds, 1)

        return {
            "stt": ms(watch.at("stt")),
            "end_of_sentence": ms(watch.between("stt", "judged")),
            "recall": ms(watch.between("judged", "recalled")),
            "look": ms(watch.between("recalled", "looked")),
            "llm_first_token": ms(watch.between("looked", "token")),
            "llm_first_clause": ms(watch.between("token", "clause")),
            "tts_first_audio": ms(watch.between("clause", "audio")),
            "draft": ms(watch.at("audio")),
            "committed": ms(committed),
            "first_audio": ms(first_sound),
        }
