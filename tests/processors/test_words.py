"""What single words say about a turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.words import asks_to_stop, is_backchannel, trails_off, words_of

WORDS: list[tuple[str, list[str]]] = [
    ("", []),
    ("Hello, World!", ["hello", "world"]),
    ("I'm fine", ["i'm", "fine"]),
    ("I’m fine", ["i'm", "fine"]),
    ("uh-huh", ["uh-huh"]),
    ("- Yes.", ["yes"]),
    ("-stop", ["stop"]),
    ("wait-", ["wait"]),
    ("'tis' so", ["tis", "so"]),
    (" - ", []),
    ("...", []),
    ("[BLANK_AUDIO]", []),
    ("(coughs) yes", ["yes"]),
    ("*sighs* well", ["well"]),
    ("Grüße, 42 Äpfel", ["grüße", "42", "äpfel"]),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_words_are_lower_case_and_without_marks(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "I would like tea and",
        "So",
        "um",
        "Well, uh...",
        "I think it’s",
        "I went there,",
        "Because of the",
        "To be or not to be –",
        "let's",
        "And…",
    ],
)
def test_a_sentence_that_wants_another_word_trails_off(text: str) -> None:
    assert trails_off(text)


@pytest.mark.parametrize("text", ["", "...", "What is it like?", "And?", "I want to!", "Stop.", "It is nine.", "Thank you"])
def test_a_question_a_whole_sentence_or_nothing_does_not(text: str) -> None:
    assert not trails_off(text)


@pytest.mark.parametrize(
    "text",
    [
        "mm-hm",
        "Mm-hmm.",
        "Uh-huh!",
        "yeah",
        "Yeah, right.",
        "oh wow",
        "I see.",
        "Got it.",
        "okay okay okay",
        "",
        "[cough]",
        "- Yeah.",
    ],
)
def test_what_listeners_say_is_a_backchannel(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "yeah but I actually wanted",
        "okay stop",
        "Rome",
        "no",
        "right now please",
        "why",
        "I think so",
    ],
)
def test_a_word_of_ones_own_is_not(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "Stop!",
        "umm okay stop",
        "Umm, okay, stop.",
        "wait wait",
        "Hold on, hold on",
        "Never mind.",
        "No.",
        "- No.",
        "nope",
        "No, no.",
        "be quiet",
    ],
)
def test_wishes_for_silence_are_heard_alone_and_after_hesitation(text: str) -> None:
    assert asks_to_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yeah",
        "no problem with that",
        "tell me where the bus stop is",
        "I know",
        "holding on to it",
    ],
)
def test_other_words_are_no_wish_for_silence(text: str) -> None:
    assert not asks_to_stop(text)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert all(word == word.lower() for word in words_of(text))
    judged = (trails_off(text), is_backchannel(text), asks_to_stop(text))
    if not words_of(text):
        assert judged == (False, True, False)
    assert not (is_backchannel(text) and asks_to_stop(text))
