"""Speech with gaps: they are as long as ordered, and everything audible is still there."""

import numpy as np
import pytest
from benchmarks.pauses import LEAD_SECONDS, TAIL_SECONDS, marked, opened, room

from multimodal_assistant.core.audio import SPEECH_RATE, audible, dbfs
from multimodal_assistant.core.types import Samples, Word


def tone(seconds: float) -> Samples:
    return (0.2 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE)).astype(np.float32)


def test_marks_become_places() -> None:
    script = marked("I was thinking, um, ~ that we | could go to ~ Rome.")
    assert script.text == "I was thinking, um, that we could go to Rome."
    assert script.breaks == ((3, "filler"), (5, "clause"), (8, "mid-clause"))


@pytest.mark.parametrize("between", [0.0, 0.25])
def test_gap_is_as_long_as_ordered(between: float) -> None:
    speech = np.concatenate([tone(0.5), np.zeros(round(between * SPEECH_RATE), np.float32), tone(0.5)])
    words = [Word("one", 0.0, 0.5), Word("two", 0.5 + between, 1.0 + between)]
    samples, (pause,) = opened(speech, words, [(0, "clause")], [0.7])
    assert pause.end - pause.start == pytest.approx(0.7, abs=0.03)
    inside = samples[round((pause.start + 0.02) * SPEECH_RATE) : round((pause.end - 0.02) * SPEECH_RATE)]
    assert dbfs(inside) < -60
    first, last = audible(samples, SPEECH_RATE)
    assert first / SPEECH_RATE == pytest.approx(LEAD_SECONDS, abs=0.02)
    assert len(samples) / SPEECH_RATE - last / SPEECH_RATE == pytest.approx(TAIL_SECONDS, abs=0.06)


def test_room_is_never_silent() -> None:
    noise = room(SPEECH_RATE, 3)
    assert -64 < dbfs(noise) < -48
    assert np.count_nonzero(noise) > 0.99 * len(noise)
