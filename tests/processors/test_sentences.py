"""Where a reply is cut, and that nothing of it is lost."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.processors.sentences import SentenceBuffer


def cut(deltas: Iterable[str], *, limit: int = 240, first_words: int = 3) -> list[str]:
    buffer = SentenceBuffer(limit=limit, first_words=first_words)
    pieces = [piece for delta in deltas for piece in buffer.feed(delta)]
    return pieces + buffer.flush()


def every(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def later(text: str) -> list[str]:
    """The pieces of `text` when it is not the beginning of the reply."""
    return cut(["Very well then. That is how it all began. ", text])[2:]


ONE_PIECE = [
    "Ask Dr. Alvarez about it",
    "Mr. Finch met Mrs. Loew and Prof. Adeyemi",
    "Pi is 3.14 and a bit",
    "Roughly 1.23e4 of them",
    "Take fruit, e.g. plums or pears",
    "Two of them, i.e. both",
    "The U.S. Navy has many",
    "Across the U.S.A. and beyond",
    "At 9 a.m. sharp",
    "Around 3:00 p.m. Pacific time",
    "Read No. 5 and Fig. 3 of vol. 2",
    "By J. R. R. Tolkien",
    "Write to first.last@mail.example.com please",
    "Open https://example.com/a.b/c?d=e.f,g;h today",
    "Run main.py or conf.d/site.toml first",
    "About 1,000,000 or 3,5 or $29.95/month",
    "Leave at 10:30 with v1.2.3 in hand",
    "Well... perhaps",
    "It is … complicated",
    "Am 3. Mai war Markt",
    "Das war im 19. Jahrhundert üblich",
    "Das kostet ca. zehn Euro bzw. etwas mehr",
    "1. Peel the onions",
    "On Nov. 22 we meet at 5 Oak St. near St. Mary",
    "Acme Inc. and Sons Ltd. are rivals",
    '"Stop!" she cried',
    '"Enough." said the judge',
    "She holds a Ph.D. in physics",
]


@pytest.mark.parametrize("text", ONE_PIECE)
def test_a_sentence_is_not_cut(text: str) -> None:
    assert later(f"{text}.") == [f"{text}."]


PIECES = [
    (["He said “Go.”", "Then he left."]),
    (['He said "Go."', "Then he left."]),
    (["(It was late.)", "We slept."]),
    (["**Done.**", "Next one."]),
    (["He lives in the U.S.", "She does not."]),
    (["Come at 3:00 p.m.", "Then we eat."]),
    (["Bring cups, plates, etc.", "The rest is here."]),
    (["The answer is 42.", "Forty-two it is."]),
    (["It ended in 1999.", "After that, silence."]),
    (["Is that so?", "Yes!", "No?!", "Fine."]),
    (["Hmm...", "Let me think."]),
    (["We have plan B.", "It works."]),
    (["Look at example.com.", "It is short."]),
    (["Is it true?", "No.", "Never."]),
    (["Bonjour !", "Ça va ?", "Oui."]),
    (["First line", "second line"]),
    (["你好。", "今天天气怎么样？", "很好！"]),
    (["「はい。」", "そうです。"]),
    (["यह अच्छा है।", "हाँ, ठीक है।"]),
    (["كيف حالك؟", "أنا بخير."]),
    (["یہ اچھا ہے۔", "ہاں۔"]),
    (["Սա լավ է։", "Այո։"]),
    (["ይህ ጥሩ ነው።", "አዎ።"]),
    (["ဒါကောင်းတယ်။", "ဟုတ်ကဲ့။"]),
]


@pytest.mark.parametrize("pieces", PIECES)
def test_sentences_are_cut_apart(pieces: list[str]) -> None:
    separator = "\n" if pieces[0] == "First line" else " "
    assert later(separator.join(pieces)) == pieces


def test_wide_full_stops_need_no_space_after_them() -> None:
    assert later("你好。今天很好！「好的。」走吧") == ["你好。", "今天很好！", "「好的。」", "走吧"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Of course, here it is.", "Of course,"),
        ("Well, as you may know, it rains.", "Well, as you may know,"),
        ("The short answer: no.", "The short answer:"),
        ("I think—no, wait.", "I think—"),
        ("It rains – as always.", "It rains –"),
        ("One two three four five six seven eight.", "One two three"),
        ("The capital of France is Paris.", "The capital of France"),
        ("The sky is blue because it is made of air.", "The sky is blue"),
        ("You can do it with the help of them.", "You can do it with the"),
        ("Sure! Here it is.", "Sure!"),
        ("当然可以，我来帮你。", "当然可以，"),
        ("It is, at 10:30, 3,5 km away.", "It is,"),
        ("In 2020, 5 people came there.", "In 2020, 5 people"),
        ("(laughs, softly) Come in, please.", "(laughs, softly) Come"),
        ("The price of that is about 20 dollars today.", "The price of that is about"),
        ("Let us now all ask Dr. Alvarez about it.", "Let us now"),
    ],
)
def test_the_first_piece_comes_early(text: str, first: str) -> None:
    assert cut([text])[0] == first


def test_a_short_first_sentence_leaves_the_next_piece_early() -> None:
    assert cut(["Sure! In a moment, I will do it, if I can."]) == ["Sure!", "In a moment,", "I will do it,", "if I can."]


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("Plums are very ripe, and in the shop around the corner, they sell them cheaply.", "and in the shop around the corner,"),
        (
            "Plums are very ripe. Well, then go and buy some of them before they have all gone bad.",
            "Well, then go and buy some of them",
        ),
        (
            "Plums are very ripe. One two three four five six seven eight nine ten eleven.",
            "One two three four five six seven eight",
        ),
    ],
)
def test_the_second_piece_does_not_wait_for_a_long_sentence(text: str, second: str) -> None:
    assert second in cut([text])


@pytest.mark.parametrize(
    ("deltas", "pieces"),
    [
        (["Hello", ".", " ", "W"], [[], [], [], ["Hello."]]),
        (["Well then it is", " so. ", "B"], [[], [], ["Well then it is so."]]),
        (["One two three", " ", "f"], [[], [], ["One two three"]]),
        (["Good day,", " sir"], [[], ["Good day,"]]),
        (["- Milk\n"], [["- Milk"]]),
        (["你好。", "我"], [[], ["你好。"]]),
    ],
)
def test_a_piece_comes_out_as_soon_as_it_is_certain(deltas: list[str], pieces: list[list[str]]) -> None:
    buffer = SentenceBuffer()
    assert [buffer.feed(delta) for delta in deltas] == pieces


def test_lines_and_bullets_are_pieces() -> None:
    assert later("## Shopping\n- milk\n* bread\n\n1. Go\n2. Buy") == ["## Shopping", "- milk", "* bread", "1. Go", "2. Buy"]


def test_a_very_long_sentence_is_cut_at_a_clause() -> None:
    clause = "and so it went on and on for quite a while without end"
    pieces = later(", ".join([clause] * 9) + ".")
    assert len(pieces) > 1
    assert all(len(piece) <= 242 and piece.endswith((",", ".")) for piece in pieces)


def test_a_very_long_clause_is_cut_between_words() -> None:
    pieces = later("word " * 200)
    assert all(len(piece) <= 240 and set(piece.split()) == {"word"} for piece in pieces)


def test_text_without_spaces_is_cut_by_length() -> None:
    assert [len(piece) for piece in later("好" * 300)] == [120, 120, 60]
    assert max(len(piece) for piece in later("สวัสดีครับ " * 60)) < 120


def test_what_cannot_be_said_is_no_piece() -> None:
    assert cut(["... !!! — \n\n --- * \n"]) == []
    assert cut(["All is well. ", "\n---\n", "!!!"]) == ["All is well."]
    assert cut([""]) == []


def test_it_starts_afresh_after_a_flush() -> None:
    buffer = SentenceBuffer()
    assert [*buffer.feed("Yes, I do, and gladly"), *buffer.flush()] == ["Yes, I do,", "and gladly"]
    assert [*buffer.feed("Yes, I do, and gladly"), *buffer.flush()] == ["Yes, I do,", "and gladly"]
    assert buffer.flush() == []


SAMPLES = [
    "\n".join(f"{text}." for text in ONE_PIECE),
    " ".join(" ".join(pieces) for pieces in PIECES),
    "你好。今天很好！「好的。」走吧，再见",
    "x" * 2500 + " " * 200 + "." * 200 + " y. Z",
]
FRAGMENTS = (
    "Dr. |U.S.|e.g.|3.14|p.m. |No. |am 3. |The |word|I|a|,| |  |\n|.|!|?|…|...|:|;|—| – |-|*|**|(|)|[|]|\"|'|”|「|」|。|，|！|好|สวัสดี|"
    "।|؟|5|1,000|10:30|https://a.b/c,d| \u00a0|😊|é"
).split("|")
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join))


def compact(text: str) -> str:
    return "".join(text.split())


def check(text: str, deltas: Iterable[str]) -> None:
    whole = cut([text], limit=40)
    assert cut(deltas, limit=40) == whole
    assert compact(text).startswith(compact("".join(whole)))
    assert not any(character.isalnum() for character in compact(text)[len(compact("".join(whole))) :])
    assert all(any(character.isalnum() for character in piece) and piece == piece.strip() for piece in whole)


@pytest.mark.parametrize("size", [1, 2, 4, 1000])
@pytest.mark.parametrize("text", SAMPLES)
def test_the_pieces_do_not_depend_on_the_deltas(text: str, size: int) -> None:
    check(text, every(text, size))
    assert cut(every(text, size)) == cut([text])


@given(TEXTS, st.integers(1, 5))
def test_nothing_is_lost_whatever_the_text(text: str, size: int) -> None:
    check(text, every(text, size))


@given(TEXTS, st.data())
def test_nothing_is_lost_wherever_it_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    check(text, (text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("The sky is blue because it scatters light", "The sky"),
        ("There are seven days in a week", "There are seven"),
        ("It is the big one over there", "It is the big"),
        ("Yes, it is.", "Yes, it is."),
        ("No. It is not.", "No."),
    ],
)
def test_a_hasty_first_piece_is_two_words_that_stand_together(text: str, first: str) -> None:
    assert cut([text], first_words=2)[0] == first
