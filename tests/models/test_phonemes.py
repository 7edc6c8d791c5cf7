"""Text → phonemes: every word keeps its place, whatever espeak-ng makes of it."""

import threading

import pytest

from multimodal_assistant.core.errors import UnknownName
from multimodal_assistant.engines.tts.phonemes import TIE, spell

pytestmark = [pytest.mark.models, pytest.mark.timeout(180)]

TEXTS = (
    "Hello, world! How are you?",
    "of the people in the world",
    "I am going to the end of the road in the rain.",
    "It costs 2026 dollars and $5.50 at 10:30.",
    "state-of-the-art co-op 1,000,000 and 3.14",
    "<speak>hi</speak> [[h@loU]] & more",
    "don't you want to be one of the best?",
    "hello 😀 world",
    "مرحبا بالعالم كيف حالك",
    "שלום עולם",
    "你好 世界",
    "a\tb\nc\u00a0d",
    "x" * 300,
    "a " * 400,
)


def joined_words(text: str) -> str:
    return " ".join(item.text for item in spell(text, "en-us") if item.text)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("tie", [False, True])
def test_every_word_has_one_entry_in_its_place(text: str, tie: bool) -> None:
    spelled = spell(text, "en-us", tie=tie)
    whole = "".join(item.text or item.phonemes for item in spelled)
    assert whole == "".join(text.split())
    assert all(item.phonemes for item in spelled if not item.text)
    assert any(item.phonemes for item in spelled if item.text)
    if not tie:
        assert all(TIE not in item.phonemes for item in spelled)


def test_punctuation_stays_between_the_words() -> None:
    spelled = spell('Wait… "Really?" — yes; (no), fine.', "en-us")
    marks = [item.phonemes for item in spelled if not item.text]
    assert "".join(marks) == '…"?"—;(),.'
    assert [item.text for item in spelled if item.text] == ["Wait", "Really", "yes", "no", "fine"]


@pytest.mark.parametrize("text", ["of the", "in the", "one of the best", "I am", "out of the house in the rain"])
def test_words_that_espeak_runs_together_keep_an_entry_each(text: str) -> None:
    assert joined_words(text) == text


def test_a_word_read_as_several_keeps_all_its_sounds() -> None:
    spelled = {item.text: item.phonemes for item in spell("In 2026 we met", "en-us") if item.text}
    assert len(spelled["2026"].split()) >= 3
    assert list(spelled) == ["In", "2026", "we", "met"]


def test_no_sound_is_lost_or_doubled_when_words_merge() -> None:
    together = "".join(item.phonemes for item in spell("in the end", "en-us")).replace(" ", "")
    assert together.count("ð") == 1
    assert together.count("nd") == 1


def test_a_tie_joins_the_letters_of_one_sound() -> None:
    (tied,) = spell("church", "en-us", tie=True)
    (plain,) = spell("church", "en-us")
    assert f"t{TIE}ʃ" in tied.phonemes
    assert tied.phonemes.replace(TIE, "") == plain.phonemes


def test_languages_differ() -> None:
    assert spell("schedule", "en-us") != spell("schedule", "en-gb")
    assert spell("pain", "fr") != spell("pain", "en-us")


def test_a_language_is_found_again_after_an_unknown_one() -> None:
    before = spell("hello", "en-us")
    with pytest.raises(UnknownName) as failure:
        spell("hello", "xx-nowhere")
    assert "'xx-nowhere'" in failure.value.problem
    assert spell("hello", "en-us") == before


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u00a0"])
def test_nothing_has_no_sounds(text: str) -> None:
    assert spell(text, "en-us") == []


@pytest.mark.parametrize("text", ["a\0b", "one \0 two", "\0", "\0\0 end"])
def test_a_nul_byte_does_not_end_the_text(text: str) -> None:
    spelled = spell(text, "en-us")
    assert [item.text for item in spelled] == text.split()
    assert "\0" not in "".join(item.phonemes for item in spelled)
    if "two" in text or "end" in text:
        assert any("n" in item.phonemes or "t" in item.phonemes for item in spelled)


def test_half_a_surrogate_pair_is_a_word_like_any_other() -> None:
    """Bytes of a command line that are no UTF-8 arrive like this."""
    assert len([item for item in spell("odd \ud83d text", "en-us") if item.text]) == 3


def test_threads_take_turns() -> None:
    """The library is one state machine: two languages at once must not mix."""
    expected = {language: spell("schedule tomato go", language) for language in ("en-us", "en-gb", "fr", "es")}
    wrong: list[str] = []

    def speak(language: str) -> None:
        wrong.extend(language for _ in range(50) if spell("schedule tomato go", language) != expected[language])

    threads = [threading.Thread(target=speak, args=(language,)) for language in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
