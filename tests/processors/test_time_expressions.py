"""English time expressions, seen from a Wednesday in October."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.time_expressions import Window, tells_time, windows

NOW = datetime(2023, 10, 18, 15, 30, tzinfo=UTC)


def days(text: str, now: datetime = NOW) -> list[tuple[str, str]]:
    """First and last day of each window."""
    return [(f"{window.start:%Y-%m-%d}", f"{window.end - timedelta(days=1):%Y-%m-%d}") for window in windows(text, now)]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("What did I do yesterday?", "2023-10-17", "2023-10-17"),
        ("the day before yesterday", "2023-10-16", "2023-10-16"),
        ("today", "2023-10-18", "2023-10-18"),
        ("Tomorrow", "2023-10-19", "2023-10-19"),
        ("last night", "2023-10-17", "2023-10-17"),
        ("last week", "2023-10-09", "2023-10-15"),
        ("this week", "2023-10-16", "2023-10-22"),
        ("next week", "2023-10-23", "2023-10-29"),
        ("last weekend", "2023-10-14", "2023-10-15"),
        ("last month", "2023-09-01", "2023-09-30"),
        ("this year", "2023-01-01", "2023-12-31"),
        ("last Friday", "2023-10-13", "2023-10-13"),
        ("on Wednesday", "2023-10-11", "2023-10-11"),
        ("this Friday", "2023-10-20", "2023-10-20"),
        ("next Wednesday", "2023-10-25", "2023-10-25"),
        ("three days ago", "2023-10-15", "2023-10-15"),
        ("two weeks ago", "2023-10-01", "2023-10-07"),
        ("a couple of months ago", "2023-08-01", "2023-08-31"),
        ("a year ago", "2022-01-01", "2022-12-31"),
        ("the last three weeks", "2023-09-27", "2023-10-18"),
        ("in May", "2023-05-01", "2023-05-31"),
        ("in December", "2022-12-01", "2022-12-31"),
        ("last October", "2022-10-01", "2022-10-31"),
        ("next May", "2024-05-01", "2024-05-31"),
        ("February 2020", "2020-02-01", "2020-02-29"),
        ("on 7 May 2023", "2023-05-07", "2023-05-07"),
        ("7th of May, 2023", "2023-05-07", "2023-05-07"),
        ("on May 7th", "2023-05-07", "2023-05-07"),
        ("Nov. 3", "2022-11-03", "2022-11-03"),
        ("29 February", "2020-02-29", "2020-02-29"),
        ("2023-05-07", "2023-05-07", "2023-05-07"),
        ("in 2022", "2022-01-01", "2022-12-31"),
        ("in the 90s", "1990-01-01", "1999-12-31"),
        ("this summer", "2023-06-01", "2023-08-31"),
        ("last winter", "2022-12-01", "2023-02-28"),
        ("in the fall", "2023-09-01", "2023-11-30"),
        ("summer of 2022", "2022-06-01", "2022-08-31"),
        ("between May and July 2023", "2023-05-01", "2023-07-31"),
        ("from 3 May to 7 May 2022", "2022-05-03", "2022-05-07"),
        ("since June", "2023-06-01", "2023-10-18"),
        ("after the summer", "2023-09-01", "2023-10-18"),
        ("before August 2023", "1900-01-01", "2023-07-31"),
    ],
)
def test_one_span(text: str, first: str, last: str) -> None:
    assert days(text) == [(first, last)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "You may go",
        "march on",
        "fall in love",
        "spring to mind",
        "31 June 2023",
        "9999 years ago",
        "room 12",
        "call 5551234",
        "second",
    ],
)
def test_no_span(text: str) -> None:
    assert windows(text, NOW) == ()


def test_spans_come_in_their_order() -> None:
    assert days("Was it in June 2023, or on 3 July, 2023?") == [("2023-06-01", "2023-06-30"), ("2023-07-03", "2023-07-03")]


def test_a_span_is_in_the_zone_of_the_moment() -> None:
    east = timezone(timedelta(hours=9))
    (window,) = windows("yesterday", NOW.astimezone(east))
    assert window == Window(datetime(2023, 10, 18, tzinfo=east), datetime(2023, 10, 19, tzinfo=east))
    assert NOW not in window
    assert NOW - timedelta(hours=2) in window


@pytest.mark.parametrize("text", ["We met yesterday", "since 2016", "in May", "two days ago", "next Friday", "last summer", "I just moved"])
def test_words_of_time(text: str) -> None:
    assert tells_time(text)


@pytest.mark.parametrize("text", ["", "I like tea", "Monsters", "room 12"])
def test_no_words_of_time(text: str) -> None:
    assert not tells_time(text)


PIECES = """last next this the past two 3 a couple of few weeks month years days ago before since after between and to in on from
    May march 7 31 30th 2023 1999 Friday summer fall 90s , - . 2023-02-30""".split()


@given(st.lists(st.sampled_from(PIECES), max_size=10).map(" ".join), st.datetimes(datetime(1901, 1, 1), datetime(2199, 1, 1)))
def test_any_words_give_spans_that_begin_before_they_end(text: str, now: datetime) -> None:
    assert all(window.start < window.end for window in windows(text, now.replace(tzinfo=UTC)))


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    windows(text, NOW)
    tells_time(text)
