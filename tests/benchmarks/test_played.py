"""A voice found again in what was played: the words, and the place after a pause to the sample."""

import numpy as np
import pytest
from benchmarks.played import Clause, begins, find, gap_after, words_heard

from multimodal_assistant.core.types import AudioChunk, Samples, SpokenChunk, Word
from multimodal_assistant.processors.playout import Playout

RATE = 24_000
BLOCK = 480


def voice(seconds: float, seed: int) -> Samples:
    """Noise: like nothing else."""
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def clause(asked: float, samples: Samples, *words: Word) -> Clause:
    made = Clause(asked)
    made.add(SpokenChunk(AudioChunk(samples, RATE), "", words), RATE)
    return made


def conversation(playout: Playout, before: float, *, pause_at: float | None = None, pause: float = 0.0, after: float = 1.0) -> Samples:
    """Silence, then the playout block by block, paused once."""
    out = [np.zeros(round(before * RATE), np.float32)]
    played = 0.0
    while played < pause_at if pause_at is not None else played < after:
        out.append(playout.pull(BLOCK))
        played += BLOCK / RATE
    if pause_at is not None:
        playout.pause()
        out += [playout.pull(BLOCK) for _ in range(round(pause * RATE / BLOCK))]
        playout.resume()
        out += [playout.pull(BLOCK) for _ in range(round(after * RATE / BLOCK))]
    return np.concatenate(out)


def playing(*chunks: Samples) -> Playout:
    playout = Playout(RATE)
    for samples in chunks:
        playout.add(SpokenChunk(AudioChunk(samples, RATE), ""))
    return playout


def test_stretch_is_found_at_any_loudness() -> None:
    output = voice(2.0, 1)
    at, likeness = find(output, 0.25 * output[10_000:15_000])
    assert at == 10_000
    assert likeness == pytest.approx(1.0, abs=1e-6)


def test_clause_that_was_not_played_is_not_found() -> None:
    assert begins(voice(2.0, 1), RATE, clause(0.0, voice(1.0, 2)), 0.0, 2.0) is None


def test_words_are_those_of_which_half_sounded() -> None:
    said = voice(2.0, 3)
    words = [Word("one", 0.0, 0.5), Word("two", 0.5, 1.0), Word("three", 1.0, 1.5), Word("four", 1.5, 2.0)]
    output = conversation(playing(said), before=1.0, after=2.0)
    assert words_heard(output, RATE, [clause(0.5, said, *words)], 1.0, 1.0 + 1.3) == ["one", "two", "three"]
    assert words_heard(output, RATE, [clause(0.5, said, *words)], 1.0, 1.0 + 1.2) == ["one", "two"]


def test_pause_keeps_its_place_to_the_sample() -> None:
    said = voice(3.0, 4)
    output = conversation(playing(said), before=1.0, pause_at=1.0, pause=0.6)
    gap = gap_after(output, RATE, [clause(0.5, said)], 1.5, block=BLOCK, longest=3.0)
    assert gap is not None
    assert gap.start == pytest.approx(2.0, abs=0.05)
    assert gap.lost == 0


def test_lost_samples_are_counted() -> None:
    said = voice(3.0, 5)
    output = conversation(playing(said), before=1.0, pause_at=1.0, pause=0.6)
    shorter = np.concatenate([output[: 3 * RATE - 240], output[3 * RATE + 24 :]])  # a second after the beginning of the pause
    gap = gap_after(shorter, RATE, [clause(0.5, said)], 1.5, block=BLOCK, longest=3.0)
    assert gap is not None
    assert gap.lost == 0  # the cut lies behind what is compared
    skipped = conversation(playing(said[:24_000], said[24_100:]), before=1.0, pause_at=1.0, pause=0.6)
    found = gap_after(skipped, RATE, [clause(0.5, said)], 1.5, block=BLOCK, longest=3.0)
    assert found is not None
    assert found.lost == 100


def test_answer_without_a_pause_has_no_gap() -> None:
    output = conversation(playing(voice(3.0, 6)), before=1.0, after=3.0)
    assert gap_after(output, RATE, [], 1.5, block=BLOCK, longest=2.0) is None
