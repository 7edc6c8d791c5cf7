"""The spectrogram that Whisper-like models read, against the one of faster-whisper."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from multimodal_assistant.core.types import Samples
from multimodal_assistant.processors.log_mel import BANDS, HOP, RATE, log_mel

_TIME = np.arange(2 * RATE) / RATE
_CHANCE = np.random.default_rng(7)

SOUNDS: dict[str, Samples] = {
    "hiss": (0.1 * _CHANCE.standard_normal(len(_TIME))).astype(np.float32),
    "tone": (0.5 * np.sin(2 * np.pi * 440 * _TIME)).astype(np.float32),
    "sweep": (0.5 * np.sin(2 * np.pi * (100 + 1800 * _TIME) * _TIME)).astype(np.float32),
    "half silent": (0.2 * _CHANCE.standard_normal(len(_TIME)) * (_TIME > 1)).astype(np.float32),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_it_is_the_spectrogram_of_the_reference(name: str) -> None:
    expected = FeatureExtractor(feature_size=BANDS)(SOUNDS[name], padding=0)
    found = log_mel(SOUNDS[name])
    assert found.dtype == np.float32
    assert found.shape == expected.shape == (BANDS, len(_TIME) // HOP)
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("name", SOUNDS)
def test_normalized_it_is_that_of_the_normalized_waveform(name: str) -> None:
    sound = SOUNDS[name]
    normal = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    np.testing.assert_allclose(log_mel(0.1 * sound + 0.3, normalize=True), log_mel(normal), atol=5e-2)


@pytest.mark.parametrize("length", [160, 161, 319, 320, 400, 16_000, 16_001])
def test_there_is_a_frame_for_every_10_ms(length: int) -> None:
    assert log_mel(_CHANCE.standard_normal(length).astype(np.float32)).shape == (BANDS, length // 160)


def test_silence_is_flat_and_finite() -> None:
    for normalize in (False, True):
        quiet = log_mel(np.zeros(RATE, np.float32), normalize=normalize)
        assert np.isfinite(quiet).all()
        assert np.ptp(quiet) == 0.0


@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_a_tone_is_loudest_in_the_band_that_holds_it(hertz: int) -> None:
    bands = log_mel((0.5 * np.sin(2 * np.pi * hertz * _TIME)).astype(np.float32)).mean(axis=1)
    lower, higher = (log_mel((0.5 * np.sin(2 * np.pi * other * _TIME)).astype(np.float32)).mean(axis=1) for other in (hertz / 2, hertz * 2))
    assert int(lower.argmax()) < int(bands.argmax()) < int(higher.argmax())


def test_the_range_is_eight_decades() -> None:
    found = log_mel(SOUNDS["half silent"])
    assert np.ptp(found) == pytest.approx(8.0 / 4.0, abs=1e-4)
