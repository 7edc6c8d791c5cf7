"""Silero: what is speech and what is not, and the memory of a stream."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
from speech_lab import RECORDINGS, recording

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing
from multimodal_assistant.core.types import Samples
from multimodal_assistant.engines.vad.silero import WINDOW, SileroVad
from multimodal_assistant.processors.endpointing import speech_span

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

_SECONDS = 3.0
_TIME = np.arange(round(_SECONDS * SPEECH_RATE)) / SPEECH_RATE

NOT_SPEECH = {
    "silence": np.zeros(len(_TIME), np.float32),
    "faint hiss": (0.001 * np.random.default_rng(1).standard_normal(len(_TIME))).astype(np.float32),
    "loud hiss": (0.2 * np.random.default_rng(2).standard_normal(len(_TIME))).astype(np.float32),
    "hum": (0.3 * np.sin(2 * np.pi * 50 * _TIME)).astype(np.float32),
    "tone": (0.3 * np.sin(2 * np.pi * 440 * _TIME)).astype(np.float32),
}


def windows(samples: Samples) -> list[Samples]:
    return [samples[start : start + WINDOW] for start in range(0, len(samples) - WINDOW + 1, WINDOW)]


@pytest.mark.parametrize("name", RECORDINGS)
async def test_recorded_speech_is_speech(silero: SileroVad, name: str) -> None:
    probabilities = await silero.scan(recording(name).samples)
    assert all(0.0 <= probability <= 1.0 for probability in probabilities)
    assert max(probabilities) > 0.95
    assert np.mean(np.array(probabilities) > 0.5) > 0.5


@pytest.mark.parametrize("name", NOT_SPEECH)
async def test_silence_noise_and_tones_are_not(silero: SileroVad, name: str) -> None:
    probabilities = await silero.scan(NOT_SPEECH[name])
    assert speech_span(probabilities) is None
    assert np.mean(probabilities) < 0.3


async def test_speech_between_two_silences_is_found_where_it_is(silero: SileroVad) -> None:
    speech = recording("librivox-0930.wav").samples
    before, after = np.zeros(2 * SPEECH_RATE, np.float32), np.zeros(SPEECH_RATE, np.float32)
    span = speech_span(await silero.scan(np.concatenate([before, speech, after])))
    assert span is not None
    first, end = span[0] * WINDOW / SPEECH_RATE, span[1] * WINDOW / SPEECH_RATE
    assert 2.0 <= first <= 2.6
    assert len(speech) / SPEECH_RATE + 1.4 <= end <= len(speech) / SPEECH_RATE + 2.2


async def test_window_by_window_equals_the_scan(silero: SileroVad) -> None:
    samples = recording("librivox-0880.wav").samples
    stream = silero.stream()
    assert stream.window == WINDOW
    assert [stream.score(window) for window in windows(samples)] == await silero.scan(samples)


async def test_streams_remember_apart(silero: SileroVad) -> None:
    speech, hiss = recording("librivox-0880.wav").samples, NOT_SPEECH["loud hiss"]
    one, other = silero.stream(), silero.stream()
    heard: list[float] = []
    unheard: list[float] = []
    for voiced, noisy in zip(windows(speech), windows(hiss), strict=False):
        heard.append(one.score(voiced))
        unheard.append(other.score(noisy))
    assert heard == (await silero.scan(speech))[: len(heard)]
    assert unheard == (await silero.scan(hiss))[: len(unheard)]


async def test_a_stream_remembers_what_it_heard(silero: SileroVad) -> None:
    """The same window means another thing after other windows: the state is in use."""
    parts = windows(recording("librivox-0880.wav").samples)
    loudest = max(parts, key=lambda part: float(np.abs(part).max()))
    fresh, seasoned = silero.stream(), silero.stream()
    for part in parts[:40]:
        seasoned.score(part)
    assert fresh.score(loudest) != seasoned.score(loudest)


@pytest.mark.parametrize("length", [0, 1, WINDOW - 1])
async def test_less_than_a_window_gives_nothing(silero: SileroVad, length: int) -> None:
    assert await silero.scan(np.zeros(length, np.float32)) == []


@pytest.fixture
async def cold() -> AsyncIterator[SileroVad]:
    engine = SileroVad()
    yield engine
    await engine.aclose()


async def test_a_stream_needs_a_warm_engine(cold: SileroVad) -> None:
    with pytest.raises(EngineUnavailable):
        cold.stream()


async def test_closing_twice_is_fine_and_streams_need_warming_again(cold: SileroVad) -> None:
    await cold.warm()
    assert cold.stream().score(np.zeros(WINDOW, np.float32)) < 0.5
    await cold.aclose()
    await cold.aclose()
    with pytest.raises(EngineUnavailable):
        cold.stream()


async def test_weights_that_are_missing_or_damaged_say_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("vad")
    missing = SileroVad(model=folder / "none.onnx")
    with pytest.raises(ModelMissing):
        await missing.warm()
    await missing.aclose()
    (folder / "junk.onnx").write_bytes(b"not a model" * 100)
    damaged = SileroVad(model=folder / "junk.onnx")
    with pytest.raises(EngineFailed) as failure:
        await damaged.warm()
    assert "junk.onnx" in failure.value.problem
    assert failure.value.remedy
    await damaged.aclose()
