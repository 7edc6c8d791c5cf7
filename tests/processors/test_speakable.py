"""What is said for a piece of a reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors import speakable as module
from multimodal_assistant.processors.speakable import STRETCH, speakable

PROSE = [
    "Hello there.",
    "Well, I think so; don't you?",
    "He paused (just for a moment) and went on: yes!",
    'She said "No." and left...',
    "We ate in the U.S. with Anne-Marie.",
]


@pytest.mark.parametrize("text", PROSE)
@pytest.mark.parametrize("language", ["en", "de"])
def test_plain_prose_is_left_alone(text: str, language: str) -> None:
    assert speakable(text, language) == text


MARKUP = [
    ("**Bold**, *italic*, ***both***, __under__ and ~~struck~~.", "Bold, italic, both, under and struck."),
    ("Use `pip` and ``uv``.", "Use pip and uv."),
    ("### A heading", "A heading"),
    ("> quoted words", "quoted words"),
    ("- milk", "milk"),
    ("* [x] bread", "bread"),
    ("• tea", "tea"),
    ("# Plan\nWe go.\n- fast\n- far", "Plan. We go. fast. far"),
    ("| Name | Age |\n|:-----|----:|\n| Ann | old |", "Name, Age. Ann, old"),
    ("---", ""),
    ("***", ""),
    ("Before\n```python\nprint('x')\n```\nafter", "Before after"),
    ("```js\nnever closed", ""),
    ("<think>secret</think>Open.", "Open."),
    ("A [link](https://example.com/a(b)c) here", "A link here"),
    ("![a cat](cat.png)", "a cat"),
    ("So it is [1], they say[^2].", "So it is, they say."),
    ("<b>Bold</b><br/> words <!-- hidden --> here", "Bold words here"),
    ("Fish &amp;amp chips &nbsp;", "Fish and amp chips"),
    ("Done.<|im_end|>", "Done."),
    ("Great! 😊👍🏽 🇩🇪 ❤️ 1️⃣", "Great! one"),
    ("Nice :) very ;-)", "Nice very"),
    ("😊", ""),
    ("...", ""),
    ("", ""),
    ("*smiles* Hello.", "Hello."),
    ("*laughs softly* Come *really* close.", "Come really close."),
    ("Well (laughs), yes [sighs deeply].", "Well, yes."),
    ("**(chuckles)** Right.", "Right."),
    ("(see the next page)", "(see the next page)"),
    ("snake_case and #topic", "snake case and topic"),
    ("It is\u00ad in\u200bvisible", "It is invisible"),
]


@pytest.mark.parametrize(("text", "said"), MARKUP)
def test_markup_is_not_said(text: str, said: str) -> None:
    assert speakable(text) == said


FIGURES = [
    ("$29.95", "twenty-nine dollars and ninety-five cents"),
    ("$29.95/month", "twenty-nine dollars and ninety-five cents per month"),
    ("$1", "one dollar"),
    ("$0.99", "ninety-nine cents"),
    ("$1,200", "one thousand two hundred dollars"),
    ("$5.5 million", "five point five million dollars"),
    ("€5", "five euros"),
    ("30 €", "thirty euros"),
    ("£2.01", "two pounds and one penny"),
    ("¥500", "five hundred yen"),
    ("-$20", "minus twenty dollars"),
    ("50%", "fifty percent"),
    ("2.5 %", "two point five percent"),
    ("2026-11-22", "November twenty-second, twenty twenty-six"),
    ("11/22/2026", "November twenty-second, twenty twenty-six"),
    ("22/11/2026", "November twenty-second, twenty twenty-six"),
    ("Nov 22, 2026", "November twenty-second, twenty twenty-six"),
    ("on May 5", "on May fifth"),
    ("22 November 2026", "twenty-second of November, twenty twenty-six"),
    ("10:30", "ten thirty"),
    ("10:05", "ten oh five"),
    ("10:00", "ten o'clock"),
    ("14:00", "fourteen hundred"),
    ("3:00 p.m. today", "three P M today"),
    ("at 3:30 p.m.", "at three thirty P M."),
    ("5pm", "five P M"),
    ("16:9", "sixteen to nine"),
    ("5 km", "five kilometers"),
    ("1 km", "one kilometer"),
    ("6 ft", "six feet"),
    ("20°C", "twenty degrees Celsius"),
    ("-5°C", "minus five degrees Celsius"),
    ("3 GB", "three gigabytes"),
    ("60 mph", "sixty miles per hour"),
    ("2.4 GHz", "two point four gigahertz"),
    ("5 in the box", "five in the box"),
    ("1st and 22nd", "first and twenty-second"),
    ("1999", "nineteen ninety-nine"),
    ("2005", "two thousand five"),
    ("1066", "one thousand sixty-six"),
    ("1,999", "one thousand nine hundred ninety-nine"),
    ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
    ("3.14", "three point one four"),
    (".5", "point five"),
    ("1.23e4", "one point two three times ten to the four"),
    ("1,000,000", "one million"),
    ("3-5", "three to five"),
    ("2019–2024", "twenty nineteen to twenty twenty-four"),
    ("10-20%", "ten to twenty percent"),
    ("1/2 or 3/4 or 2/3", "one half or three quarters or two thirds"),
    ("1 1/2 and 2½", "one and one half and two and one half"),
    ("24/7", "twenty-four seven"),
    ("-7", "minus seven"),
    ("#1", "number one"),
    ("007", "zero zero seven"),
    ("v1.2.3", "version one point two point three"),
    ("192.168.1.1", "one hundred ninety-two dot one hundred sixty-eight dot one dot one"),
    ("555-1234", "five five five, one two three four"),
    ("(415) 555-0123", "four one five, five five five, zero one two three"),
    ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
    ("500-1000", "five hundred to one thousand"),
    ("COVID-19", "COVID-nineteen"),
    ("3D at 4K", "three D at four K"),
    ("2x faster", "two times faster"),
    ("9" * 5000, " ".join(["nine"] * 5000)),
]


@pytest.mark.parametrize(("text", "said"), FIGURES)
def test_figures_are_read(text: str, said: str) -> None:
    assert " ".join(speakable(text).split()) == said


SIGNS = [
    ("R&D, salt & pepper", "R and D, salt and pepper"),
    ("2 + 2 = 4", "two plus two equals four"),
    ("5 - 3 = 2", "five minus three equals two"),
    ("3 * 4 and 3 x 4", "three times four and three times four"),
    ("3 < 4 > 2", "three is less than four is greater than two"),
    ("x^2", "x squared"),
    ("A → B", "A to B"),
    ("~5 people", "about five people"),
    ("C# and C++", "C sharp and C plus plus"),
    ("@alice", "at alice"),
    ("bob@example.com", "bob at example dot com"),
    ("example.com", "example dot com"),
    ("See https://www.example.com/.", "See example dot com."),
    ("See https://example.com/a/b?c=d#e, or not", "See link, or not"),
    ("main.py", "main dot py"),
    ("Dr. Ngo and Mr. Li", "Doctor Ngo and Mister Li"),
    ("St. Mary on Oak St.", "Saint Mary on Oak Street"),
    ("fruit, e.g. plums, i.e. food", "fruit, for example plums, that is food"),
    ("cups vs. mugs", "cups versus mugs"),
    ("cups, etc. and more", "cups, et cetera and more"),
    ("cups, etc.", "cups, et cetera."),
    ("No. 5", "number five"),
    ("and/or", "and or"),
]


@pytest.mark.parametrize(("text", "said"), SIGNS)
def test_signs_and_abbreviations_are_read(text: str, said: str) -> None:
    assert speakable(text) == said


def test_other_languages_leave_figures_to_the_voice() -> None:
    text = "**Das** kostet 29,95 € bzw. 50 % am 3. Mai um 10:30, siehe https://example.com/a/b. 😊"
    assert speakable(text, "de") == "Das kostet 29,95 € bzw. 50 % am 3. Mai um 10:30, siehe example.com."
    assert speakable("* 你好！#1", "zh") == "你好！ 1"


PARTS = st.sampled_from(
    "*|**|_|__|`|```|#|# |<|>|<b>|</b>|<think>|||\\||[|](|)|(|]|!|- |\n|\n- |1.|1/2|$|$1|€|%|5 km|10:30|2026-11-22|-|+|=|&|&amp;|@|a@b.c|http://a.b/c|"
    "word|Dr. |e.g. |1,000|9|.|,|:|;| |😊|°|½|²|٣|É|好|\u200d|\ud800".split("|")
)
TEXTS = st.one_of(st.text(), st.lists(PARTS, max_size=30).map("".join))


@given(TEXTS, st.sampled_from(["en", "en-GB", "de", "zh"]))
def test_no_text_breaks_it_and_no_markup_is_left(text: str, language: str) -> None:
    said = speakable(text, language)
    assert not set("*_#`<>|\n") & set(said)
    assert said == said.strip()
    assert not said or any(character.isalnum() for character in said)


@given(st.lists(st.sampled_from("we all went to see the big house and it was fine".split()), min_size=1).map(" ".join))
def test_words_are_left_alone(text: str) -> None:
    assert speakable(text) == text


HOSTILE = [
    "[",
    "[a](",
    "(",
    "*",
    "**",
    "* ",
    "_",
    "`",
    "<",
    "<a ",
    "<!--",
    "</think>",
    "<think>",
    "&amp;",
    "1,",
    "1.",
    "1-",
    "1 ",
    "a.",
    "a@",
]
HOSTILE_TOO = [
    "http://a",
    "\n- ",
    "|",
    "1/",
    "$1",
    "Jan 1 ",
    "12:30 ",
    " ",
    "\t",
    "e.g. ",
    "=",
    "+",
    "1e",
    "1:",
    "a",
    "1",
    "😊\u200d",
    "> ",
]


@pytest.mark.parametrize("unit", HOSTILE + HOSTILE_TOO)
def test_no_input_is_treated_in_stretches_longer_than_the_bound(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All patterns see at most `STRETCH` characters at a time, and every character once: the work grows with the length only."""
    seen: list[int] = []

    def counting(text: str, english: bool) -> str:
        seen.append(len(text))
        return text if english else ""

    monkeypatch.setattr(module, "_say", counting)
    length = 100_000
    speakable(unit * (length // len(unit)))
    assert max(seen, default=0) <= STRETCH
    assert sum(seen) <= length


@pytest.mark.parametrize("unit", HOSTILE + HOSTILE_TOO)
def test_hostile_stretches_end(unit: str) -> None:
    assert not set("*_#`<>|") & set(speakable(unit * (4 * STRETCH // len(unit))))
