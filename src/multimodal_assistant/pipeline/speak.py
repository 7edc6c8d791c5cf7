"""A text stream → audio, clause by clause."""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing

from multimodal_assistant.core.audio import silence
from multimodal_assistant.core.deadline import within
from multimodal_assistant.core.protocols import ManyVoices, TextToSpeech
from multimodal_assistant.core.types import AudioChunk, SpokenChunk
from multimodal_assistant.processors.sentences import FIRST_ENOUGH, SentenceBuffer
from multimodal_assistant.processors.speakable import speakable

PATIENCE = 20.0
"""Seconds that a voice may take for its next piece."""

_PAUSE_SECONDS = {
    ",": 0.10,
    ";": 0.16,
    ":": 0.16,
    ".": 0.24,
    "!": 0.24,
    "?": 0.26,
    "…": 0.30,
    "。": 0.24,
    "！": 0.24,
    "？": 0.26,
    "、": 0.10,
    "，": 0.10,
}
"""Silence after a piece, by the mark it ends with."""


async def pieces(texts: AsyncIterable[str], *, first_words: int = FIRST_ENOUGH) -> AsyncGenerator[str]:
    """Cut a text stream into what is spoken in one breath: a short first clause, of so many words if it can end there, then sentences."""
    buffer = SentenceBuffer(first_words=first_words)
    async for text in texts:
        for piece in buffer.feed(text):
            yield piece
    for piece in buffer.flush():
        yield piece


async def speak(clauses: AsyncIterable[str], tts: TextToSpeech, *, language: str = "en") -> AsyncGenerator[SpokenChunk]:
    """Say every clause, with a pause between two that fits the mark between them.

    The pauses are chunks without words. A clause with nothing to say (a lone emoji) is left out.
    """
    pause = 0.0
    async for clause in clauses:
        text = speakable(clause, language)
        if not text:
            continue
        async with aclosing(within(tts.speak(text), PATIENCE, "The voice")) as chunks:
            async for chunk in chunks:
                if pause:
                    yield SpokenChunk(AudioChunk(silence(pause, tts.rate), tts.rate), "")
                    pause = 0.0
                yield chunk
        pause = _PAUSE_SECONDS.get(text[-1], 0.0)


async def voice_for(tts: TextToSpeech, wanted: str, text: str, language: str) -> TextToSpeech:
    """Who says an answer that begins with `text` to a question in `language`: the voice that is wanted, or the one that suits it."""
    if not isinstance(tts, ManyVoices):
        return tts
    return tts.voice(wanted) if wanted else await tts.fitting(text, language)


async def language_of(tts: TextToSpeech, written: str, otherwise: str) -> str:
    """What language somebody writes in, as far as voices make a difference."""
    return await tts.language_of(written, otherwise) if isinstance(tts, ManyVoices) else otherwise


async def expect_answer(tts: TextToSpeech, wanted: str, said: str, language: str) -> None:
    """Somebody says this: see that the voice that will answer is loaded, which another one than that of `tts` may not be."""
    voice = await voice_for(tts, wanted, said, language)
    if voice.details != tts.details:
        await voice.warm()


async def chain(first: str, rest: AsyncIterable[str]) -> AsyncGenerator[str]:
    """One piece, and those after it."""
    yield first
    async for piece in rest:
        yield piece
