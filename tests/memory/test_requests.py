"""What asks the memory to forget, and what only sounds like it."""

from datetime import UTC, datetime, timedelta

import pytest

from multimodal_assistant.memory.requests import Forget, forget_request

NOW = datetime(2026, 5, 7, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ("Forget what I said about the xylophone.", "xylophone"),
        ("Please forget everything I told you about my sister!", "sister"),
        ("Could you delete everything you know about Porto?", "porto"),
        ("forget about my trip to Spain", "trip to spain"),
        ("Erase all of what we said about Anna's birthday", "anna's birthday"),
        ("Forget what I\u2019ve said about coffee.", "coffee"),
    ],
)
def test_a_subject_is_to_be_forgotten(said: str, about: str) -> None:
    assert forget_request(said, NOW) == Forget(about=about)


@pytest.mark.parametrize(
    ("said", "ago"),
    [
        ("Forget the last five minutes.", timedelta(minutes=5)),
        ("Please forget what I said in the last hour.", timedelta(hours=1)),
        ("delete the past 10 minutes", timedelta(minutes=10)),
        ("Forget everything from the last two days!", timedelta(days=2)),
        ("Forget the last minute.", timedelta(minutes=1)),
        ("Forget the last couple of hours", timedelta(hours=2)),
    ],
)
def test_a_time_is_to_be_forgotten(said: str, ago: timedelta) -> None:
    assert forget_request(said, NOW) == Forget(since=NOW - ago)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Don't forget about my sister's birthday.",
        "I always forget what she said about it.",
        "Did you forget the last question?",
        "Forget it.",
        "Forget about it.",
        "Forget about that.",
        "Forget everything you know about me.",
        "Forget everything.",
        "Remember what I said about the xylophone.",
        "Forget the last hundred years.",
        "What did I forget about the last five minutes?",
    ],
)
def test_other_words_ask_for_nothing(said: str) -> None:
    assert forget_request(said, NOW) is None
