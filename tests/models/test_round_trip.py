"""Text → voice → recognizer → the same words: what the voices say can be understood."""

import jiwer
import pytest
from speech_lab import kokoro_voice, say, words

from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.engines.tts.vits import VitsVoice

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

SENTENCES = {
    "af_heart": (
        "The weather is warm and sunny today.",
        "We walked along the river until it was dark.",
        "Music makes the long evening shorter.",
        "Nobody knew the answer to her question.",
    ),
    "am_michael": (
        "Could you tell me what time it is?",
        "There are seven days in a week.",
        "He opened the window and looked outside.",
        "The bus stops in front of the library.",
    ),
    "bf_emma": (
        "My sister bought a new car last week.",
        "The children are playing in the garden.",
        "The bread is on the kitchen table.",
    ),
    "bm_george": (
        "Please close the door when you leave.",
        "I would like a cup of coffee with milk.",
        "Winter is colder than summer in Norway.",
    ),
}
"""Kokoro voice, two American and two British → what it says."""

ALL = tuple(sentence for sentences in SENTENCES.values() for sentence in sentences)


async def understood(voice: TextToSpeech, sentences: tuple[str, ...], whisper: WhisperEngine) -> list[str]:
    """What the recognizer makes of each sentence."""
    return [words((await whisper.transcribe(await say(voice, sentence))).text) for sentence in sentences]


def exact(sentences: tuple[str, ...], heard: list[str]) -> int:
    """How many came back word for word."""
    return sum(words(sentence) == text for sentence, text in zip(sentences, heard, strict=True))


def word_errors(sentences: tuple[str, ...], heard: list[str]) -> float:
    """Word error rate over all of them together."""
    return jiwer.wer([words(sentence) for sentence in sentences], heard)


async def test_kokoro_is_understood(whisper_base: WhisperEngine) -> None:
    heard: list[str] = []
    for name, sentences in SENTENCES.items():
        voice = kokoro_voice(name)
        heard += await understood(voice, sentences, whisper_base)
        await voice.aclose()
    assert exact(ALL, heard) >= 12, heard  # 13 of 14 where this was written
    assert word_errors(ALL, heard) <= 0.02, heard


async def test_joe_is_understood(joe: VitsVoice, whisper_base: WhisperEngine) -> None:
    """This voice draws its intonation anew every time, so a word may be lost now and then; most sentences come back whole."""
    sentences = ALL[:10]
    heard = await understood(joe, sentences, whisper_base)
    assert exact(sentences, heard) >= 7, heard  # 8 to 10 where this was written
    assert word_errors(sentences, heard) <= 0.08, heard
