"""Durations of phonemes → times of words."""

from collections.abc import Sequence

from multimodal_assistant.core.types import Word


def word_times(seconds: Sequence[float], owners: Sequence[int], texts: Sequence[str]) -> tuple[Word, ...]:
    """When each word of `texts` is said.

    seconds: how long each symbol lasts, in order. owners: index into `texts` for each symbol, -1 for pauses and marks. A word without a
    symbol of its own (espeak runs "of the" together) begins and ends where the word before it ends.
    """
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    clock = 0.0
    for duration, owner in zip(seconds, owners, strict=True):
        if owner >= 0:
            starts.setdefault(owner, clock)
            ends[owner] = clock + duration
        clock += duration
    words: list[Word] = []
    for index, text in enumerate(texts):
        before = words[-1].end if words else 0.0
        words.append(Word(text, starts.get(index, before), ends.get(index, before)))
    return tuple(words)


def within(words: Sequence[Word], start: float, end: float, *, first: bool, last: bool) -> tuple[Word, ...]:
    """The words that begin in [start, end), with times counted from `start`.

    The first piece also takes those that begin before it, the last those that begin after; no word outlasts the last piece.
    """
    latest = end - start if last else float("inf")
    return tuple(
        Word(word.text, min(max(word.start - start, 0.0), latest), min(max(word.end - start, 0.0), latest))
        for word in words
        if (first or word.start >= start) and (last or word.start < end)
    )
