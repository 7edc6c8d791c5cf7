"""A recording → what was said in it, with scripted engines."""

import numpy as np
import pytest
from scenes import HearingStt, recording

from multimodal_assistant.core.errors import NoSpeech
from multimodal_assistant.core.types import AudioChunk
from multimodal_assistant.engines.scripted import ScriptedVad
from multimodal_assistant.pipeline.listen import listen

pytestmark = pytest.mark.anyio

WINDOW = 512 / 16_000


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
async def test_the_recognizer_gets_the_speech_and_a_fifth_of_a_second_around_it_at_16_khz(rate: int) -> None:
    stt = HearingStt(texts=("Turn it on.",))
    question = recording((1.0, False), (0.5, True), (1.5, False), rate=rate)
    transcript = await listen(question, ScriptedVad(), stt, language="de")
    ((audio, language),) = stt.heard
    assert (audio.rate, language) == (16_000, "de")
    assert 1.0 - 0.2 - WINDOW <= audio.start / 16_000 <= 1.0 - 0.2 + WINDOW
    assert 1.5 + 0.2 - WINDOW <= audio.end / 16_000 <= 1.5 + 0.2 + WINDOW
    assert (transcript.text, transcript.language) == ("Turn it on.", "de")


async def test_speech_that_fills_the_recording_is_kept_whole() -> None:
    stt = HearingStt()
    question = recording((1.0, True), rate=16_000)
    await listen(question, ScriptedVad(), stt)
    ((audio, language),) = stt.heard
    assert (audio.start, language) == (0, None)
    np.testing.assert_array_equal(audio.samples, question.samples)


async def test_pauses_between_words_stay_in() -> None:
    stt = HearingStt()
    question = recording((0.5, False), (0.3, True), (1.0, False), (0.3, True), (0.5, False))
    await listen(question, ScriptedVad(), stt)
    assert stt.heard[0][0].seconds == pytest.approx(1.6 + 0.4, abs=2 * WINDOW)


@pytest.mark.parametrize(
    "question",
    [
        recording((2.0, False)),
        recording((0.5, False), (0.03, True), (0.5, False)),  # a click
        recording((0.01, True), rate=16_000),  # shorter than one window
        AudioChunk(np.zeros(0, np.float32), 16_000),
    ],
    ids=["silence", "click", "short", "empty"],
)
async def test_without_speech_the_recognizer_is_not_asked(question: AudioChunk) -> None:
    stt = HearingStt()
    with pytest.raises(NoSpeech) as caught:
        await listen(question, ScriptedVad(), stt)
    assert stt.heard == []
    assert caught.value.problem == f"No speech was found in {question.seconds:.1f} s of audio."
    assert caught.value.remedy


async def test_a_voice_without_words_is_no_speech() -> None:
    with pytest.raises(NoSpeech, match="no words") as caught:
        await listen(recording((1.0, True)), ScriptedVad(), HearingStt(texts=("",)))
    assert caught.value.remedy
