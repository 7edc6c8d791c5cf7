"""A text stream → audio, with scripted engines."""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing

import pytest

from multimodal_assistant.core.types import SpokenChunk
from multimodal_assistant.engines.scripted import ScriptedTts
from multimodal_assistant.pipeline.speak import pieces, speak

pytestmark = pytest.mark.anyio


async def stream(texts: Iterable[str]) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def said(*clauses: str, language: str = "en") -> tuple[ScriptedTts, list[SpokenChunk]]:
    tts = ScriptedTts(word_seconds=0.05)
    async with aclosing(speak(stream(clauses), tts, language=language)) as chunks:
        return tts, [chunk async for chunk in chunks]


TEXT = "Well yes, I can do that for you. Shall I begin? It takes 3.5 minutes."


@pytest.mark.parametrize("size", [1, 2, 5, len(TEXT)])
async def test_pieces_are_a_short_first_clause_and_then_sentences(size: int) -> None:
    cut = [TEXT[start : start + size] for start in range(0, len(TEXT), size)]
    found = [piece async for piece in pieces(stream(cut))]
    assert found == ["Well yes,", "I can do that for you.", "Shall I begin?", "It takes 3.5 minutes."]


@pytest.mark.parametrize(
    ("mark", "seconds"),
    [(",", 0.10), (";", 0.16), (":", 0.16), (".", 0.24), ("!", 0.24), ("?", 0.26), ("…", 0.30), ("。", 0.24), ("", 0.0)],
)
async def test_the_pause_between_two_clauses_fits_the_mark(mark: str, seconds: float) -> None:
    tts, chunks = await said(f"So it is{mark}", "And now?")
    pauses = [chunk for chunk in chunks if not chunk.text]
    assert [chunk.audio.seconds for chunk in pauses] == ([pytest.approx(seconds)] if seconds else [])
    assert all(not chunk.audio.samples.any() and not chunk.words and chunk.audio.rate == tts.rate for chunk in pauses)
    assert [chunk.text for chunk in chunks if chunk.text] == [f"So it is{mark}"] * 3 + ["And now?"] * 2


async def test_no_pause_comes_before_the_first_or_after_the_last_clause() -> None:
    _, chunks = await said("One.", "Two.", "Three.")
    assert [chunk.text for chunk in chunks] == ["One.", "", "Two.", "", "Three."]


@pytest.mark.parametrize("empty", ["😀", "🎉 🎉", "***", "", "(smiles)"])
async def test_a_clause_with_nothing_to_say_is_skipped_with_its_pause(empty: str) -> None:
    tts, chunks = await said(empty, "One.", empty, "Two.", empty)
    assert tts.ledger.requests == ["One.", "Two."]
    assert [chunk.text for chunk in chunks] == ["One.", "", "Two."]


async def test_nothing_to_say_at_all_is_no_audio() -> None:
    tts, chunks = await said("😀", "🎉")
    assert (tts.ledger.requests, chunks) == ([], [])


async def test_english_numbers_become_words_and_markup_is_not_read() -> None:
    tts, _ = await said("It takes **3** minutes.")
    assert tts.ledger.requests == ["It takes three minutes."]
    tts, _ = await said("Es dauert **3** Minuten.", language="de")
    assert tts.ledger.requests == ["Es dauert 3 Minuten."]


async def test_leaving_early_stops_the_voice() -> None:
    tts = ScriptedTts()
    async with aclosing(speak(stream(["One two three.", "Four."]), tts)) as chunks:
        await anext(chunks)
    assert (tts.ledger.requests, tts.ledger.cancelled, tts.ledger.completed) == (["One two three."], 1, 0)
