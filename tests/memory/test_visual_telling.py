"""How it is said: where, when, and what was not seen."""

from datetime import UTC, datetime, timedelta

import pytest
from visual_lab import LEFT, MIDDLE, thing

from multimodal_assistant.core.types import Sighting
from multimodal_assistant.memory.visual.requests import Past
from multimodal_assistant.memory.visual.telling import ago, forgetting, found, named, not_found, summary, when
from multimodal_assistant.memory.visual.view import KeptView, Recalled, Why
from multimodal_assistant.processors.scene import POSSIBLE, SURE, Seen, in_words

NOW = datetime(2026, 5, 7, 14, 37, tzinfo=UTC)
PERHAPS = (SURE + POSSIBLE) / 2


def view(minutes: float, *things: Sighting, caption: str = "") -> KeptView:
    at = NOW.timestamp() - 60 * minutes
    seen = Seen(things)
    return KeptView(1, "me", "camera 0", at, at, seen, in_words(seen), caption)


def told(kind: str, minutes: float, *things: Sighting, why: Why = "seen", until: float | None = None) -> str:
    request = Past("whether" if kind == "whether" else "where", "a cup", until=until)
    return found(request, Recalled(view(minutes, *things), why, things), NOW)


def test_where_and_when() -> None:
    assert told("where", 5, thing("cup", LEFT)) == "I saw a cup on the left at 14:32, five minutes ago."
    assert told("whether", 5, thing("cup", LEFT)) == "Yes, I saw a cup on the left at 14:32, five minutes ago."
    assert told("where", 5, thing("cup", LEFT, PERHAPS)) == "I think I saw a cup on the left at 14:32, five minutes ago."
    assert told("whether", 5, thing("cup", LEFT, PERHAPS)).startswith("Perhaps: I think I saw a cup")
    assert told("where", 5, thing("cup", LEFT), thing("cup", MIDDLE)) == "I saw two cups at 14:32, five minutes ago."


def test_what_is_only_like_it_is_said_to_be() -> None:
    assert told("where", 5, thing("book"), why="likeness") == (
        "I am not sure, but it may have been at 14:32, five minutes ago. A book in the middle."
    )
    assert told("where", 5, thing("book"), why="words") == "I saw something of that at 14:32, five minutes ago. A book in the middle."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (50, "a minute ago"),
        (300, "five minutes ago"),
        (53 * 60, "fifty-three minutes ago"),
        (3600, "an hour ago"),
        (5400, "an hour and a half ago"),
        (3 * 3600 + 100, "three hours ago"),
    ],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_days_have_names() -> None:
    def at(**back: float) -> str:
        return when((NOW - timedelta(**back)).timestamp(), NOW)

    assert at(hours=20) == "yesterday at 18:37"
    assert at(hours=29.5) == "yesterday at 9:07"
    assert at(days=3) == "on Monday at 14:37"
    assert at(days=20) == "on 17 April at 14:37"


def test_an_answer_about_a_time_names_that_time() -> None:
    kept = KeptView(1, "me", "c", NOW.timestamp() - 7200, NOW.timestamp(), Seen((thing("cup"),)), "A cup.")
    request = Past("whether", "a cup", NOW.timestamp() - 7000, NOW.timestamp() - 3600)
    assert "at 13:37, an hour ago" in found(request, Recalled(kept, "seen", (thing("cup"),)), NOW)


def test_what_was_not_seen() -> None:
    assert not_found(Past("where", "my phone")) == "I have not seen your phone."
    assert not_found(Past("whether", "dogs", span="today")) == "No, I have not seen a dog today."
    assert named("some apples") == "an apple"
    assert named("the red cup") == "the red cup"
    assert named("people") == "anybody"


def test_a_summary_begins_with_what_was_there_most() -> None:
    views = [view(5, thing("cup"), thing("person")), view(50, thing("person"), thing("person", LEFT)), view(60)]
    assert summary(Past("what", span="this morning"), views, NOW) == "I saw people and a cup this morning, last at 14:32, five minutes ago."
    assert summary(Past("what"), [], NOW) == "I have seen nothing today."
    assert summary(Past("what"), [view(5)], NOW).endswith("but there was nothing that I recognized.")


def test_forgetting_is_confirmed_with_a_number() -> None:
    assert forgetting(0, "") == "I have nothing to forget: I have kept no pictures."
    assert forgetting(1, "today") == "I forget what I have seen today: one picture is deleted."
    assert forgetting(12, "") == "I forget what I have seen: twelve pictures are deleted."
