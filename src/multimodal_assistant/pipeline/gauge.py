"""How long each stage takes on this machine, models warm, and what latency to expect of them together."""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.protocols import LanguageModel, SpeechToText, TextToSpeech
from multimodal_assistant.core.types import AudioChunk
from multimodal_assistant.processors.sentences import FIRST_ENOUGH

from .respond import respond
from .rules import Rules
from .speak import pieces

QUESTION = "What is the capital of France?"

_MOST_SECONDS, _MOST_RUNS = 2.0, 7
_DETECTED = 0.09  # seconds from the last sound to the detector's first silent window (Silero, median)
_JUDGED = 0.03  # seconds that the end-of-sentence model takes from the reply


def voice_to_voice(stt: float, clause: float, tts: float) -> float:
    """Seconds from the last sound of a question to the first of its answer: the draft, or the silence that commits it."""
    rules = Rules()
    draft = _DETECTED + rules.soft_pause + stt + _JUDGED + clause + tts
    return max(_DETECTED + rules.tiers[0][1], draft)


async def spoken(tts: TextToSpeech, text: str = QUESTION) -> AudioChunk:
    """`text` in this machine's own voice, at 16 kHz."""
    async with aclosing(tts.speak(text)) as chunks:
        said = [chunk.audio.samples async for chunk in chunks]
    return resample(AudioChunk(np.concatenate(said), tts.rate), SPEECH_RATE)


async def gauge_stt(stt: SpeechToText, question: AudioChunk) -> float:
    """Seconds to transcribe `question`."""
    return await _typical(lambda: stt.transcribe(question))


async def gauge_llm(llm: LanguageModel, *, system: str, first_words: int = FIRST_ENOUGH) -> tuple[float, float]:
    """Seconds to the first token and to the first clause of a reply, the standing instruction being in the prefix cache."""
    times = [await _written(llm, system, first_words) for _ in range(_MOST_RUNS)]
    token, clause = (statistics.median(one) for one in zip(*times, strict=True))
    return token, clause


async def gauge_tts(tts: TextToSpeech) -> float:
    """Seconds to the first sound of a clause."""

    async def first_sound() -> None:
        async with aclosing(tts.speak(QUESTION)) as chunks:
            async for _ in chunks:
                return

    return await _typical(first_sound)


async def _typical(stage: Callable[[], Awaitable[object]]) -> float:
    """Median seconds of a stage, over two seconds or seven runs."""
    taken: list[float] = []
    while len(taken) < _MOST_RUNS and sum(taken) < _MOST_SECONDS:
        start = time.perf_counter()
        await stage()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


async def _written(llm: LanguageModel, system: str, first_words: int) -> tuple[float, float]:
    start = time.perf_counter()
    first_token = 0.0

    async def texts() -> AsyncIterator[str]:
        nonlocal first_token
        async with aclosing(respond(QUESTION, llm, system=system, max_tokens=24)) as deltas:
            async for delta in deltas:
                if delta.text:
                    first_token = first_token or time.perf_counter() - start
                    yield delta.text

    clauses = [time.perf_counter() - start async for _ in pieces(texts(), first_words=first_words)]
    return first_token, clauses[0] if clauses else time.perf_counter() - start
