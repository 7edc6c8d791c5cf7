"""Clause → speech in the voice that suits its language, or in one that is asked for; voices are opened when they are first needed."""

import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import anyio

from multimodal_assistant.core.errors import UnknownName
from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import Details, SpokenChunk
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.language import likelier, load

log = logging.getLogger(__name__)

MOST_OPEN = 1
"""Other voices that stay open while nobody speaks with them: each is a model of its own, of some 300 MB."""


_FEWEST_WORDS = 2


@dataclass
class _Open:
    engine: TextToSpeech
    speaking: int = 0


class PolyglotVoice:
    """A `core.protocols.ManyVoices` over voices of one sample rate. Where nothing else is asked for it is `main`, and costs nothing more.

    voices: name → language (ISO 639-1), of all that `make` can make. native: language → the name of the voice that answers in it.
    """

    def __init__(
        self, *, main: TextToSpeech, voices: Mapping[str, str], native: Mapping[str, str], make: Callable[[str], TextToSpeech]
    ) -> None:
        self._main = main
        self._voices = dict(voices)
        self._native = dict(native)
        self._make = make
        self._others: dict[str, _Open] = {}  # the one that spoke last at the end
        self._worker = Worker("language")

    @property
    def details(self) -> Details:
        return self._main.details

    @property
    def rate(self) -> int:
        return self._main.rate

    @property
    def voices(self) -> Mapping[str, str]:
        """See `core.protocols.ManyVoices`."""
        return self._voices

    async def warm(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._main.warm)
            if self._native:
                tasks.start_soon(self._worker.call, load)

    async def aclose(self) -> None:
        others, self._others = self._others, {}
        for other in others.values():
            await other.engine.aclose()
        await self._worker.aclose()
        await self._main.aclose()

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        async with aclosing(self._main.speak(text)) as chunks:
            async for chunk in chunks:
                yield chunk

    def voice(self, name: str) -> TextToSpeech:
        """See `core.protocols.ManyVoices`."""
        if name == self._main.details["voice"]:
            return self._main
        if name not in self._voices:
            raise UnknownName(f"There is no voice {name!r}.", f"Voices: {', '.join(sorted(self._voices))}.")
        return _Other(self, name)

    async def language_of(self, text: str, otherwise: str) -> str:
        """See `core.protocols.ManyVoices`. One word alone tells too little."""
        among = {self._main.details["language"], otherwise, *self._native}
        if not self._native or len(text.split()) < _FEWEST_WORDS:
            return otherwise
        return await self._worker.call(lambda: likelier(text, among, otherwise))

    async def fitting(self, text: str, language: str) -> TextToSpeech:
        """See `core.protocols.ManyVoices`. A voice has one language, and reads any other with a heavy accent."""
        own = self._main.details["language"]
        native = self._native.get(language)
        if native is None or language == own:
            return self._main
        found = await self._worker.call(lambda: likelier(text, {own, language}, language))
        return self._main if found == own else self.voice(native)

    @asynccontextmanager
    async def using(self, name: str) -> AsyncGenerator[TextToSpeech]:
        """That voice, open as long as the block lasts and perhaps longer."""
        other = self._others.pop(name, None) or _Open(self._make(name))
        self._others[name] = other
        other.speaking += 1
        try:
            yield other.engine
        finally:
            other.speaking -= 1
            with anyio.CancelScope(shield=True):
                await self._close_idle()

    async def _close_idle(self) -> None:
        idle = [name for name, other in self._others.items() if not other.speaking]
        for name in idle[: max(len(self._others) - MOST_OPEN, 0)]:
            log.info("The voice %s is put away.", name)
            await self._others.pop(name).engine.aclose()


class _Other:
    """One of the other voices: says what it is given by the engine that `shelf` has open under its name."""

    def __init__(self, shelf: PolyglotVoice, name: str) -> None:
        self._shelf = shelf
        self._name = name

    @property
    def details(self) -> Details:
        return {**self._shelf.details, "voice": self._name, "language": self._shelf.voices[self._name]}

    @property
    def rate(self) -> int:
        return self._shelf.rate

    async def warm(self) -> None:
        async with self._shelf.using(self._name) as engine:
            await engine.warm()

    async def aclose(self) -> None:
        """It belongs to the shelf."""

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        async with self._shelf.using(self._name) as engine, aclosing(engine.speak(text)) as chunks:
            async for chunk in chunks:
                yield chunk
