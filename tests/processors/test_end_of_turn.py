"""How likely the end of a turn is: what each piece of evidence does to it."""

from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.end_of_turn import likelihood

PROBABILITY = st.floats(0.0, 1.0)


@given(PROBABILITY, st.none() | PROBABILITY)
def test_it_is_a_probability(melody: float, sentence: float | None) -> None:
    assert 0.0 < likelihood("Is it?", melody=melody, sentence=sentence) < 1.0


@given(PROBABILITY, PROBABILITY, PROBABILITY)
def test_more_of_either_evidence_never_makes_it_less_likely(melody: float, low: float, high: float) -> None:
    low, high = sorted((low, high))
    assert likelihood("So", melody=melody, sentence=low) <= likelihood("So", melody=melody, sentence=high)
    assert likelihood("So", melody=low, sentence=melody) <= likelihood("So", melody=high, sentence=melody)
    assert likelihood("So", melody=melody, sentence=low, fluent=False) <= likelihood("So", melody=melody, sentence=high, fluent=False)
    assert likelihood("So", melody=low, sentence=None) <= likelihood("So", melody=high, sentence=None)


@given(PROBABILITY, st.none() | PROBABILITY)
def test_a_question_is_likelier_to_be_over(melody: float, sentence: float | None) -> None:
    asked, told = (likelihood(text, melody=melody, sentence=sentence) for text in ("You are.", "Are you? "))
    assert asked < told


def test_words_outweigh_the_melody() -> None:
    assert likelihood("Can you tell me", melody=0.97, sentence=0.001) < 0.1
    assert likelihood("I would like some tea.", melody=0.03, sentence=0.8) > 0.85


def test_words_in_a_language_that_is_hardly_known_say_less_and_the_melody_more() -> None:
    for sentence, less in ((0.9, True), (0.01, False)):
        sure = likelihood("Je voudrais", melody=0.5, sentence=sentence)
        unsure = likelihood("Je voudrais", melody=0.5, sentence=sentence, fluent=False)
        assert (unsure < sure) == less
    low, high = (likelihood("Je voudrais", melody=melody, sentence=0.2, fluent=False) for melody in (0.1, 0.9))
    assert high - low > 0.4


def test_without_words_the_melody_alone_is_never_sure() -> None:
    assert likelihood("Ja.", melody=None, sentence=None) < 0.5
    assert 0.75 < likelihood("Ja.", melody=1.0, sentence=None) < 0.97
