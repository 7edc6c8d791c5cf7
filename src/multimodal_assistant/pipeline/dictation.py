"""Sound that is a turn because somebody says so → the words of it, in the history, where an answer may wait for them."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
from anyio.abc import TaskGroup

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.deadline import deadline
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import SpeechToText
from multimodal_assistant.core.types import AudioChunk, Samples, Transcript

from .listen import PATIENCE

log = logging.getLogger(__name__)


class Dictation:
    """note: gets the words. tell: publishes events. clock: seconds of input so far."""

    def __init__(
        self, stt: SpeechToText, note: Callable[[str], None], tell: Callable[[ev.Event], None], clock: Callable[[], float]
    ) -> None:
        self._stt = stt
        self._note = note
        self._tell = tell
        self._clock = clock
        self._taken = 0
        self._last: anyio.Event | None = None

    def take(self, tasks: TaskGroup, samples: Samples, language: str | None, expected: str | None) -> str:
        """Understand `samples` (16 kHz) after those taken before; the correlation id of what comes of it.

        language, expected: see `core.protocols.SpeechToText`.
        """
        self._taken += 1
        turn = f"taken{self._taken}"
        before, self._last = self._last, anyio.Event()
        understand = partial(self._stt.transcribe, AudioChunk(samples, SPEECH_RATE), language=language, expected=expected)
        tasks.start_soon(self._understand, turn, understand, before, self._last, name=f"dictation {turn}")
        return turn

    async def settled(self) -> None:
        """Wait until all that was taken is understood."""
        if self._last is not None:
            await self._last.wait()

    async def _understand(
        self, turn: str, understand: Callable[[], Awaitable[Transcript]], before: anyio.Event | None, done: anyio.Event
    ) -> None:
        if before is not None:
            await before.wait()
        try:
            with deadline(PATIENCE, "Speech recognition"):
                transcript = await understand()
            self._note(transcript.text)
            self._tell(ev.TranscriptFinal(turn, transcript, t=self._clock()))
        except AssistantError as error:
            log.warning("a turn could not be understood: %s", error)
            self._tell(ev.TranscriptFailed(turn, error.problem, error.remedy, t=self._clock()))
        finally:
            done.set()
