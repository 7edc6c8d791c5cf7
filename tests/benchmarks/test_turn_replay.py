"""Recorded traces through the turn rules: what counts as talking into a pause, and when the answer is there."""

import pytest
from benchmarks.cut_ins import interval
from benchmarks.pauses import LEAD_SECONDS, TAIL_SECONDS, Pause, Paused
from benchmarks.traces import WINDOW_SECONDS, Trace, silences
from benchmarks.turn_replay import Costs, latest, plain_vad, point, replay

from multimodal_assistant.pipeline.rules import Rules

COSTS = Costs(words=0.1, score=0.05, reply=0.3)


def trace(*stretches: float) -> Trace:
    """Voice, pause, voice, …, in seconds, after a lead of silence; the detector sees each change at once."""
    at = LEAD_SECONDS
    probabilities = [0.0] * round(at / WINDOW_SECONDS)
    pauses: list[Pause] = []
    scores: dict[int, float] = {}
    texts: dict[int, str] = {}
    for index, seconds in enumerate((*stretches, TAIL_SECONDS)):
        if index % 2:
            pauses.append(Pause(at, at + seconds, "clause", seconds))
            texts[len(probabilities) + 2] = "What time is it?"
            scores[len(probabilities) + 2] = 0.9
        probabilities += [0.0 if index % 2 else 1.0] * round(seconds / WINDOW_SECONDS)
        at += seconds
    end = pauses.pop().start
    turn = Paused("one", "test", "somebody", "", tuple(pauses), end)
    return Trace(turn, tuple(probabilities), scores, {"whisper-base": texts}, {"whisper-base": dict.fromkeys(texts, 0.9)})


def test_pause_shorter_than_the_wait_is_left_alone() -> None:
    outcome = replay(trace(1.0, 0.5, 1.0), plain_vad(0.8), judged=False, costs=COSTS)
    found = point([outcome])
    assert (found.committed, found.heard, found.pauses) == (0, (), 1)
    assert outcome.latency == pytest.approx(0.8, abs=0.05)
    assert outcome.retracted == 1


def test_pause_longer_than_the_wait_is_talked_into() -> None:
    outcome = replay(trace(1.0, 1.2, 1.0), plain_vad(0.8), judged=False, costs=COSTS)
    found = point([outcome])
    assert found.committed == 1
    assert len(found.heard) == 1
    assert found.heard[0] == pytest.approx(0.4 + 0.2, abs=0.1)  # until the voice has been there for 0.2 s


def test_commit_without_sound_is_not_audible() -> None:
    slow = Costs(words=0.1, score=0.05, reply=2.0)
    found = point([replay(trace(1.0, 1.2, 1.0), plain_vad(0.8), judged=False, costs=slow)])
    assert found.committed == 1
    assert found.heard == ()


def test_answer_waits_for_its_draft() -> None:
    slow = Costs(words=0.1, score=0.05, reply=1.0)
    assert replay(trace(1.0), plain_vad(0.3), judged=False, costs=slow).latency == pytest.approx(0.064 + 1.0, abs=0.05)


def test_words_that_may_end_are_answered_sooner() -> None:
    assert replay(trace(1.0), Rules(), costs=COSTS).latency < 0.6


def test_no_answer_counts_as_the_whole_gap() -> None:
    assert replay(trace(1.0), plain_vad(10.0), judged=False, costs=COSTS).latency == TAIL_SECONDS


def test_silences_are_found_by_both_thresholds() -> None:
    assert silences([0.1, 0.9, 0.4, 0.3, 0.45, 0.2, 0.6, 0.1]) == [(3, 6), (7, 8)]
    assert silences([0.1, 0.2]) == []


def test_latest_value_is_of_the_past() -> None:
    assert latest({2: "a", 5: "b"}, 4) == "a"
    assert latest({2: "a"}, 1) is None


def test_interval_holds_the_share() -> None:
    low, high = interval(10, 100)
    assert low < 0.1 < high
    assert interval(0, 0) == (0.0, 1.0)
