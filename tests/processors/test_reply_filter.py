"""Thoughts and code blocks are not heard, however they are cut into deltas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.reply_filter import ReplyFilter


def passed(text: str, size: int) -> str:
    reply = ReplyFilter()
    return "".join(reply.feed(text[start : start + size]) for start in range(0, len(text), size)) + reply.flush()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Plain text, 3 < 4 and a > b.", "Plain text, 3 < 4 and a > b."),
        ("<think>He wants\ntea.</think>Tea?", "Tea?"),
        ("<Thinking >a < b</ThInKiNg>Yes.", "Yes."),
        ("Wait<think>for ``` it</think> here", "Wait here"),
        ("<think>never closed. Really", ""),
        ("So</think> it is", "So it is"),
        ("The tag `<think>` opens it", "The tag `<think>` opens it"),
        ("<thin ice> and <thinker>", "<thin ice> and <thinker>"),
        ("almost <thin", "almost <thin"),
        ("Do this:\n```python\nx = 1\n```\nDone.", "Do this:\n\n\nDone."),
        ("Inline ```x = 1``` too", "Inline \n too"),
        ("````\n```\nx\n```\n````\nAfter", "\n\nAfter"),
        ("~~~\nx\n~~~\nAfter", "\n\nAfter"),
        ("Bye~~~ see you", "Bye~~~ see you"),
        ("```\nopen end <think>", ""),
        ("Some `code` and ``more``", "Some `code` and ``more``"),
        ("ends with ``", "ends with ``"),
        ("ends with ```", "ends with "),
        ("", ""),
    ],
)
def test_what_goes_through(text: str, heard: str, size: int) -> None:
    assert passed(text, size) == heard


def test_text_is_not_held_back_longer_than_needed() -> None:
    reply = ReplyFilter()
    assert reply.feed("Good ev") == "Good ev"
    assert reply.feed("ning <") == "ning "
    assert reply.feed("b") == "<b"


def test_it_starts_afresh_after_a_flush() -> None:
    reply = ReplyFilter()
    assert reply.feed("<think>hmm") + reply.flush() == ""
    assert reply.feed("Hello") + reply.flush() == "Hello"


def test_a_long_thought_is_not_kept() -> None:
    assert passed("<think>" + "no " * 40_000 + "</think>yes", 1000) == "yes"


PARTS = st.sampled_from(["<think>", "</think>", "<", "</", "thin", "think", ">", "```", "``", "`", "~~~", "~", "\n", " ", "a", "bc"])


@given(st.lists(PARTS, max_size=14).map("".join), st.integers(1, 7))
def test_the_result_does_not_depend_on_the_deltas(text: str, size: int) -> None:
    assert passed(text, size) == passed(text, len(text) or 1)
