"""The parts of the benchmarks that only reckon: waits by the sound, growth of memory, made-up noises, the caller's ear."""

import numpy as np
import pytest
from benchmarks.cut_ins import interval
from benchmarks.endurance import Usage, slope
from benchmarks.interjections import noise
from benchmarks.peers.caller import Ear
from benchmarks.questions import script, waits

from multimodal_assistant.core.audio import SPEECH_RATE, audible

RATE = 24_000


def test_wait_is_from_the_end_of_the_question_to_the_first_sound() -> None:
    output = np.zeros(10 * RATE, np.float32)
    output[round(2.5 * RATE) : 3 * RATE] = 0.1
    assert waits(output, RATE, [2.0, 6.0], 3.0) == [pytest.approx(0.5, abs=0.006), 3.0]


def test_questions_end_where_they_are_last_heard() -> None:
    question = np.concatenate([0.1 * np.ones(SPEECH_RATE, np.float32), np.zeros(SPEECH_RATE // 2, np.float32)])
    made = script([question, question], gap=2.0)
    assert made.ends[1] - made.ends[0] == pytest.approx(3.5)
    assert made.ends[0] == pytest.approx(1.8)
    assert np.count_nonzero(made.recording.samples) > 0.99 * len(made.recording.samples)


def test_growth_is_that_of_the_settled_part() -> None:
    grown = [Usage(at=10.0 * step, memory=1000 if step < 6 else 1000 + step, busy=0.0) for step in range(20)]
    assert slope(grown, settled=60.0) == pytest.approx(6.0, abs=0.01)
    assert np.isnan(slope(grown[:2], settled=0.0))


@pytest.mark.parametrize("kind", ["cough", "clap", "door", "hum"])
def test_noises_are_heard_and_differ(kind: str) -> None:
    one, other = noise(kind, 1), noise(kind, 2)
    assert audible(one, SPEECH_RATE)[0] < len(one)
    assert 0.05 < np.max(np.abs(one)) <= 0.5
    assert len(one) != len(other) or not np.allclose(one, other)


def test_ear_plays_silence_where_nothing_has_come() -> None:
    ear = Ear()
    assert not ear.play(480).any()


def test_interval_narrows() -> None:
    few, many = interval(1, 10), interval(100, 1000)
    assert many[1] - many[0] < few[1] - few[0]
