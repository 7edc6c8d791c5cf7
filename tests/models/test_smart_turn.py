"""Smart Turn: is the sentence over? And its failures."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import numpy as np
import pytest
from speech_lab import only_file, recording, say

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.core.types import Samples
from multimodal_assistant.engines.tts.kokoro import KokoroVoice
from multimodal_assistant.engines.tts.vits import VitsVoice
from multimodal_assistant.engines.turn.smart_turn import SmartTurn

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

SENTENCES = [
    "What is the capital of France?",
    "I would like to book a table for two people tonight.",
    "Can you tell me what the weather is going to be like tomorrow?",
    "My sister bought a new car last week.",
    "Please turn off the light in the kitchen.",
    "How long does it take to cook a potato?",
]
QUIET = np.zeros(round(0.2 * SPEECH_RATE), np.float32)


@pytest.fixture(scope="module")
def detector() -> Iterator[SmartTurn]:
    engine = SmartTurn(model=only_file("smart-turn", "*.onnx"))
    anyio.run(engine.warm)
    yield engine
    anyio.run(engine.aclose)


def cut(speech: Samples, share: float) -> Samples:
    """The beginning of it, and then silence."""
    return np.concatenate([speech[: round(share * len(speech))], QUIET])


async def assert_tells_ends(detector: SmartTurn, voice: VitsVoice | KokoroVoice) -> None:
    whole: list[float] = []
    broken: list[float] = []
    for sentence in SENTENCES:
        speech = (await say(voice, sentence)).samples
        whole.append(await detector.score(np.concatenate([speech, QUIET])))
        broken += [await detector.score(cut(speech, share)) for share in (0.4, 0.6, 0.75)]
    assert all(0.0 <= score <= 1.0 for score in whole + broken)
    assert np.mean(whole) > 0.7
    assert np.mean(whole) > np.mean(broken) + 0.1


async def test_whole_sentences_score_higher_than_broken_off_ones(detector: SmartTurn, joe: VitsVoice) -> None:
    await assert_tells_ends(detector, joe)


async def test_whole_sentences_score_higher_in_another_voice(detector: SmartTurn, kokoro: KokoroVoice) -> None:
    await assert_tells_ends(detector, kokoro)


async def test_only_the_last_eight_seconds_count(detector: SmartTurn) -> None:
    speech = recording("librivox-0930.wav").samples
    hiss = (0.1 * np.random.default_rng(5).standard_normal(20 * SPEECH_RATE)).astype(np.float32)
    long = np.concatenate([hiss, speech])
    assert await detector.score(long) == await detector.score(long[-8 * SPEECH_RATE :])


@pytest.mark.parametrize("length", [0, 1, 200, SPEECH_RATE])
async def test_any_length_has_a_score(detector: SmartTurn, length: int) -> None:
    score = await detector.score(np.full(length, 0.1, np.float32))
    assert 0.0 <= score <= 1.0


async def test_the_same_sound_has_the_same_score(detector: SmartTurn) -> None:
    speech = recording("librivox-0880.wav").samples
    assert await detector.score(speech) == await detector.score(speech)


async def test_a_missing_model_says_so(tmp_path: Path) -> None:
    engine = SmartTurn(model=tmp_path / "none.onnx")
    with pytest.raises(ModelMissing) as failure:
        await engine.warm()
    assert failure.value.problem
    await engine.aclose()


async def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"not a model" * 100)
    engine = SmartTurn(model=tmp_path / "junk.onnx")
    with pytest.raises(EngineFailed) as failure:
        await engine.score(QUIET)
    assert "junk.onnx" in failure.value.problem
    assert failure.value.remedy
    await engine.aclose()


async def test_a_model_for_something_else_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_bytes(only_file("joe", "*.onnx").read_bytes())
    engine = SmartTurn(model=tmp_path / "voice.onnx")
    with pytest.raises(EngineFailed) as failure:
        await engine.score(QUIET)
    assert failure.value.problem
    await engine.aclose()
