"""Arithmetic on samples."""

import numpy as np
import pytest

from multimodal_assistant.core.audio import SILENCE_DBFS, audible, dbfs, mono, resample, silence, to_pcm16
from multimodal_assistant.core.types import AudioChunk, Samples

RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000)


def tone(rate: int, *, hertz: float = 440.0, seconds: float = 0.5, level: float = 0.5) -> Samples:
    time = np.arange(round(rate * seconds), dtype=np.float64) / rate
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def pitch(samples: Samples, rate: int) -> float:
    """The loudest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum)) * rate / (8 * len(samples))


def test_mono_keeps_one_channel_as_it_is() -> None:
    samples = tone(8_000)
    assert mono(samples) is samples


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_mono_averages_channels(channels: int) -> None:
    samples = np.repeat(tone(8_000)[:, None], channels, axis=1)
    samples[:, 0] *= 0.5
    mixed = mono(samples)
    assert mixed.shape == (len(samples),)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("target", [16_000, 24_000])
def test_resampling_keeps_duration_pitch_and_level(source: int, target: int) -> None:
    before = AudioChunk(tone(source), source, start=source)
    after = resample(before, target)
    assert after.rate == target
    assert after.samples.dtype == np.float32
    assert after.seconds == pytest.approx(before.seconds, abs=2 / target)
    assert after.start == target
    assert pitch(after.samples, target) == pytest.approx(440.0, abs=1.0)
    assert dbfs(after.samples) == pytest.approx(dbfs(before.samples), abs=0.3)


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    chunk = AudioChunk(tone(16_000), 16_000, start=7)
    assert resample(chunk, 16_000) is chunk


def test_resampling_removes_what_the_lower_rate_cannot_hold() -> None:
    whistle = AudioChunk(tone(48_000, hertz=12_000), 48_000)
    assert dbfs(resample(whistle, 16_000).samples[800:-800]) < -80


def test_resampling_nothing_gives_nothing() -> None:
    assert len(resample(AudioChunk(np.zeros(0, np.float32), 48_000), 16_000).samples) == 0


def test_pcm16_is_symmetric_and_clips() -> None:
    samples = np.array([0.0, 1.0, -1.0, 1.5, -7.0, 0.5, 1 / 65_534], np.float32)
    converted = to_pcm16(samples)
    assert converted.dtype == np.int16
    assert converted.tolist() == [0, 32_767, -32_767, 32_767, -32_767, 16_384, 0]


@pytest.mark.parametrize(
    ("samples", "level"),
    [
        (np.zeros(0, np.float32), SILENCE_DBFS),
        (np.zeros(100, np.float32), SILENCE_DBFS),
        (np.ones(100, np.float32), 0.0),
        (np.full(100, -0.1, np.float32), -20.0),
        (tone(16_000, level=1.0), -3.01),
    ],
)
def test_dbfs(samples: Samples, level: float) -> None:
    assert dbfs(samples) == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize("rate", RATES)
def test_silence_lasts_as_long_as_asked(rate: int) -> None:
    quiet = silence(0.24, rate)
    assert len(quiet) / rate == pytest.approx(0.24, abs=1 / rate)
    assert quiet.dtype == np.float32
    assert not quiet.any()


@pytest.mark.parametrize("rate", RATES)
def test_audible_bounds_hold_the_sound_and_at_most_a_step_of_silence(rate: int) -> None:
    lead, sound, tail = silence(0.3, rate), tone(rate, seconds=0.2), silence(0.4, rate)
    start, end = audible(np.concatenate([lead, sound, tail]), rate)
    step = rate // 200
    assert len(lead) - step < start <= len(lead) + step
    assert len(lead) + len(sound) - step <= end < len(lead) + len(sound) + step


def test_audible_goes_from_the_first_sound_to_the_last() -> None:
    rate = 16_000
    click = tone(rate, seconds=0.01)
    samples = np.concatenate([silence(0.1, rate), click, silence(1.0, rate), click, silence(0.1, rate)])
    assert audible(samples, rate) == (1_600, len(samples) - 1_600)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(30, np.float32), silence(1.0, 16_000)])
def test_nothing_is_audible_in_silence(samples: Samples) -> None:
    assert audible(samples, 16_000) == (len(samples), len(samples))


def test_audible_floor_decides_what_counts() -> None:
    whisper = tone(16_000, level=10 ** (-40 / 20))
    assert audible(whisper, 16_000) == (0, len(whisper))
    assert audible(whisper, 16_000, floor_dbfs=-30) == (len(whisper), len(whisper))
