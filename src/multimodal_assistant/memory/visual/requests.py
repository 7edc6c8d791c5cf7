"""Words of the user → what they ask of what was seen before. Pure; English."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from multimodal_assistant.processors.time_expressions import windows

Kind = Literal["where", "when", "whether", "what", "forget"]


@dataclass(frozen=True, slots=True)
class Past:
    """A request about the past. Times are epoch seconds."""

    kind: Kind
    thing: str = ""
    """As it was said, with its article."""
    since: float | None = None
    until: float | None = None
    span: str = ""
    """The time it is about, as it was said: "today", "in the last hour"."""
    now: bool = False
    """It may be in view: what is there now answers as well."""


_LEAD = re.compile(
    r"^(?:(?:hey|hi|hello|okay|ok|so|and|but|well|now|please|yes|no|um|uh|oh|actually|assistant|then|also|"
    r"(?:can|could|would|will) you(?: please)?(?: tell me| remember| say)?|tell me|do you (?:know|remember)|i wonder|"
    r"i want (?:you to|to know)|by the way)[ ,.!:]+)+"
)
_THING = r"(?P<thing>[a-z][a-z0-9' -]*?)"
_SEE = r"(?:see|notice|spot)"
_SEEN = r"(?:seen|noticed|spotted)"
_FORGET = "(?:forget|delete|erase|remove|clear|wipe)"
_EVER = r"(?:(?:last|ever|also|already|actually|recently|happen to|by any chance) )*"
_AGAIN = r"(?: (?:last|the last time|again|anywhere|somewhere|around|here|there|around here|lying around|at all|please|too|on camera))*"

_LEFT = "leave|left|put|lay|laid|place|placed|drop|dropped|lose|lost"
_ALL_SEEN = "(?:everything|all|all of|anything|all that|everything that)"
_KEPT = "(?:that )?you (?:have )?(?:kept|took|taken|saved|remember|made)"

_ASKED: tuple[tuple[Kind, bool, str], ...] = (
    ("where", False, rf"where (?:did|have) (?:you|i|we) {_EVER}(?:{_SEE}|{_SEEN}|saw) {_THING}{_AGAIN}"),
    ("where", False, rf"where you {_EVER}(?:{_SEEN}|saw) {_THING}{_AGAIN}"),
    ("where", True, rf"where (?:did|have) (?:i|we) {_EVER}(?:{_LEFT}) {_THING}{_AGAIN}"),
    ("where", False, rf"where (?:was|were) {_THING} (?:last|the last time|when you (?:last )?saw (?:it|them|him|her)(?: last)?)"),
    ("where", True, rf"where(?:'s| is| are|'re) (?P<mine>(?:my|our) ){_THING}{_AGAIN}"),
    ("where", True, rf"where (?P<mine>(?:my|our) ){_THING} (?:is|are|might be|could be|went)"),
    ("when", False, rf"when (?:did|have) you {_EVER}(?:{_SEE}|{_SEEN}) {_THING}{_AGAIN}"),
    ("when", False, rf"when you {_EVER}(?:{_SEEN}|saw) {_THING}{_AGAIN}"),
    ("when", False, rf"(?:when was|how long ago was) the last time (?:that )?you (?:saw|noticed|spotted) {_THING}"),
    ("when", False, rf"how long ago did you {_EVER}{_SEE} {_THING}{_AGAIN}"),
    ("when", False, rf"when (?:was|were) {_THING} (?:last )?(?:seen|here|there|in view)"),
    ("whether", True, rf"have you {_EVER}{_SEEN} {_THING}{_AGAIN}"),
    ("whether", False, rf"did you {_EVER}{_SEE} {_THING}{_AGAIN}"),
    ("whether", False, r"(?:who|which people) (?:did|have) you (?:see|seen)(?: here)?"),
    ("whether", False, r"did (?P<thing>anybody|anyone|somebody|someone) (?:come|pass)(?: (?:in|by|here|over|home|to the door))?"),
    ("whether", False, r"(?:was|has) (?P<thing>anybody|anyone|somebody|someone) (?:been )?(?:here|there|in the room|at the door)"),
    ("what", False, r"what (?:else )?(?:did|have) you (?:see|seen)(?: (?:here|there|happen))?"),
    ("forget", False, rf"{_FORGET} (?:{_ALL_SEEN} ?)?(?:what(?:ever)? |that )?you(?:'ve| have)? (?:ever )?(?:seen|saw|see)"),
    (
        "forget",
        False,
        rf"{_FORGET} (?:all )?(?:of )?(?:the |your |my )?(?:pictures|photos|images|views|visual (?:memory|memories))(?: {_KEPT})?",
    ),
)
"""What is asked for, whether it may be in view now, and how people say it."""
_PATTERNS: tuple[tuple[Kind, bool, re.Pattern[str]], ...] = tuple((kind, now, re.compile(f"^{pattern}$")) for kind, now, pattern in _ASKED)

_NO_THINGS = frozenset("it that this them these those him her he she me us what why how one".split()) | frozenset(
    f"the {word}" for word in "point problem difference news film movie match game show episode video message email".split()
)
_ANYTHING = frozenset({"anything", "something", "everything", "anything new", "anything interesting", "things"})
_PEOPLE = {"anybody": "a person", "anyone": "a person", "somebody": "a person", "someone": "a person", "people": "people"}

_NUMBERS = {word: number for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())} | {
    **{"a": 1, "an": 1, "couple": 2, "a couple of": 2, "few": 4, "a few": 4, "fifteen": 15, "twenty": 20, "thirty": 30, "half an": 0.5}
}
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0, "week": 604_800.0}
_COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WITHIN = re.compile(rf"(?:in|within|during|over|for|from) the (?:last|past) (?:{_COUNT} )?(?P<unit>{'|'.join(_UNITS)})s?")
_AGO = re.compile(rf"{_COUNT} (?P<unit>second|minute|hour)s? ago")
_MOMENT = re.compile(r"just now|(?:a moment|a second) ago")
_PART = re.compile(r"(?P<day>this|yesterday|tomorrow) (?P<part>morning|afternoon|evening|night)|tonight|last night")
_DATED = re.compile(
    rf"(?:since )?(?:today|yesterday|the day before yesterday|this week|last week|last weekend|(?:on |last )?(?:{_DAYS})|"
    r"\d{1,2} days? ago|(?:two|three|four|five|six) days ago)"
)
_VAGUE = re.compile(r"earlier today|earlier|so far today|so far|recently|lately|before|up to now|until now")
_HOURS = {"morning": (4, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (18, 29)}


def past(said: str, now: datetime) -> Past | None:
    """What is asked; None where it is not about the past. now: with its time zone, in which "this morning" is meant."""
    text = re.sub(r"\s+", " ", said.lower().replace("\u2019", "'")).strip(" .?!,")
    text = _LEAD.sub("", text).strip(" .?!,")
    span, window, text = _span(text, now)
    since, until = window or (None, None)
    for kind, may_be_now, pattern in _PATTERNS:
        if (match := pattern.match(text)) is None:
            continue
        groups = match.groupdict()
        thing = (groups.get("mine") or "") + (groups.get("thing") or "")
        thing = _PEOPLE.get(thing, thing)
        if kind == "whether" and not thing:
            thing = "people"
        if thing in _ANYTHING:
            return Past("what", "", since, until, span)
        if thing in _NO_THINGS or kind not in {"what", "forget"} and not thing:
            return None
        return Past(kind, thing, since, until, span, may_be_now and window is None)
    return None


def _span(text: str, now: datetime) -> tuple[str, tuple[float, float] | None, str]:
    """The time that is spoken of, as it was said and as epoch seconds from and to, and the text without it."""
    for pattern, read in ((_WITHIN, _within), (_AGO, _ago), (_MOMENT, _moment), (_PART, _part), (_DATED, _dated)):
        match = re.search(rf"(?:^|(?<= )){pattern.pattern}(?=$|[ ,])", text)
        if match is not None and (window := read(match, now)) is not None:
            return _capital(match[0].strip()), window, _without(text, match)
    vague = re.search(rf"(?:^|(?<= ))(?:{_VAGUE.pattern})$", text)
    return "", None, text if vague is None else _without(text, vague)


def _capital(span: str) -> str:
    return re.sub(rf"\b(?:{_DAYS})\b", lambda day: day[0].capitalize(), span)


def _without(text: str, match: re.Match[str]) -> str:
    return re.sub(r"\s+", " ", f"{text[: match.start()]} {text[match.end() :]}").strip(" ,")


def _number(word: str | None) -> float:
    return 1.0 if word is None else float(word) if word.isdigit() else float(_NUMBERS[word])


def _within(match: re.Match[str], now: datetime) -> tuple[float, float]:
    end = now.timestamp()
    return end - _number(match["count"]) * _UNITS[match["unit"]], end


def _ago(match: re.Match[str], now: datetime) -> tuple[float, float]:
    """As exact as it was said: an hour ago is half an hour more or less."""
    unit = _UNITS[match["unit"]]
    seconds = _number(match["count"]) * unit
    slack = max(unit / 2, seconds / 4, 60.0)
    return now.timestamp() - seconds - slack, now.timestamp() - seconds + slack


def _moment(_: re.Match[str], now: datetime) -> tuple[float, float]:
    return now.timestamp() - 120.0, now.timestamp()


def _part(match: re.Match[str], now: datetime) -> tuple[float, float] | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    last = match[0] == "last night"
    if match["day"] == "tomorrow":
        return None
    if match["day"] == "yesterday" or last:
        midnight -= timedelta(days=1)
    first, end = _HOURS["night" if last else match["part"] or "evening"]
    return (midnight + timedelta(hours=first)).timestamp(), (midnight + timedelta(hours=end)).timestamp()


def _dated(match: re.Match[str], now: datetime) -> tuple[float, float] | None:
    found = windows(match[0], now)
    return (found[0].start.timestamp(), found[0].end.timestamp()) if found else None
