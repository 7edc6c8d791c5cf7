"""Captions follow the voice, in the words that were written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.captions import Captions
from multimodal_assistant.processors.speakable import speakable


def shown(reply: str, heard: int) -> str:
    captions = Captions()
    captions.advance(reply, heard)
    return captions.so_far(reply)


@pytest.mark.parametrize(
    ("reply", "heard", "text"),
    [
        ("It is nine.", 0, ""),
        ("It is nine.", 2, "It is"),
        ("It is nine.", 3, "It is nine."),
        ("It is nine.", 99, "It is nine."),
        ("In 1947 it moved.", 1, "In"),
        ("In 1947 it moved.", 2, "In"),
        ("In 1947 it moved.", 3, "In 1947"),
        ("In 1947 it moved.", 4, "In 1947 it"),
        ("It costs $5.50 today.", 2, "It costs"),
        ("Hello 😀 there.", 1, "Hello 😀"),
        ("**Yes**, of course.", 1, "**Yes**,"),
        ("", 3, ""),
        ("The cat — a dog — sat.", 3, "The cat — a"),
        ("Yes - no.", 2, "Yes -"),
        ("你好，世界。", 1, "你好，"),
        ("你好，世界。", 2, "你好，世界。"),
    ],
)
def test_what_was_written_of_what_was_heard(reply: str, heard: int, text: str) -> None:
    assert shown(reply, heard) == text


def test_parts_come_as_the_words_are_heard_and_the_text_is_written() -> None:
    captions = Captions()
    assert captions.advance(" One", 0) == ""
    assert captions.advance(" One two", 1) == " One"
    assert captions.advance(" One two", 1) == ""
    assert captions.advance(" One two three four", 3) == " two three"
    assert captions.rest(" One two three four.") == " four."
    assert captions.so_far(" One two three four.") == "One two three four."


WORDS = st.lists(st.sampled_from(["the", "1947", "$5", "Dr.", "cat,", "sat.", "3.14", "😀", "—", "I'm"]), max_size=12)


@given(WORDS, st.integers(0, 40))
def test_no_more_is_shown_than_was_said(parts: list[str], heard: int) -> None:
    reply = " ".join(parts)
    text = shown(reply, heard)
    assert reply.startswith(text)
    assert sum(any(letter.isalnum() for letter in word) for word in speakable(text).split()) <= heard


@given(WORDS, st.lists(st.integers(0, 6), max_size=12))
def test_the_parts_are_the_reply(parts: list[str], steps: list[int]) -> None:
    reply = " ".join(parts)
    captions = Captions()
    heard, told = 0, ""
    for step in steps:
        heard += step
        told += captions.advance(reply, heard)
    assert told + captions.rest(reply) == reply
