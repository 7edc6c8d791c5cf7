"""Clause → speech in the voice that suits its language, or in one that is asked for; voices are opened when they are first needed."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

import anyio

from multimodal_assistant.core.engine_pool import EnginePool
from multimodal_assistant.core.errors import UnknownName, leaf
from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import Details, SpokenChunk
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.language import likelier, load

MOST_OPEN = 1
"""Other voices that stay open while nobody speaks with them: each is a model of its own, of some 300 MB."""

_FEWEST_WORDS = 2


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
        self._others = EnginePool(make, MOST_OPEN)
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
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._main.warm)
                if self._native:
                    tasks.start_soon(self._worker.call, load)
        except BaseExceptionGroup as group:
            raise leaf(group) from group

    async def aclose(self) -> None:
        await self._others.aclose()
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
        return _Other(self, self._others, name)

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


class _Other:
    """One of the other voices: says what it is given by the engine that `pool` has open under its name. main: whose it is one."""

    def __init__(self, main: PolyglotVoice, pool: EnginePool[TextToSpeech], name: str) -> None:
        self._main = main
        self._pool = pool
        self._name = name

    @property
    def details(self) -> Details:
        return {**self._main.details, "voice": self._name, "language": self._main.voices[self._name]}

    @property
    def rate(self) -> int:
        return self._main.rate

    async def warm(self) -> None:
        if not self._pool.has(self._name):
            async with self._pool.using(self._name) as engine:
                await engine.warm()

    async def aclose(self) -> None:
        """It belongs to the pool."""

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        async with self._pool.using(self._name) as engine, aclosing(engine.speak(text)) as chunks:
            async for chunk in chunks:
                yield chunk
