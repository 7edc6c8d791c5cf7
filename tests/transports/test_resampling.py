"""One rate to another, block by block: on time, without a click, and true."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports.resampling import StreamResampler

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
PAIRS = [pair for pair in itertools.product(RATES, RATES) if pair[0] != pair[1]]


def tone(frequency: float, rate: int, seconds: float = 0.5) -> Samples:
    return np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate).astype(np.float32)


def in_blocks(samples: Samples, source: int, target: int, size: int) -> Samples:
    resampler = StreamResampler(source, target)
    return np.concatenate([resampler.push(samples[begin : begin + size]) for begin in range(0, len(samples), size)])


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_tone_stays_that_tone(source: int, target: int) -> None:
    out = in_blocks(tone(1_000, source), source, target, source // 100)
    delay = StreamResampler(source, target).delay
    expected = np.sin(2 * np.pi * 1_000 * (np.arange(len(out)) / target - delay))
    settled = slice(round(target * 0.05), None)
    assert dbfs((out - expected)[settled].astype(np.float32)) < -60


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_block_gives_at_once_what_it_is_worth(source: int, target: int) -> None:
    resampler, received, made = StreamResampler(source, target), 0, 0
    for _ in range(30):
        received += source // 100
        made += len(resampler.push(np.zeros(source // 100, np.float32)))
        assert made == -(-received * target // source)
    assert resampler.delay < 0.004


@given(cuts=st.lists(st.integers(0, 700), max_size=12), pair=st.sampled_from(PAIRS))
@settings(deadline=None, max_examples=40)
def test_how_the_stream_is_cut_makes_no_difference(cuts: list[int], pair: tuple[int, int]) -> None:
    samples = np.random.default_rng(3).standard_normal(2_000).astype(np.float32)
    resampler = StreamResampler(*pair)
    parts = np.split(samples, sorted(cuts))
    np.testing.assert_allclose(np.concatenate([resampler.push(part) for part in parts]), StreamResampler(*pair).push(samples), atol=1e-6)


@pytest.mark.parametrize("source", [44_100, 48_000])
def test_what_the_lower_rate_cannot_hold_is_gone_and_does_not_fold_back(source: int) -> None:
    out = in_blocks(tone(10_000, source), source, 16_000, source // 100)
    assert dbfs(out[800:]) < -60


def test_the_same_rate_is_the_same_samples() -> None:
    samples = tone(440, 48_000)
    np.testing.assert_array_equal(in_blocks(samples, 48_000, 48_000, 480), samples)
    assert StreamResampler(48_000, 48_000).delay == 0
