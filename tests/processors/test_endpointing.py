"""Where speech is in a recording."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.endpointing import OFF, ON, speech_span

TABLE: list[tuple[list[float], tuple[int, int] | None]] = [
    ([], None),
    ([0.1] * 20, None),
    ([0.9] * 20, (0, 20)),
    ([0.1] * 5 + [0.9] * 5 + [0.1] * 5, (5, 10)),
    ([0.1] * 5 + [0.9] * 2 + [0.1] * 5, None),
    ([0.1] * 5 + [0.9] * 3 + [0.1] * 5, (5, 8)),
    ([0.9] * 3 + [0.4] * 4 + [0.1], (0, 7)),
    ([0.4] * 10, None),
    ([0.45] * 4 + [0.5] * 3 + [0.35] * 2 + [0.34], (4, 9)),
    ([0.9] * 4 + [0.1] * 9 + [0.9] * 4 + [0.1], (0, 17)),
    ([0.9] * 4 + [0.1] * 9 + [0.9] * 2 + [0.1], (0, 4)),
    ([0.9] * 2 + [0.1] * 9 + [0.9] * 4, (11, 15)),
]


@pytest.mark.parametrize(("probabilities", "span"), TABLE)
def test_speech_is_from_its_first_window_to_its_last(probabilities: list[float], span: tuple[int, int] | None) -> None:
    assert speech_span(probabilities) == span


@pytest.mark.parametrize("least", [1, 2, 5])
def test_how_short_a_click_is_can_be_said(least: int) -> None:
    assert speech_span([0.1] + [0.9] * (least - 1) + [0.1], least=least) is None
    assert speech_span([0.1] + [0.9] * least + [0.1], least=least) == (1, 1 + least)


@given(st.lists(st.floats(0.0, 1.0), max_size=60), st.integers(1, 5))
def test_a_span_begins_with_voice_and_nothing_but_clicks_is_left_out(probabilities: list[float], least: int) -> None:
    span = speech_span(probabilities, least=least)
    if span is None:
        return
    first, end = span
    assert 0 <= first < first + least <= end <= len(probabilities)
    assert probabilities[first] >= ON
    assert probabilities[end - 1] >= OFF
    assert end == len(probabilities) or probabilities[end] < OFF
