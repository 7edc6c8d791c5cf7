"""Late pictures of what was shown before are known by when they were taken, however late they come."""

import pytest

from multimodal_assistant.transports.changeover import ON_ITS_WAY, Changeover

HERE = 5000.0  # our clock, where the sender's is at 0
DELAY = 0.03


@pytest.fixture
def changeover() -> Changeover:
    """After two seconds of pictures, of which every second one took longer, something else is shown."""
    one = Changeover()
    for number in range(20):
        taken = number * 0.1
        assert not one.late(taken, HERE + taken + DELAY + (0.2 if number % 2 else 0))
    one.over(HERE + 2.0)
    return one


@pytest.mark.parametrize("way", [0.01, DELAY, 0.3, 1.9])
def test_what_was_taken_before_is_late(changeover: Changeover, way: float) -> None:
    assert changeover.late(1.99, HERE + 1.99 + way)


@pytest.mark.parametrize("way", [DELAY, 0.3, 1.9])
def test_what_was_taken_after_the_pause_is_not(changeover: Changeover, way: float) -> None:
    assert not changeover.late(2.15, HERE + 2.15 + way)


def test_a_picture_that_came_sooner_than_any_corrects_the_clock(changeover: Changeover) -> None:
    assert changeover.late(2.03, HERE + 2.035)
    assert not changeover.late(2.15, HERE + 2.16)


def test_a_clock_that_was_set_back_shuts_nothing_out_for_long(changeover: Changeover) -> None:
    assert changeover.late(0.0, HERE + 2.2)
    assert not changeover.late(ON_ITS_WAY, HERE + 2.0 + ON_ITS_WAY)


def test_nothing_is_late_where_nothing_was_shown() -> None:
    assert not Changeover().late(0.0, HERE)
