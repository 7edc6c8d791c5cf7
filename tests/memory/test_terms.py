"""What a note is found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.memory.terms import asks, keys_of, sparse_note, sparse_question, term_weight, terms_of, without_names


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("Who is it?", ()),
        ("I'm painting 3 horses, don't you paint?", ("paint", "3", "hors", "paint")),
        ("The dogs' GPT4 ran", ("dog", "gpt", "4", "ran")),
        ("Café CRÈME naïve", ("cafe", "creme", "naiv")),
        ("我喜欢喝咖啡", ("我喜", "喜欢", "欢喝", "喝咖", "咖啡")),
        ("茶 2023", ("茶", "2023")),
        ("GPT在中国", ("gpt", "在中", "中国")),
        ("안녕하세요", ("안녕", "녕하", "하세", "세요")),
        ("العَرَبِيَّة جميلة", ("العربية", "جميلة")),
        ("שָׁלוֹם עולם", ("שלום", "עולם")),
        ("हिन्दी पसंद", ("हिन्दी", "पसंद")),
        ("１２ Ｔｅａ", ("12", "tea")),
        ("groß GROSS", ("gross", "gross")),
    ],
)
def test_terms(text: str, terms: tuple[str, ...]) -> None:
    assert terms_of(text) == terms


@given(st.text(max_size=200))
def test_terms_can_be_joined_by_spaces_and_parted_again(text: str) -> None:
    terms = terms_of(text)
    assert tuple(" ".join(terms).split()) == terms


@given(st.text(alphabet="abc déß中文 ?!'", max_size=60))
def test_capitals_make_no_difference(text: str) -> None:
    assert terms_of(text.upper()) == terms_of(text)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Thanks, Ann!", "Thanks!"),
        ("Ann's dog and Ann’s cat", "dog and cat"),
        ("Annie saw Banner", "Annie saw Banner"),
        ("Hey Ann, Ben Cole is here.", "Hey, is here."),
        ("Ben is here, not Cole.", "is here, not Cole."),
        ("Ann", "Ann"),
        ("Ann!", "Ann!"),
        ("will you, Will?", "will you?"),
    ],
)
def test_without_names(text: str, bare: str) -> None:
    assert without_names(text, ["Ann", "Ben Cole", "Will", "", " "]) == bare


def test_a_name_kept_without_a_capital_is_known_with_one() -> None:
    assert without_names("Thanks, Ann and ann!", ["ann"]) == "Thanks, and!"


def test_roles_are_no_names() -> None:
    assert without_names("The assistant of the user", ["assistant", "user"]) == "The assistant of the user"


def test_without_known_speakers_the_words_stay() -> None:
    assert without_names("Thanks, Ann!", ()) == "Thanks, Ann!"


@pytest.mark.parametrize("text", ["How are you?", 'He said "why?" ', "你好吗？", "كيف حالك؟", "really?)"])
def test_a_question(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize("text", ["", "Why? Because.", "I see!", "?a"])
def test_no_question(text: str) -> None:
    assert not asks(text)


def test_keys() -> None:
    keys = keys_of("Ann, did you paint the lake yesterday?", ["Ann", "Ben"])
    assert keys.text == "did you paint the lake yesterday?"
    assert keys.terms == ("paint", "lake", "yesterday")
    assert keys.asks
    assert keys.dated


def test_weights_grow_with_the_count_and_shrink_with_the_length() -> None:
    assert term_weight(1, 10) < term_weight(2, 10) < term_weight(100, 10) < 2.2
    assert term_weight(1, 10) > term_weight(1, 20) > term_weight(1, 200) > 0


def test_a_sparse_vector_is_the_same_in_every_process() -> None:
    assert sparse_question(("lake",)).indices == [2725253387]


@given(st.lists(st.text(alphabet="abcdef", min_size=1, max_size=3), max_size=30))
def test_sparse_vectors_meet_in_the_terms_they_share(terms: list[str]) -> None:
    note, question = sparse_note(terms), sparse_question(terms)
    assert note.indices == question.indices == sorted(set(note.indices))
    assert len(note.weights) == len(note.indices) == len(set(terms))
    assert all(0 <= index < 2**32 for index in note.indices)
    assert all(weight > 0 for weight in note.weights)
    assert set(question.weights) <= {1.0}
