"""Packets with holes → blocks without."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.transports.arrivals import Arrivals

RATE, PACKET = 48_000, 960


def packet(value: float = 0.5) -> np.ndarray:
    return np.full(PACKET, value, np.float32)


def test_a_packet_becomes_a_block_at_once() -> None:
    arrivals = Arrivals(RATE)
    for index in range(50):
        arrivals.push(packet(), index * PACKET, index * 0.02)
        (block,) = arrivals.blocks(index * 0.02)
        assert (block.start, len(block.samples), block.rate) == (index * 320, 320, SPEECH_RATE)
        assert index == 0 or np.allclose(block.samples, 0.5, atol=1e-3)


def test_a_hole_is_filled_and_a_late_packet_dropped() -> None:
    arrivals = Arrivals(RATE)
    for number in (0, 1, 4, 2, 5):
        arrivals.push(packet(), number * PACKET, number * 0.02)
    blocks = arrivals.blocks(0.1)
    assert len(blocks) == 6
    loudness = [float(np.max(np.abs(block.samples))) for block in blocks]
    assert loudness[3] < 0.2, "what is lost is silence"
    assert min(loudness[i] for i in (0, 1, 4, 5)) > 0.4


def test_who_sends_nothing_is_silent_from_a_quarter_of_a_second_on() -> None:
    arrivals = Arrivals(RATE)
    arrivals.push(packet(), 0, 0.0)
    assert len(arrivals.blocks(0.0)) == 1
    assert arrivals.blocks(0.24) == []
    assert len(arrivals.blocks(0.26)) == 13, "what was waited for is made up for"
    assert len(arrivals.blocks(0.281)) == 1


def test_a_packet_that_was_taken_for_lost_does_not_make_the_silence_twice_as_long() -> None:
    arrivals = Arrivals(RATE)
    arrivals.push(packet(), 0, 0.0)
    arrivals.blocks(0.0)
    silent = len(arrivals.blocks(0.4))
    arrivals.push(packet(), 20 * PACKET, 0.4)
    assert len(arrivals.blocks(0.4)) == 1
    assert silent == 20


def test_a_clock_that_jumps_is_followed() -> None:
    arrivals = Arrivals(RATE)
    arrivals.push(packet(), 0, 0.0)
    arrivals.push(packet(), 10_000_000, 0.02)
    arrivals.push(packet(), 10_000_000 + PACKET, 0.04)
    assert len(arrivals.blocks(0.04)) == 3


def test_what_nobody_takes_does_not_grow_without_end() -> None:
    arrivals = Arrivals(RATE)
    for index in range(2000):
        arrivals.push(packet(), index * PACKET, index * 0.02)
    assert sum(block.seconds for block in arrivals.blocks(40.0)) == pytest.approx(30, abs=0.1)


@given(st.lists(st.tuples(st.integers(-3, 5), st.floats(0, 0.5)), max_size=60))
def test_blocks_are_whole_and_without_a_gap_whatever_comes(steps: list[tuple[int, float]]) -> None:
    arrivals, stamp, now, position = Arrivals(RATE), 0, 0.0, 0
    for jump, wait in steps:
        stamp += jump * PACKET
        now += wait
        arrivals.push(packet(), stamp, now)
        for block in arrivals.blocks(now):
            assert (block.start, len(block.samples)) == (position, 320)
            position += 320
