"""Words of a note → facts in slots (whose, what, value); of two statements about a slot, whether one takes the other's place.

English only, and careful: a slot that is missed leaves two notes side by side, a wrong one hides what still holds. So a statement counts
only if it is a plain one: no question, condition, wish, report or memory of former times; and where several may be true at once (two
sisters, two homes), only words of change or correction ("now", "moved", "actually, no") make one replace the other.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import slots
from .analysis import plain, sample, sentences, stem, telling, timely, words
from .lexicon import WEAK

MOST_WORDS = 40
"""A longer note says more than one fact, and is never put aside for one."""
_MOST_BESIDE = 3
"""Telling words of a note that belong to no fact of it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement about a slot."""

    subject: str
    """Empty: who speaks; else a relation or a name, in lower case."""
    attribute: str
    value: str
    changed: bool = False
    """It is said to be new, or a correction."""
    single: bool = True
    """There is one value at a time by nature: a newer one needs no words of change."""


def facts(text: str) -> tuple[Fact, ...]:
    """The plain statements of a note."""
    found: list[Fact] = []
    corrected = False
    for sentence in sentences(_straight(text), 12):
        correction = slots.CORRECTION.match(sentence)
        corrected = corrected or correction is not None
        said = sentence[correction.end() :] if correction else sentence
        if slots.DOUBTFUL.search(slots.PLAIN_DENIAL.sub("", said)):
            continue
        changed = corrected or slots.CHANGE.search(said) is not None
        for read in (_possessions, _places, _work, _states):
            found += read(said, changed)
        found += _scheduled(said, corrected)
    return tuple(fact for fact in dict.fromkeys(found) if fact.value)


def _straight(text: str) -> str:
    return plain(sample(text, 2_000, 0)).replace("’", "'")


def _possessions(sentence: str, changed: bool) -> Iterator[Fact]:
    for match in slots.FAVOURITE.finditer(sentence):
        yield Fact("", f"favourite {_stems(match['what'])}", _value(match["value"]), changed)
    for match in slots.POSSESSION.finditer(sentence):
        if match["old"]:
            continue
        subject = (match["who"] or "").lower().strip().removesuffix("'s")
        what = match["what"].lower()
        attribute = slots.ATTRIBUTES.get(what, what)
        numeric = attribute == "age" or attribute.endswith("phone")
        if re.match(slots.SHAPES.get(attribute.split()[-1], r".*\d"), match["value"]) is None:
            continue
        value = "".join(filter(str.isdecimal, match["value"])) if numeric else _value(match["value"])
        yield Fact(subject, attribute, value, changed or bool(match["new"]), _one_of(subject) and attribute not in {"doctor", "dentist"})


def _one_of(subject: str) -> bool:
    return not subject or re.fullmatch(slots.UNIQUE, subject) is not None


def _places(sentence: str, changed: bool) -> Iterator[Fact]:
    for pattern in (slots.LIVES, slots.IS_LIVING, slots.MOVED):
        for match in pattern.finditer(sentence):
            place = _value(match["value"])
            if place and place.split()[0] not in slots.NO_PLACE and match["who"].lower() not in {"it", "they", "he", "she", "you", "who"}:
                kind = "country" if place in slots.COUNTRIES else "home"
                yield Fact(_who(match["who"]), kind, place, changed or pattern is slots.MOVED, single=False)


def _work(sentence: str, changed: bool) -> Iterator[Fact]:
    for pattern, attribute in ((slots.WORKS, "employer"), (slots.STARTED, "employer"), (slots.WORKS_AS, "occupation")):
        for match in pattern.finditer(sentence):
            yield Fact("", attribute, _value(match["value"]), changed or pattern is slots.STARTED, single=False)


def _states(sentence: str, changed: bool) -> Iterator[Fact]:
    for match in slots.AGE.finditer(sentence):
        if 0 < int(match["value"]) < 120:
            yield Fact(_who(match["who"]), "age", match["value"], changed or bool(match["turned"]), _one_of(_who(match["who"])))
    for match in slots.DIET.finditer(sentence):
        yield Fact("", "diet", f"not {match['value'].lower()}" if match["no"] else match["value"].lower(), changed)
    for match in slots.MARITAL.finditer(sentence):
        yield Fact("", "marital status", match["value"].lower(), changed)
    for match in slots.LIKING.finditer(sentence):
        if slots.VAGUE.match(match["value"].lower()):
            continue
        liked = match["verb"].lower() in {"love", "like", "enjoy", "adore"}
        yield Fact("", f"liking {_stems(_value(match['value']))}", "yes" if liked else "no", changed)
    for match in slots.COUNT.finditer(sentence):
        number, what = match["value"].lower(), match["what"].lower()
        yield Fact("", f"number of {slots.COUNTED.get(what, what)}", slots.NUMBERS.get(number, number), changed)


def _scheduled(sentence: str, corrected: bool) -> Iterator[Fact]:
    """Where and when something is: only a correction tells that the same thing is spoken of."""
    for match in slots.SCHEDULED.finditer(sentence):
        kind = "time" if any(timely(word) or word[0].isdigit() for word in words(match["value"])) else "place"
        yield Fact("", f"{kind} of {_stems(match['what'])}", _value(match["value"]), corrected, single=False)


def _who(text: str) -> str:
    low = text.lower()
    return "" if low in {"i", "we"} else low.removeprefix("my ")


def _value(text: str) -> str:
    """In lower case, without articles before and words of change behind."""
    low = re.sub(r"^(?:now |actually |really |a |an |the |still )+", "", " ".join(text.casefold().split()))
    low = re.split(r" (?:and|but|because|since|with|so|which|who|though|as of|instead)\b", low)[0]
    low = re.sub(r"(?: (?:now|any ?more|these days|nowadays|at the moment|currently|too|again|today|so much|a lot|very much))+$", "", low)
    return low.strip(" '\"-:")


def _stems(text: str) -> str:
    return " ".join(stem(word) for word in words(text))


def replaces(new: Fact, old: Fact) -> bool:
    """Whether the later statement puts an end to the earlier one."""
    if (new.subject, new.attribute) != (old.subject, old.attribute) or not (new.changed or new.single and old.single):
        return False
    one, other = set(_stems(new.value).split()), set(_stems(old.value).split())
    if not one or not other or one == other:
        return False
    if new.attribute == "age" and not new.changed:
        return int(new.value) > int(old.value)
    if new.attribute == "diet":  # who says that they are no vegan may be a vegetarian all along
        return not new.value.startswith("not ") or new.value == f"not {old.value}"
    return not (one < other or other < one)  # "Anna" and "Anna Maria": the same, said more exactly


def corrected_value(text: str) -> str:
    """What a correction says it was not: "no, not Tuesday", "I meant Porto, not Lisbon"; or nothing."""
    for sentence in sentences(_straight(text), 4):
        match = slots.INSTEAD.search(sentence.rstrip(" .!"))
        if match and (match["meant"] or slots.CORRECTION.match(sentence)):
            return _value(match["meant"] or match["value"])
    return ""


def says_only(text: str, said: Iterable[Fact]) -> bool:
    """Whether a note says little beside these facts, and may be put aside as a whole with them."""
    if len(text) > 8 * MOST_WORDS or len(found := words(_straight(text))) > MOST_WORDS:
        return False
    covered = {stem(word) for fact in said for part in (fact.subject, fact.attribute, fact.value) for word in words(part)}
    beside = {stem(word) for word in found if telling(word) and word.casefold() not in WEAK and not timely(word)} - covered
    return len(beside) <= _MOST_BESIDE
