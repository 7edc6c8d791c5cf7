"""Which notes answer, in which order, and how surely one does."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.memory.question import Question, read_question
from multimodal_assistant.memory.ranking import Candidate, Corpus, confidence, features, rank
from multimodal_assistant.memory.terms import keys_of

NOW = datetime(2023, 10, 18, 15, 30, tzinfo=UTC)


def candidate(id: str, text: str = "", *, dense: float = 0.3, speaker: str = "", place: int = 0, **rest: str) -> Candidate:
    """A note of these words; by default far from others in its session."""
    keys = keys_of(text, ["Ann", "Ben"])
    return Candidate(
        id=id,
        terms=keys.terms,
        speaker=speaker,
        timestamp=NOW - timedelta(days=100 - place),
        session=rest.get("session", id),
        position=place,
        asks=keys.asks,
        dated=keys.dated,
        dense=dense,
        superseded_by=rest.get("superseded_by", ""),
    )


def asked(text: str) -> Question:
    return read_question(text, ["Ann", "Ben"], NOW)


def corpus(pool: Sequence[Candidate]) -> Corpus:
    return Corpus(len(pool), Counter(term for one in pool for term in set(one.terms)))


def order(text: str, *pool: Candidate) -> list[str]:
    return [one.id for one in rank(asked(text), pool, corpus(pool))]


def test_nothing_to_rank() -> None:
    assert rank(asked("What?"), [], Corpus(0, {})) == []


def test_closeness_of_meaning() -> None:
    assert order("What is it?", candidate("far", dense=0.1), candidate("close", dense=0.6)) == ["close", "far"]


def test_words_in_common_and_rare_ones_most() -> None:
    pool = [candidate("tea", "green tea"), candidate("lake", "lake tea"), candidate("none", "a dog"), candidate("more", "tea")]
    assert order("Is there tea at the lake?", *pool)[0] == "lake"
    assert order("Is there tea at the lake?", *pool)[-1] == "none"


def test_who_said_it() -> None:
    pool = (candidate("ben's", "I like tea", speaker="Ben"), candidate("ann's", "I like tea", speaker="Ann"))
    assert order("Does Ann like tea?", *pool) == ["ann's", "ben's"]
    assert order("Does Ben like tea?", *pool) == ["ben's", "ann's"]


def test_an_answer_comes_before_the_question_it_answers() -> None:
    pool = (
        candidate("question", "Which color is your car?", session="s", place=1),
        candidate("answer", "It has the color of the sea.", session="s", place=2),
        candidate("elsewhere", "It has the color of the sea.", place=9),
    )
    assert order("What color is the car?", *pool) == ["answer", "question", "elsewhere"]


def test_neighbors_count_within_a_session_only() -> None:
    lone = candidate("lone", dense=0.3, session="a", place=2)
    found = {
        name: features(asked("?"), [lone, candidate("n", dense=0.8, session=session, place=place)], Corpus(2, {}))
        for name, session, place in (("next", "a", 3), ("second", "a", 4), ("third", "a", 5), ("other", "b", 3))
    }
    assert {name: (value["near"][0] > 0, value["far"][0] > 0) for name, value in found.items()} == {
        "next": (True, False),
        "second": (False, True),
        "third": (False, False),
        "other": (False, False),
    }


def test_a_long_text_needs_its_neighbors_less() -> None:
    near = [
        features(
            asked("tea?"),
            [candidate("a", "word " * count, session="s"), candidate("b", "tea", session="s", place=1)],
            Corpus(2, {"tea": 1}),
        )
        for count in (5, 500)
    ]
    assert near[0]["near"][0] > near[1]["near"][0] > 0
    assert near[0]["coverage"][0] > near[1]["coverage"][0] > 0


def test_a_time_that_is_asked_for() -> None:
    pool = (candidate("no", "We painted the fence"), candidate("yes", "We painted the fence last week"))
    assert order("When was the fence painted?", *pool)[0] == "yes"


def test_a_time_that_is_named() -> None:
    pool = (candidate("july", "A trip", place=0), candidate("october", "A trip", place=97))
    assert order("What happened in July?", *pool) == ["july", "october"]
    assert order("What happened in October?", *pool) == ["october", "july"]


def test_a_correction_stands_in_for_what_it_corrects() -> None:
    pool = (
        candidate("old", "I work at the mill", dense=0.8, superseded_by="new"),
        candidate("other", "The mill is old", dense=0.5),
        candidate("new", "It is the bakery now", dense=0.1),
    )
    ranked = rank(asked("Where do I work, at the mill?"), pool, corpus(pool))
    assert [one.id for one in ranked] == ["new", "old", "other"]
    assert ranked[0].score == ranked[1].score


def test_the_last_correction_of_several_comes_first() -> None:
    pool = (
        candidate("1", dense=0.9, superseded_by="2"),
        candidate("2", dense=0.2, superseded_by="3"),
        candidate("3", dense=0.3),
        candidate("x", dense=0.8),
    )
    assert order("?", *pool) == ["3", "1", "x", "2"] or order("?", *pool) == ["3", "x", "2", "1"]


def test_corrections_in_a_circle_end() -> None:
    assert sorted(order("?", candidate("a", superseded_by="b"), candidate("b", superseded_by="a"))) == ["a", "b"]


NOTES = st.lists(
    st.builds(
        candidate,
        st.uuids().map(str),
        st.sampled_from(["", "tea at the lake", "Do you like tea?", "We met last week", "lake " * 40, "咖啡"]),
        dense=st.floats(-1, 1),
        speaker=st.sampled_from(["", "Ann", "Ben"]),
        place=st.integers(0, 5),
        session=st.sampled_from(["s", "t"]),
    ),
    max_size=12,
)
QUESTIONS = st.sampled_from(
    ["", "When did Ann drink tea?", "Was I at the lake in July?", "咖啡?", "unheard-of things", "What did you say?"]
)


@given(NOTES, QUESTIONS)
def test_all_of_the_pool_comes_back_once_and_in_order(pool: list[Candidate], text: str) -> None:
    question = asked(text)
    ranked = rank(question, pool, corpus(pool))
    assert sorted(one.id for one in ranked) == sorted(one.id for one in pool)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert 0.0 <= confidence(question, pool, corpus(pool), ranked) <= 1.0


@given(NOTES, QUESTIONS, st.randoms(use_true_random=False))
def test_the_order_of_the_pool_changes_no_score(pool: list[Candidate], text: str, random: Random) -> None:
    pool = list({(one.session, one.position): one for one in pool}.values())
    shuffled = list(pool)
    random.shuffle(shuffled)
    first, second = (rank(asked(text), notes, corpus(pool)) for notes in (pool, shuffled))
    assert {one.id: round(one.score, 9) for one in first} == {one.id: round(one.score, 9) for one in second}


@given(NOTES, QUESTIONS, st.data())
def test_what_is_superseded_never_comes_first(pool: list[Candidate], text: str, data: st.DataObject) -> None:
    later = {one.id: data.draw(st.sampled_from(["", *(other.id for other in pool[index + 1 :])])) for index, one in enumerate(pool)}
    pool = [
        Candidate(
            *(one.id, one.terms, one.speaker, one.timestamp, one.session, one.position, one.asks, one.dated, one.dense),
            superseded_by=later[one.id],
        )
        for one in pool
    ]
    places = {one.id: place for place, one in enumerate(rank(asked(text), pool, corpus(pool)))}
    assert all(places[one.superseded_by] < places[one.id] for one in pool if one.superseded_by)


def sure(text: str, *pool: Candidate) -> float:
    return confidence(asked(text), pool, corpus(pool), rank(asked(text), pool, corpus(pool)))


def test_confidence_in_an_answer_that_is_there() -> None:
    there = candidate("yes", "I painted the fence green", dense=0.7, speaker="Ann")
    others = [candidate(str(number), "a dog", dense=0.1, speaker="Ben") for number in range(12)]
    assert sure("Which color did Ann paint the fence?", there, *others) > 0.5
    assert sure("Which color did Ann paint the fence?", *others) < 0.2
    assert sure("Which color did Ben paint the fence?", there, *others) < sure("Which color did Ann paint the fence?", there, *others)


def test_no_confidence_without_notes() -> None:
    assert sure("What?") == 0.0


@pytest.mark.parametrize("holding", [0, 1, 5, 10, 99])
def test_rarity_is_above_nothing_and_falls(holding: int) -> None:
    rarity = Corpus(10, {"term": holding, "rarer": 0}).rarity
    assert 0 < rarity("term") <= rarity("rarer") == rarity("unheard")
