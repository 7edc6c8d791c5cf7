"""What the tests on real weights share: weights of the store, speech to order, words to compare."""

import re
from pathlib import Path

import numpy as np
import pytest

from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.errors import ModelMissing
from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import AudioChunk, SpokenChunk, Transcript
from multimodal_assistant.engines.tts.kokoro import KokoroVoice
from multimodal_assistant.engines.tts.vits import VitsVoice
from multimodal_assistant.transports.file import read_audio

DATA = Path(__file__).parents[1] / "data"

RECORDINGS = {
    "librivox-0880.wav": "he was not an ill disposed young man",
    "librivox-0930.wav": "he might even have been made amiable himself",
}
"""File in tests/data → the words read in it."""


def weights(name: str) -> Path:
    """The folder of a model. One that is missing fails the test with the command that fetches it: nothing is skipped."""
    try:
        return store_of(settings_from()).path(name)
    except ModelMissing as error:
        pytest.fail(str(error), pytrace=False)


def only_file(name: str, pattern: str) -> Path:
    """The one file of a model that looks like `pattern`."""
    (file,) = weights(name).glob(pattern)
    return file


def kokoro_voice(name: str, *, speed: float = 1.0) -> KokoroVoice:
    """One of Kokoro's voices: the same sound for the same words, each time."""
    return KokoroVoice(
        model=only_file("kokoro", "*.onnx"),
        voices=weights("kokoro-voices"),
        cache=settings_from().home / "derived",
        voice=name,
        speed=speed,
    )


def vits_voice() -> VitsVoice:
    """The VITS voice joe. It draws its intonation anew each time: "boil an egg" is a "boil in eight" one time in eight, also
    with Whisper's full context. So what a test asks is asked by Kokoro, whose sound is the same each time."""
    return VitsVoice(model=only_file("joe", "*.onnx"), cache=settings_from().home / "derived")


async def spoken(voice: TextToSpeech, text: str) -> list[SpokenChunk]:
    """All pieces of one clause."""
    return [chunk async for chunk in voice.speak(text)]


def joined(chunks: list[SpokenChunk]) -> AudioChunk:
    """The pieces as one, at the voice's rate."""
    return AudioChunk(np.concatenate([chunk.audio.samples for chunk in chunks]), chunks[0].audio.rate)


async def say(voice: TextToSpeech, text: str) -> AudioChunk:
    """One utterance at 16 kHz, with 0.15 s of silence before and after."""
    speech = resample(joined(await spoken(voice, text)), SPEECH_RATE).samples
    quiet = np.zeros(round(0.15 * SPEECH_RATE), np.float32)
    return AudioChunk(np.concatenate([quiet, speech, quiet]), SPEECH_RATE)


def recording(name: str) -> AudioChunk:
    """A clip of tests/data at 16 kHz."""
    return resample(read_audio(DATA / name), SPEECH_RATE)


def words(text: str) -> str:
    """The words alone: lower case, no punctuation, hyphens as spaces."""
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower().replace("’", "'")))


def assert_in_order(transcript: Transcript) -> None:
    """Word times follow one another and lie within the audio."""
    clock = 0.0
    for word in transcript.words:
        assert clock - 1e-6 <= word.start <= word.end <= transcript.seconds + 1e-6, (word, transcript.seconds)
        clock = word.start
