"""English number words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.numerals import LARGEST, cardinal, digits, number, ordinal, plural, year


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "zero"),
        (7, "seven"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty-two"),
        (100, "one hundred"),
        (115, "one hundred fifteen"),
        (1_000, "one thousand"),
        (1_001, "one thousand one"),
        (1_234_567, "one million two hundred thirty-four thousand five hundred sixty-seven"),
        (10**12, "one trillion"),
        (-5, "minus five"),
        (LARGEST, "one zero zero zero zero zero zero zero zero zero zero zero zero zero zero zero"),
    ],
)
def test_cardinal(value: int, words: str) -> None:
    assert cardinal(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(1, "first"), (2, "second"), (3, "third"), (5, "fifth"), (8, "eighth"), (9, "ninth"), (12, "twelfth"), (20, "twentieth")]
    + [(21, "twenty-first"), (100, "one hundredth"), (1_000_000, "one millionth"), (101, "one hundred first")],
)
def test_ordinal(value: int, words: str) -> None:
    assert ordinal(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(1999, "nineteen ninety-nine"), (1900, "nineteen hundred"), (1905, "nineteen oh five"), (2000, "two thousand")]
    + [(2009, "two thousand nine"), (2010, "twenty ten"), (2026, "twenty twenty-six"), (1100, "eleven hundred")],
)
def test_year(value: int, words: str) -> None:
    assert year(value) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [("1,234.50", "one thousand two hundred thirty-four point five zero"), ("007", "zero zero seven"), ("0.5", "zero point five")]
    + [("0", "zero"), ("9" * 16, " ".join(["nine"] * 16))],
)
def test_number(text: str, words: str) -> None:
    assert number(text) == words


def test_digits_and_plurals() -> None:
    assert digits("4-15") == "four one five"
    assert [plural("third"), plural("ninety"), plural("sixth"), plural("six")] == ["thirds", "nineties", "sixths", "sixes"]


@given(st.integers(0, LARGEST - 1))
def test_every_number_below_the_largest_has_a_name_of_its_own(value: int) -> None:
    scales = {"thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    names = {cardinal(small): small for small in range(100)}
    total = group = 0
    for word in cardinal(value).split():
        if word in scales:
            total, group = total + group * scales[word], 0
        else:
            group = group * 100 if word == "hundred" else group + names[word]
    assert total + group == value
