"""What is asked of the past, in the words of people."""

from datetime import datetime, timedelta, timezone

import pytest

from multimodal_assistant.memory.visual.requests import past

NOW = datetime(2026, 5, 7, 14, 37, tzinfo=timezone(timedelta(hours=2)))  # a Thursday


@pytest.mark.parametrize(
    ("said", "kind", "thing"),
    [
        ("Where did you last see my cup?", "where", "my cup"),
        ("Where have you seen the red cup last?", "where", "the red cup"),
        ("So, where was my cup when you last saw it?", "where", "my cup"),
        ("Can you tell me where you last saw my bag?", "where", "my bag"),
        ("Where did I leave my keys?", "where", "my keys"),
        ("Where did I put the remote?", "where", "the remote"),
        ("Where are my glasses?", "where", "my glasses"),
        ("Where\u2019s my phone", "where", "my phone"),
        ("Do you know where my phone is?", "where", "my phone"),
        ("When did you last see my phone?", "when", "my phone"),
        ("When was the last time you saw a bus?", "when", "a bus"),
        ("How long ago did you see my cup?", "when", "my cup"),
        ("Can you tell me when you last saw my bag?", "when", "my bag"),
        ("Have you seen my keys anywhere?", "whether", "my keys"),
        ("Did you happen to see a dog?", "whether", "a dog"),
        ("Was anybody here?", "whether", "a person"),
        ("Did anybody come in?", "whether", "a person"),
        ("Who have you seen?", "whether", "people"),
        ("Did you see anybody?", "whether", "a person"),
        ("What have you seen so far?", "what", ""),
        ("Did you see anything?", "what", ""),
        ("Forget what you have seen.", "forget", ""),
        ("Please forget everything you've seen!", "forget", ""),
        ("Delete all the pictures you have kept.", "forget", ""),
        ("Clear your visual memory.", "forget", ""),
    ],
)
def test_requests_are_known(said: str, kind: str, thing: str) -> None:
    found = past(said, NOW)
    assert found is not None
    assert (found.kind, found.thing, found.since, found.until) == (kind, thing, None, None)


@pytest.mark.parametrize(
    "said",
    [
        "What do you see?",
        "Do you see my cup?",
        "Where is the cup?",
        "Where is Paris?",
        "Did you see that?",
        "Have you seen this?",
        "Did you see the movie?",
        "Have you seen the news?",
        "Where did you go?",
        "Where were you born?",
        "When did Rome fall?",
        "Forget what I said about the cup.",
        "Forget everything.",
        "Delete the pictures of my sister from the album on my computer.",
        "What did you say?",
        "I have not seen my cup.",
        "",
    ],
)
def test_other_words_are_not(said: str) -> None:
    assert past(said, NOW) is None


@pytest.mark.parametrize(
    ("said", "span", "since", "until"),
    [
        ("Did you see a dog today?", "today", "05-07 00:00", "05-08 00:00"),
        ("Today, did you see a dog?", "today", "05-07 00:00", "05-08 00:00"),
        ("What did you see yesterday?", "yesterday", "05-06 00:00", "05-07 00:00"),
        ("Have you seen a dog in the last hour?", "in the last hour", "05-07 13:37", "05-07 14:37"),
        ("Did you see my cup within the past twenty minutes?", "within the past twenty minutes", "05-07 14:17", "05-07 14:37"),
        ("What did you see an hour ago?", "an hour ago", "05-07 13:07", "05-07 14:07"),
        ("Was somebody here this morning?", "this morning", "05-07 04:00", "05-07 12:00"),
        ("Was somebody here yesterday evening?", "yesterday evening", "05-06 17:00", "05-07 00:00"),
        ("Did you see a cat last night?", "last night", "05-06 18:00", "05-07 05:00"),
        ("What did you see on Monday?", "on Monday", "05-04 00:00", "05-05 00:00"),
        ("Forget what you have seen in the last five minutes.", "in the last five minutes", "05-07 14:32", "05-07 14:37"),
        ("Did you just now see a bird?", "just now", "05-07 14:35", "05-07 14:37"),
    ],
)
def test_times_are_those_that_are_meant(said: str, span: str, since: str, until: str) -> None:
    found = past(said, NOW)
    assert found is not None
    assert found.span == span
    assert found.since is not None
    assert found.until is not None
    assert f"{datetime.fromtimestamp(found.since, NOW.tzinfo):%m-%d %H:%M}" == since
    assert f"{datetime.fromtimestamp(found.until, NOW.tzinfo):%m-%d %H:%M}" == until


def test_what_may_be_in_view_now_is_marked() -> None:
    for said, now in (("Where are my keys?", True), ("Have you seen my keys?", True), ("Have you seen my keys today?", False)):
        found = past(said, NOW)
        assert found is not None
        assert found.now is now
