"""Buckets that fill up with time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.server.limits import Bucket, Buckets, Pace


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(rate=2, burst=3)
    assert [bucket.allows(10.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.allows(10.4)
    assert bucket.allows(10.5)
    assert not bucket.allows(10.9)
    assert [bucket.allows(100.0) for _ in range(4)] == [True, True, True, False]


def test_what_is_taken_on_credit_has_to_be_waited_for() -> None:
    bucket = Bucket(rate=10, burst=5)
    assert bucket.take(0.0, 5) == 0
    assert bucket.take(0.0, 5) == pytest.approx(0.5)
    assert bucket.left(0.5) == pytest.approx(0)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_no_bucket_gives_more_than_its_burst_and_its_rate(gaps: list[float]) -> None:
    bucket, now, given_away = Bucket(rate=3, burst=4), 0.0, 0
    for gap in gaps:
        now += gap
        given_away += bucket.allows(now)
    assert given_away <= 4 + 3 * now + 1e-6


def test_every_client_has_a_bucket_and_the_oldest_is_forgotten() -> None:
    buckets = Buckets(rate=1, burst=1, most=2)
    assert buckets.of("one").allows(0.0)
    assert not buckets.of("one").allows(0.0)
    assert buckets.of("two").allows(0.0)
    assert buckets.of("three").allows(0.0)
    assert buckets.of("one").allows(0.0)


@pytest.mark.anyio
async def test_who_sends_as_people_talk_never_waits() -> None:
    pace = Pace()
    for _ in range(1500):
        await pace.wait(1300)
