"""Whether words are a whole utterance, by the real model: whole sentences against their own beginnings."""

from collections.abc import AsyncGenerator

import pytest
from speech_lab import only_file

from multimodal_assistant.engines.turn.sentence_end import SentenceEnd

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(60)]

WHOLE = (
    "What is the capital of France?",
    "How many legs does a spider have?",
    "Is it going to rain this afternoon?",
    "I would like to learn the piano.",
    "Which planet is closest to the sun?",
)


@pytest.fixture
async def detector() -> AsyncGenerator[SentenceEnd]:
    made = SentenceEnd(model=only_file("smollm2-135m", "*.gguf"))
    yield made
    await made.aclose()


async def test_a_whole_sentence_scores_higher_than_any_of_its_beginnings(detector: SentenceEnd) -> None:
    for sentence in WHOLE:
        words = sentence.split()
        whole = await detector.score(sentence)
        beginnings = [await detector.score(" ".join(words[:count])) for count in range(2, len(words))]
        assert whole > 2 * max(beginnings), (sentence, whole, beginnings)


CUT = {
    "fr": ("Quelle est la | capitale de la France ?", "Raconte-moi une histoire sur | un renard.", "Appelle ma | sœur demain soir."),
    "es": ("Cuál es la | capital de España?", "Cuéntame una historia sobre | un zorro.", "Llama a mi | hermana mañana."),
    "it": ("Qual è la | capitale d'Italia?", "Raccontami una storia su | una volpe.", "Chiama mia | sorella domani sera."),
    "pt": ("Qual é a | capital de Portugal?", "Conta-me uma história sobre | uma raposa.", "Liga à minha | irmã amanhã."),
}


@pytest.mark.parametrize("language", CUT)
async def test_it_has_an_idea_of_some_other_languages(detector: SentenceEnd, language: str) -> None:
    told = 0
    for sentence in CUT[language]:
        cut, _, _ = sentence.partition(" | ")
        told += await detector.score(sentence.replace(" |", "")) > 4 * await detector.score(cut)
    assert told >= 2, "an idea: it mistakes one in four or five"


async def test_the_marks_of_the_recognizer_do_not_count(detector: SentenceEnd) -> None:
    plain = await detector.score("Can you tell me")
    for mark in (".", "?", "...", " – ", ","):
        assert await detector.score(f"Can you tell me{mark}") == pytest.approx(plain, abs=0.01)
    assert plain < 0.05


@pytest.mark.parametrize("text", ["", "   ", "...", "Straße über", "你好", "a" * 5000, "word " * 2000, "<|im_end|>", "\x00\n\t"])
async def test_whatever_the_text_it_answers(detector: SentenceEnd, text: str) -> None:
    assert 0.0 <= await detector.score(text) <= 1.0
