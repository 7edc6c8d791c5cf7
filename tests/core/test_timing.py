"""The stopwatch, on a clock of the test."""

import time
from collections.abc import Callable

from multimodal_assistant.core.timing import Stopwatch


def clock(*moments: float) -> Callable[[], float]:
    """A clock that shows these times one after the other."""
    return iter(moments).__next__


def test_moments_are_measured_from_the_start() -> None:
    watch = Stopwatch(clock(100.0, 100.5, 102.0))
    watch.mark("heard")
    watch.mark("spoken")
    assert watch.at("heard") == 0.5
    assert watch.at("spoken") == 2.0
    assert watch.between("heard", "spoken") == 1.5
    assert watch.between("spoken", "heard") == -1.5


def test_the_first_time_counts() -> None:
    watch = Stopwatch(clock(0.0, 1.0, 2.0))
    watch.mark("token")
    watch.mark("token")
    assert watch.at("token") == 1.0


def test_a_moment_that_never_came_is_none() -> None:
    watch = Stopwatch(clock(0.0, 1.0))
    watch.mark("heard")
    assert watch.at("spoken") is None
    assert watch.between("heard", "spoken") is None
    assert watch.between("spoken", "heard") is None


def test_elapsed_runs_on() -> None:
    watch = Stopwatch(clock(10.0, 11.0, 13.0))
    assert [watch.elapsed(), watch.elapsed()] == [1.0, 3.0]


def test_the_clock_of_the_machine_is_the_default() -> None:
    before = time.perf_counter()
    watch = Stopwatch()
    watch.mark("now")
    at = watch.at("now")
    assert at is not None
    assert 0 <= at <= time.perf_counter() - before
