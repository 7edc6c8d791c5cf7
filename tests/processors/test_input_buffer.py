"""The last seconds of what came in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.input_buffer import InputBuffer

RATE = 100


def counted(*sizes: int, seconds: float = 1.0) -> InputBuffer:
    """Sample n holds n."""
    buffer = InputBuffer(RATE, seconds)
    begin = 0
    for size in sizes:
        buffer.append(np.arange(begin, begin + size, dtype=np.float32))
        begin += size
    return buffer


def test_it_gives_what_was_appended_by_its_time() -> None:
    buffer = counted(30, 30)
    assert buffer.now == pytest.approx(0.6)
    assert buffer.between(0.25, 0.35).tolist() == list(range(25, 35))


def test_it_wraps_around() -> None:
    buffer = counted(*[30] * 5)
    assert buffer.between(0.5, 1.5).tolist() == list(range(50, 150))
    assert buffer.between(0.95, 1.05).tolist() == list(range(95, 105))


def test_what_is_older_than_it_keeps_is_left_out() -> None:
    buffer = counted(*[30] * 5)
    assert buffer.between(0.0, 0.6).tolist() == list(range(50, 60))
    assert buffer.between(0.0, 0.4).tolist() == []


def test_what_has_not_come_yet_is_left_out() -> None:
    buffer = counted(30)
    assert buffer.between(0.2, 5.0).tolist() == list(range(20, 30))
    assert buffer.between(1.0, 2.0).tolist() == []


def test_before_the_beginning_there_is_nothing() -> None:
    assert counted(30).between(-3.0, 0.1).tolist() == list(range(10))
    assert counted().between(-1.0, 1.0).tolist() == []


def test_an_end_before_the_start_is_nothing() -> None:
    assert counted(30).between(0.2, 0.1).tolist() == []


def test_a_block_longer_than_all_it_keeps_leaves_its_end_and_moves_the_clock_by_all_of_it() -> None:
    buffer = counted(10, 250)
    assert buffer.now == pytest.approx(2.6)
    assert buffer.between(1.6, 2.6).tolist() == list(range(160, 260))


def test_what_was_given_does_not_change_when_more_comes() -> None:
    buffer = counted(100)
    given_out = buffer.between(0.0, 1.0)
    buffer.append(np.zeros(100, np.float32))
    assert given_out.tolist() == list(range(100))


@given(st.lists(st.integers(0, 150), max_size=12), st.integers(-50, 1900), st.integers(-50, 1900))
def test_any_stretch_is_what_is_kept_of_it(sizes: list[int], start: int, end: int) -> None:
    total = sum(sizes)
    expected = [sample for sample in range(max(total - RATE, 0), total) if start <= sample < end]
    assert counted(*sizes).between(start / RATE, end / RATE).tolist() == expected
