"""What was found → the sentence that is said of it. Pure; English."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from multimodal_assistant.processors.numerals import cardinal
from multimodal_assistant.processors.scene import NUMBERS, SURE, article, in_words, place, plural
from multimodal_assistant.processors.visual_words import singular

from .requests import Past
from .view import KeptView, Recalled

_DAY = 86_400.0
_MOST_THINGS = 5
_OWN = {"my": "your", "our": "your", "your": "my"}
_ARTICLES = frozenset("a an any some".split())


def when(at: float, now: datetime) -> str:
    """ "at 14:32, five minutes ago"; "yesterday at 9:05"; "on Monday at 9:05". now: with the time zone that is told."""
    then = datetime.fromtimestamp(at, now.tzinfo)
    clock = f"at {then.hour}:{then.minute:02}"
    days = (now.date() - then.date()).days
    if days <= 0:
        return f"{clock}, {ago(now.timestamp() - at)}"
    if days == 1:
        return f"yesterday {clock}"
    return f"on {then:%A} {clock}" if days < 7 else f"on {then.day} {then:%B} {clock}"


def ago(seconds: float) -> str:
    """In words, as exact as people are: "just now", "five minutes ago", "an hour and a half ago"."""
    if seconds < 45:
        return "just now"
    minutes = round(seconds / 60)
    if minutes < 55:
        return "a minute ago" if minutes <= 1 else f"{cardinal(minutes)} minutes ago"
    halves = round(seconds / 1800)
    if halves <= 2:
        return "an hour ago"
    if halves == 3:
        return "an hour and a half ago"
    return f"{cardinal(round(seconds / 3600))} hours ago"


def named(thing: str) -> str:
    """As the assistant says it: "my phone" → "your phone", "dogs" → "a dog"."""
    first, _, rest = thing.partition(" ")
    if first in _OWN and rest:
        return f"{_OWN[first]} {rest}"
    if first in _ARTICLES and rest:
        return f"{article(singular(rest))} {singular(rest)}"
    if first in {"the", "this", "that", "these", "those"} and rest:
        return thing
    if thing == "people":
        return "anybody"
    return f"{article(singular(thing))} {singular(thing)}"


def found(request: Past, one: Recalled, now: datetime) -> str:
    """Where and when it was seen."""
    at = when(moment_of(one, request.until), now)
    if one.why == "seen":
        sure = one.things[0].probability >= SURE
        yes = "" if request.kind != "whether" else "Yes, " if sure else "Perhaps: "
        what = f"I saw {_things(one)}" if sure else f"I think I saw {_things(one)}"
        return f"{yes}{what} {at}."
    then = in_words(one.view.seen) if one.view.seen.sightings else one.view.caption or one.view.words
    if one.why == "words":
        return f"I saw something of that {at}. {then}"
    return f"I am not sure, but it may have been {at}. {then}"


def _things(one: Recalled) -> str:
    label = one.things[0].label
    count = sum(thing.label == label for thing in one.things)
    if count > 1:
        return f"{NUMBERS[count] if count < len(NUMBERS) else count} {plural(label)}"
    return f"{article(label)} {label}{place(one.things[0].box)}"


def moment_of(one: Recalled, until: float | None = None) -> float:
    """When it was seen last, of the time that is asked about."""
    return one.view.last_seen_at if until is None else min(one.view.last_seen_at, until)


def not_found(request: Past) -> str:
    """What was asked for has not been seen."""
    span = f" {request.span}" if request.span else ""
    yes = "No, " if request.kind == "whether" else ""
    return f"{yes}I have not seen {named(request.thing)}{span}."


def summary(request: Past, views: Sequence[KeptView], now: datetime) -> str:
    """What there was to see, the most frequent first."""
    span = f" {request.span}" if request.span else " today"
    if not views:
        return f"I have seen nothing{span}."
    counts = Counter(one for view in views for one in {sighting.label for sighting in view.seen.sightings})
    last = when(max(min(view.last_seen_at, request.until or view.last_seen_at) for view in views), now)
    if not counts:
        return f"I have looked{span}, last {last}, but there was nothing that I recognized."
    most = {label: max(sum(one.label == label for one in view.seen.sightings) for view in views) for label in counts}
    things = [f"{article(label)} {label}" if most[label] == 1 else plural(label) for label, _ in counts.most_common(_MOST_THINGS)]
    listed = things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
    return f"I saw {listed}{span}, last {last}."


def forgetting(count: int, span: str) -> str:
    """The confirmation."""
    of = f" {span}" if span else ""
    if not count:
        return f"I have nothing to forget: I have kept no pictures{of}."
    return f"I forget what I have seen{of}: {'one picture is' if count == 1 else f'{cardinal(count)} pictures are'} deleted."
