"""Asked in French, Spanish or Italian, it answers in a voice of that language, on real weights."""

from collections.abc import Iterator

import anyio
import jiwer
import numpy as np
import pytest
from speech_lab import joined, words

from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.protocols import ManyVoices
from multimodal_assistant.core.types import AudioChunk, SpokenChunk, Transcript
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedVad
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.engines.tts.polyglot import PolyglotVoice
from multimodal_assistant.pipeline.reply import Ears, Engines, Manner, make_reply
from multimodal_assistant.voices import kokoro

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

ANSWERS = {
    "fr": "Paris est la capitale de la France, et c'est une très grande ville.",
    "es": "Madrid es la capital de España y tiene muchos habitantes.",
    "it": "Roma è la capitale dell'Italia ed è una città molto antica.",
    "en": "London is the capital of England, and a very large city.",
}


@pytest.fixture(scope="module")
def voices() -> Iterator[PolyglotVoice]:
    settings = settings_from()
    voice = kokoro(settings, store_of(settings), "af_heart")
    assert isinstance(voice, PolyglotVoice)
    yield voice
    anyio.run(voice.aclose)


@pytest.mark.parametrize("language", ANSWERS)
async def test_the_answer_is_heard_in_its_language(voices: PolyglotVoice, whisper_base: WhisperEngine, language: str) -> None:
    chunks: list[SpokenChunk] = []

    async def heard(chunk: SpokenChunk) -> None:
        chunks.append(chunk)

    ears = Ears(text=lambda _: None, clause=lambda _: None, chunk=heard, written=lambda _: None)
    engines = Engines(ScriptedVad(), ScriptedStt(), ScriptedLlm(replies=(ANSWERS[language],)), voices)
    await make_reply(Transcript("?", language, 1.0, 0.0, 0.0, 1.0), engines, Manner(), (), ears)
    sound = resample(joined(chunks), SPEECH_RATE).samples
    understood = await whisper_base.transcribe(AudioChunk(np.concatenate([sound, np.zeros(4000, np.float32)]), SPEECH_RATE))
    assert understood.language == language
    assert understood.language_probability > 0.7
    assert jiwer.wer(words(ANSWERS[language]), words(understood.text)) <= 0.25


def test_voices_of_all_languages_that_can_be_spelled_are_at_hand(voices: PolyglotVoice) -> None:
    assert isinstance(voices, ManyVoices)
    assert {"en", "es", "fr", "hi", "it", "pt"} == set(voices.voices.values())
    assert len(voices.voices) == 41
