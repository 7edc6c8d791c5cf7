"""A reply on its way out: to the sample what came in, in the loudness it should have, and the words that were heard of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.core.types import AudioChunk, Samples, SpokenChunk, Word
from multimodal_assistant.processors.playout import DUCKED_GAIN, Playout

RATE = 24_000
FADE = 240
BLOCK = 480


def tone(count: int, start: int = 0) -> Samples:
    """A steady sound; its own largest step is `STEP`."""
    return (0.5 * np.sin(2 * np.pi * 220 * np.arange(start, start + count) / RATE)).astype(np.float32)


STEP = 0.5 * 2 * np.pi * 220 / RATE


def piece(samples: Samples, text: str = "", *words: Word, last: bool = True) -> SpokenChunk:
    return SpokenChunk(AudioChunk(samples, RATE), text, words, last)


def playing(seconds: float = 2.0) -> Playout:
    playout = Playout(RATE)
    playout.add(piece(tone(round(seconds * RATE))))
    playout.finish()
    return playout


def pulled(playout: Playout, count: int, block: int = BLOCK) -> Samples:
    """So many samples, block by block."""
    parts = [playout.pull(min(block, count - begin)) for begin in range(0, count, block)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


# Samples


@given(st.lists(st.integers(0, 700), max_size=8), st.lists(st.integers(0, 900), max_size=12))
def test_what_is_pulled_in_blocks_of_any_size_is_what_was_added(pieces: list[int], blocks: list[int]) -> None:
    samples = tone(sum(pieces))
    playout = Playout(RATE)
    begin = 0
    for size in pieces:
        playout.add(piece(samples[begin : begin + size]))
        begin += size
    out = [playout.pull(size) for size in blocks]
    assert [len(block) for block in out] == blocks
    assert all(block.dtype == np.float32 for block in out)
    joined = np.concatenate([*out, np.zeros(0, np.float32)])
    expected = np.concatenate([samples, np.zeros(len(joined), np.float32)])[: len(joined)]
    np.testing.assert_array_equal(joined, expected)
    assert playout.position == min(len(joined), len(samples))


@given(st.lists(st.one_of(st.integers(1, 600), st.just("add")), max_size=20))
def test_pieces_that_come_while_it_plays_follow_without_a_gap(story: list[int | str]) -> None:
    """Where it runs dry there is silence, and the next piece goes on at its own first sample."""
    playout, sound = Playout(RATE), tone(20 * 500)
    added = position = 0
    for step in story:
        if isinstance(step, str):
            playout.add(piece(sound[added : added + 500]))
            added += 500
            continue
        out = playout.pull(step)
        fits = min(step, added - position)
        np.testing.assert_array_equal(out[:fits], sound[position : position + fits])
        assert not out[fits:].any()
        position += fits


def test_nothing_added_is_silence() -> None:
    playout = Playout(RATE)
    assert not playout.pull(BLOCK).any()
    assert (playout.position, playout.audible, playout.done) == (0, False, False)
    playout.finish()
    assert playout.done


def test_it_is_done_when_all_of_it_has_gone_out() -> None:
    playout = Playout(RATE)
    playout.add(piece(tone(1000)))
    assert playout.audible
    playout.pull(1000)
    assert not playout.audible
    assert not playout.done
    playout.add(piece(tone(1000)))
    playout.finish()
    playout.pull(999)
    assert playout.audible
    assert not playout.done
    playout.pull(1)
    assert playout.done
    assert playout.seconds == pytest.approx(2000 / RATE)


# Loudness


def assert_no_click(*stretches: Samples) -> None:
    """No step is larger than those of the tone itself and of a fade over 10 ms."""
    joined = np.concatenate(stretches)
    assert np.abs(np.diff(joined)).max() <= STEP + 0.5 / FADE + 1e-6


@pytest.mark.parametrize("block", [240, 480, 700, 2400])
@pytest.mark.parametrize("at", [0, 480, 5000, 12_345])
def test_a_pause_fades_out_and_goes_on_at_the_same_sample(at: int, block: int) -> None:
    playout = playing()
    before = pulled(playout, at, block)
    playout.pause()
    during = pulled(playout, 4 * block, block)
    assert playout.position == at
    assert not playout.audible
    assert not during[FADE:].any()
    if at:
        assert_no_click(before, during)
    playout.resume()
    after = pulled(playout, 4800, block)
    np.testing.assert_array_equal(after[FADE:], tone(4800, at)[FADE:])
    assert np.all(np.abs(after) <= np.abs(tone(4800, at)) + 1e-6)
    assert_no_click(during, after)


def test_a_pause_that_ends_before_the_next_block_is_not_heard() -> None:
    playout = playing()
    playout.pause()
    playout.resume()
    np.testing.assert_array_equal(playout.pull(BLOCK), tone(BLOCK))


def test_a_paused_reply_takes_pieces_and_is_not_done() -> None:
    playout = playing()
    pulled(playout, 4800)
    playout.pause()
    playout.add(piece(tone(RATE)))
    pulled(playout, 10 * RATE)
    assert not playout.done
    playout.resume()
    pulled(playout, 3 * RATE - 4800)
    assert playout.done


@pytest.mark.parametrize("block", [1, 7, 100, 240, 480])
def test_ducking_is_12_decibels_over_a_ramp_of_10_ms_whatever_the_blocks(block: int) -> None:
    playout = playing()
    before = pulled(playout, 4800, block)
    playout.duck()
    during = pulled(playout, 4800, block)
    playout.unduck()
    after = pulled(playout, 4800, block)
    assert 20 * np.log10(DUCKED_GAIN) == pytest.approx(-12.0)
    np.testing.assert_allclose(during[FADE:], DUCKED_GAIN * tone(4800, 4800)[FADE:], atol=1e-6)
    np.testing.assert_allclose(after[FADE:], tone(4800, 9600)[FADE:], atol=1e-6)
    assert_no_click(before, during, after)


def test_ducked_and_then_paused_it_resumes_at_full_loudness() -> None:
    playout = playing()
    playout.duck()
    pulled(playout, 4800)
    playout.pause()
    pulled(playout, 4800)
    playout.resume()
    np.testing.assert_array_equal(pulled(playout, 4800)[FADE:], tone(4800, 4800)[FADE:])


def test_what_is_dropped_fades_out_and_is_done() -> None:
    playout = playing()
    before = pulled(playout, 4800)
    playout.drop()
    after = pulled(playout, 4800)
    assert playout.done
    assert not playout.audible
    assert playout.position == 4800
    assert after[: FADE // 2].any()
    assert not after[FADE:].any()
    assert_no_click(before, after)


@given(st.lists(st.sampled_from(["duck", "unduck", "pause", "resume", "pull"]), max_size=40))
def test_whatever_is_done_to_it_no_sample_is_lost_or_clicks(orders: list[str]) -> None:
    playout = playing(4.0)
    out = [playout.pull(BLOCK)]
    for order in orders:
        if order == "pull":
            out.append(playout.pull(BLOCK))
        else:
            getattr(playout, order)()
    playout.resume()
    played = playout.position
    out.append(pulled(playout, 2 * BLOCK))
    np.testing.assert_array_equal(out[-1][FADE:], tone(2 * BLOCK, played)[FADE:])
    assert_no_click(*out)


# Words

TIMED = (Word("One", 0.0, 0.2), Word("two", 0.2, 0.6), Word("three.", 0.7, 1.0))
HEARD = [
    (0.0, ""),
    (0.09, ""),
    (0.11, "One"),
    (0.39, "One"),
    (0.41, "One two"),
    (0.84, "One two"),
    (0.86, "One two three."),
    (1.0, "One two three."),
]
"""(seconds played, words of which at least half has been)."""


@pytest.mark.parametrize(("played", "words"), HEARD)
def test_words_are_heard_when_half_of_them_has_been_played(played: float, words: str) -> None:
    playout = Playout(RATE)
    playout.add(piece(tone(RATE), "One two three.", *TIMED))
    playout.pull(round(played * RATE))
    assert playout.heard() == words
    assert playout.heard_words() == len(words.split())


@pytest.mark.parametrize(("played", "words"), HEARD)
def test_what_is_still_on_the_way_to_the_ear_has_not_been_heard(played: float, words: str) -> None:
    playout = Playout(RATE)
    playout.add(piece(tone(2 * RATE), "One two three.", *TIMED))
    playout.pull(round((played + 0.25) * RATE))
    assert playout.heard(delay=0.25) == words
    assert playout.heard(delay=10.0) == ""


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_the_words_of_a_clause_in_pieces_have_the_times_of_their_pieces(cut: float) -> None:
    playout = Playout(RATE)
    playout.add(piece(tone(RATE)))
    first = [word for word in TIMED if word.start < cut]
    rest = [Word(word.text, word.start - cut, word.end - cut) for word in TIMED if word.start >= cut]
    playout.add(piece(tone(round(cut * RATE)), "One two three.", *first, last=False))
    playout.add(piece(tone(round((1 - cut) * RATE)), "One two three.", *rest))
    position = 0
    for seconds, words in HEARD:
        playout.pull(round((1 + seconds) * RATE) - position)
        position = round((1 + seconds) * RATE)
        assert playout.heard() == words


@pytest.mark.parametrize("pieces", [(1.0,), (0.5, 0.5), (0.1, 0.7, 0.2), (0.99, 0.01)])
def test_words_without_times_are_spread_evenly_over_their_clause(pieces: tuple[float, ...]) -> None:
    playout = Playout(RATE)
    playout.add(piece(tone(RATE // 2)))  # a pause before it
    for index, share in enumerate(pieces):
        playout.add(piece(tone(round(share * RATE)), "a b c d", last=index == len(pieces) - 1))
    playout.pull(RATE // 2)
    heard: list[str] = []
    for _ in range(8):
        playout.pull(RATE // 8 + 1)
        heard.append(playout.heard())
        assert playout.heard_words() == len(heard[-1].split())
    assert heard == ["a", "a", "a b", "a b", "a b c", "a b c", "a b c d", "a b c d"]


def test_a_clause_with_times_and_one_without_do_not_mix() -> None:
    playout = Playout(RATE)
    playout.add(piece(tone(RATE), "One two three.", *TIMED))
    playout.add(piece(tone(RATE // 4)))
    playout.add(piece(tone(RATE), "four five"))
    playout.pull(5 * RATE // 4)
    assert playout.heard() == "One two three."
    playout.pull(RATE // 2)
    assert playout.heard() == "One two three. four"
    playout.pull(RATE)
    assert playout.heard() == "One two three. four five"


def test_what_was_dropped_is_never_heard() -> None:
    playout = Playout(RATE)
    playout.add(piece(tone(RATE), "One two three.", *TIMED))
    playout.pull(RATE // 2)
    playout.drop()
    pulled(playout, 2 * RATE)
    assert playout.heard() == "One two"


@given(st.lists(st.text("abc ", min_size=1, max_size=12), max_size=5), st.integers(0, 4 * RATE))
def test_what_was_heard_is_the_beginning_of_what_was_to_be_said(clauses: list[str], position: int) -> None:
    playout = Playout(RATE)
    for clause in clauses:
        playout.add(piece(tone(9000), clause))
    playout.pull(position)
    words = " ".join(clauses).split()
    heard = playout.heard().split()
    assert heard == words[: len(heard)]
    if position >= 9000 * len(clauses):
        assert heard == words
