"""Words of the user → what they ask of the memory itself. Pure; English."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_NUMBERS = {word: number for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())} | {
    "a": 1,
    "an": 1,
    "few": 5,
    "couple": 2,
    "couple of": 2,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
}
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 604800.0}

_PLEASE = r"^(?:(?:please|okay|ok|hey|now|could you|can you|would you|i want you to|i'd like you to)[ ,]+)*"
_FORGET = r"(?:forget|delete|erase|remove)"
_SPAN = re.compile(
    rf"{_PLEASE}{_FORGET}\b.*?\b(?:the )?(?:last|past) (?:(?P<count>\d+|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))}) )?"
    rf"(?P<unit>{'|'.join(_UNITS)})s?\b",
)
_ABOUT = re.compile(rf"{_PLEASE}{_FORGET}\b(?: .*?)? (?:about|regarding) (?P<topic>.+)$")
_ALL = re.compile(
    rf"{_PLEASE}{_FORGET} (?:everything|all)(?: (?:that )?(?:you know|you remember|i said|i told you|i've told you))?(?: about me)?$"
)
_TOPIC_START = re.compile(r"^(?:my|the|our|a|an) ")


_ASKS = re.compile(
    r"^(?:(?:so|and|but|well|okay|ok|hey|hello|hi|please|now|then|no|yes|oh|um|uh)[ ,.!]+)*"
    r"(?:what|when|where|which|who|whom|whose|why|how|what's|who's|where's|when's|how's|is|are|am|was|were|do|does|did|can|could|will|would|"
    r"should|shall|may|might|has|have (?:i|you|we|they)|tell|say|show|give|read|write|sing|explain|describe|repeat|translate|spell|count|"
    r"set|start|stop|pause|play|turn|switch|open|close|put on|increase|decrease|lower|raise|dim|add|call|text|send|wake|find|search|look|"
    r"check|help|let's|go on|continue|wait|thanks|thank you|goodbye|bye|good morning|good night|good evening|hello|hi)\b"
)


def informs(said: str) -> bool:
    """Whether somebody says something that is worth knowing later: no question, no order, no greeting. "Remember …" is none of these."""
    text = re.sub(r"\s+", " ", said.lower().replace("\u2019", "'")).strip()
    sentences = [one for one in re.split(r"(?<=[.!?\u2026]) ", text) if re.search(r"\w", one)]
    return any(not one.endswith("?") and not _ASKS.match(one) and len(one.split()) > 2 for one in sentences)


@dataclass(frozen=True, slots=True)
class Forget:
    """The user wants something forgotten: what names all of `about`, or what was said since then."""

    about: str = ""
    since: datetime | None = None

    @property
    def what(self) -> str:
        """For people."""
        return f"about {self.about}" if self.about else f"since {self.since:%H:%M}" if self.since else ""


def forget_request(said: str, now: datetime) -> Forget | None:
    """What is to be forgotten, where that is what is asked; None for everything else, and for the request to forget everything, which
    takes more than a sentence that may have been misheard.
    """
    text = re.sub(r"\s+", " ", said.lower().replace("\u2019", "'")).strip(" .!?,")
    if _ALL.search(text):
        return None
    if span := _SPAN.search(text):
        count = span["count"] or "1"
        number = int(count) if count.isdigit() else _NUMBERS[count]
        seconds = number * _UNITS[span["unit"]]
        return Forget(since=now - timedelta(seconds=seconds)) if seconds <= 31 * _UNITS["day"] else None
    if about := _ABOUT.search(text):
        topic = _TOPIC_START.sub("", about["topic"]).strip()
        return Forget(about=topic) if topic not in {"", "it", "that", "this", "me"} else None
    return None
