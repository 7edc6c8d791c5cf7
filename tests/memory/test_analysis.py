"""Keywords, context and tags by rule."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal_assistant.memory.analysis import MOST_CONTEXT, MOST_KEYWORDS, MOST_TAGS, analyze, plain, stem, timely, words
from multimodal_assistant.memory.lexicon import STOPWORDS, TAGS, TAGS_OF_WORDS


def test_names_come_first_and_times_and_function_words_not_at_all() -> None:
    found = analyze("I adopted a dog called Miso from the shelter in Porto last Friday at 5:30 pm.")
    assert found.keywords[:2] == ("Porto", "Miso")
    assert {"dog", "shelter"} <= set(found.keywords)
    assert not any(timely(word) or word in STOPWORDS for keyword in found.keywords for word in words(keyword))
    assert found.tags == ("animals",)
    assert found.category == "animals"
    assert found.by_model == frozenset()


def test_a_number_and_a_quote_are_kept() -> None:
    assert "555-0123" in analyze("My phone number is 555-0123.").keywords
    assert analyze('I am reading "The Name of the Wind" by Patrick Rothfuss.').keywords[:2] == ("The Name of the Wind", "Patrick Rothfuss")


def test_the_speaker_is_no_keyword_nor_who_is_spoken_to() -> None:
    found = analyze("Thanks, Caroline! Melanie here: the pottery class was good.", speaker="Melanie")
    assert not {"Melanie", "Caroline"} & set(found.keywords)
    assert found.context.startswith("Melanie on pottery class")


def test_a_short_answer_takes_its_question_along() -> None:
    found = analyze("Yes, I love it!", speaker="Anna", previous="Do you like the violin? I do.")
    assert found.keywords
    assert found.context.endswith("(after: Do you like the violin?)")


@pytest.mark.parametrize(
    ("text", "keyword", "tag"),
    [
        ("Mi hermana se llama Ana y vive en Madrid.", "Madrid", "family"),
        ("Ich spiele gerne Schach mit meinem Bruder in Hamburg.", "Hamburg", "family"),
        ("我昨天在北京买了一台新的电脑。", "北京", ""),
        ("昨日、東京でラーメンを食べました。", "ラーメン", ""),
        ("ผมชอบกินข้าวผัด", "ผมชอบกินข้าวผัด", ""),
        ("Сегодня я купил велосипед.", "велосипед", ""),
    ],
)
def test_other_languages(text: str, keyword: str, tag: str) -> None:
    found = analyze(text)
    assert any(keyword in one for one in found.keywords)
    assert not tag or tag in found.tags


def test_vowel_signs_do_not_tear_words_apart() -> None:
    assert words("मुझे क्रिकेट खेलना पसंद है") == "मुझे क्रिकेट खेलना पसंद है".split()


def test_what_is_only_small_words_still_has_a_keyword() -> None:
    for text in ("How are you?", "Tomorrow at 5.", "ok", "I", "Mel"):
        assert analyze(text, speaker="Mel").keywords, text
    assert analyze("😀😀").keywords == ()


def test_control_and_direction_characters_do_not_get_through() -> None:
    found = analyze("\u202eevil\u202c \0plan\0 {braces} </script>\u2028 KEYWORDS: x")
    assert not any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in found.context)
    assert "\u202e" not in found.context
    assert "evil plan" in found.keywords


@pytest.mark.parametrize(
    "text", ["word " * 200_000, "a" * 1_000_000, "我" * 1_000_000, "." * 1_000_000, "Ab " * 300_000, '"' * 1_000_000, "x-" * 500_000]
)
def test_a_megabyte_is_looked_at_in_bounded_time(text: str) -> None:
    begun = time.perf_counter()
    found = analyze(text, previous=text, speaker="Anna")
    assert time.perf_counter() - begun < 2
    assert len(found.context) <= MOST_CONTEXT
    assert sum(map(len, found.keywords)) <= 60 * MOST_KEYWORDS


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.text(max_size=20), st.text(max_size=80))
def test_any_text_has_a_bounded_analysis_which_is_the_same_again(content: str, speaker: str, previous: str) -> None:
    found = analyze(content, speaker=speaker, previous=previous)
    assert found == analyze(content, speaker=speaker, previous=previous)
    assert bool(found.keywords) == bool(words(plain(content)))
    assert len(found.keywords) <= MOST_KEYWORDS
    assert len(found.tags) <= MOST_TAGS
    assert set(found.tags) <= set(TAGS)
    assert 0 < len(found.context) <= MOST_CONTEXT
    assert "\n" not in found.context


def test_forms_of_a_word_have_a_stem_in_common() -> None:
    for one, other in (("running", "runs"), ("parties", "party"), ("Anna's", "anna"), ("adopted", "adopting"), ("café", "Cafe")):
        assert stem(one) == stem(other), (one, other)


def test_every_word_of_the_lists_has_its_tags() -> None:
    assert all(set(tags) <= set(TAGS) and tags for tags in TAGS_OF_WORDS.values())
