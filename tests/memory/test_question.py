"""What a question asks for."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.memory.question import read_question

NOW = datetime(2023, 10, 18, 15, 30, tzinfo=UTC)
SPEAKERS = ["", "assistant", "Ann", "Ben Cole", "Will"]


@pytest.mark.parametrize(
    ("text", "speaker", "certainty"),
    [
        ("What did Ann paint?", "Ann", 1.0),
        ("What color is Ann's car?", "Ann", 1.0),
        ("Where does Ben live?", "Ben Cole", 1.0),
        ("Where does Ben Cole live?", "Ben Cole", 1.0),
        ("where does ben live", "Ben Cole", 1.0),
        ("will it rain", None, 0.0),
        ("Will it rain?", None, 0.0),
        ("What will Will do?", "Will", 1.0),
        ("What do Ann and Ben have in common?", None, 0.0),
        ("Which city have both Ann, at last, and Ben visited?", None, 0.0),
        ("What did Ann say about Ben's dog?", "Ann", 0.5),
        ("What does Ben's sister think of Ann?", "Ann", 0.5),
        ("When did I start my job?", "", 1.0),
        ("Do you remember where I live?", "", 1.0),
        ("Do you remember when I called Ann?", "Ann", 1.0),
        ("What did you recommend?", "Robo", 1.0),
        ("Who was my assistant?", "", 1.0),
        ("Who likes tea?", None, 0.0),
        ("Annie is who?", None, 0.0),
    ],
)
def test_whose_words_are_asked_for(text: str, speaker: str | None, certainty: float) -> None:
    question = read_question(text, SPEAKERS, NOW, assistant="Robo")
    assert (question.speaker, question.certainty) == (speaker, certainty)


@pytest.mark.parametrize(
    ("text", "embedded"),
    [
        ("What did Ann tell Ben Cole about Clara's paintings?", "What did you tell you about Clara's paintings?"),
        ("What color is Ann's car, or ann's?", "What color is your car, or ann's?"),
        ("Will it rain?", "Will it rain?"),
        ("did ann paint", "did you paint"),
    ],
)
def test_speakers_are_addressed(text: str, embedded: str) -> None:
    assert read_question(text, SPEAKERS, NOW).embedded == embedded


def test_names_of_speakers_are_no_terms() -> None:
    assert read_question("What did Ann tell Ben about Clara's paintings?", SPEAKERS, NOW).terms == ("tell", "clara", "paint")


def test_each_term_once() -> None:
    assert read_question("Is tea better than green tea?", (), NOW).terms == ("tea", "better", "green")


@pytest.mark.parametrize("text", ["When did it rain?", "what year was it", "How long is it?", "Which day suits?"])
def test_a_time_is_asked_for(text: str) -> None:
    assert read_question(text, (), NOW).asks_when


@pytest.mark.parametrize("text", ["Where was it?", "What happened last week?", ""])
def test_no_time_is_asked_for(text: str) -> None:
    assert not read_question(text, (), NOW).asks_when


def test_the_time_that_is_named() -> None:
    (window,) = read_question("What did Ann do in May?", SPEAKERS, NOW).windows
    assert (window.start, window.end) == (datetime(2023, 5, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC))


@given(st.text(max_size=80), st.lists(st.text(max_size=8), max_size=4))
def test_any_text_and_any_names(text: str, speakers: list[str]) -> None:
    question = read_question(text, speakers, NOW)
    assert 0.0 <= question.certainty <= 1.0
    assert (question.speaker is None) == (question.certainty == 0.0)
    assert len(set(question.terms)) == len(question.terms)
