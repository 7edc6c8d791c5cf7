"""The words of a question → what it asks for: terms, whose words, which time."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from multimodal_assistant.memory.terms import name_pattern, spellings, terms_of
from multimodal_assistant.processors.time_expressions import Window, windows

_ASKS_WHEN = re.compile(r"\b(?:when|how\s+long|(?:what|which)\s+(?:date|day|week|weekend|month|season|year|time))\b", re.IGNORECASE)
_SELF = re.compile(r"\b(?:i|me|my|mine|myself|i['’](?:m|d|ve|ll))\b", re.IGNORECASE)
_OTHER = re.compile(r"\b(?:you|your|yours|yourself|you['’](?:d|ve|re|ll))\b", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,|&|\band\b|\bor\b)\s*(?:(?:his|her|their)\s+\w+\s*,?\s*)?", re.IGNORECASE)

_SUBJECT_CERTAINTY = 0.5
"""Of who is meant when a question names several: "What did Ann say about Ben's dog?" is answered by Ann, often."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, read from the words alone."""

    text: str
    embedded: str
    """To be embedded: the words with "you" for the speakers, whose names are embedded with no note."""
    terms: tuple[str, ...]
    """Stemmed, each once, in their order."""
    speaker: str | None
    """Name of the one whose words are asked for, "" being the user; None: anyone's."""
    certainty: float
    """Of `speaker`, in [0, 1]; 0 if None."""
    windows: tuple[Window, ...]
    """The spans of time it names."""
    asks_when: bool
    """A time is what it asks for."""


def read_question(text: str, speakers: Collection[str], now: datetime, assistant: str = "assistant") -> Question:
    """What `text` asks for, at `now`, of a memory with notes of these `speakers` ("", the user, need not be among them).

    `assistant` is the name under which its own notes are kept: "you" asks for those.
    """
    names = _as_spelled(text, speakers)
    mentions = _mentions(text, names)
    speaker, certainty = _speaker(text, [(names[mention[1]], mention) for mention in mentions], assistant)
    embedded = _addressed(text, mentions)
    return Question(
        text=text,
        embedded=embedded,
        terms=tuple(dict.fromkeys(terms_of(embedded))),
        speaker=speaker,
        certainty=certainty,
        windows=windows(text, now),
        asks_when=_ASKS_WHEN.search(text) is not None,
    )


def _as_spelled(text: str, speakers: Collection[str]) -> dict[str, str]:
    """Spelling in the question → name. Recognized speech has no capitals: where `text` has none, names may lack theirs too."""
    spelled = spellings(speakers)
    if text == text.lower():
        # "will", "may": only a name that is no stopword can be told from a word.
        spelled |= {spelling.lower(): name for spelling, name in list(spelled.items()) if terms_of(spelling)}
    return spelled


def _mentions(text: str, names: Collection[str]) -> list[re.Match[str]]:
    """Where `names` are; group 1 is the name, group 2 a possessive ending."""
    pattern = name_pattern(names)
    # "Will it rain?", "May I?": the capital is that of the sentence.
    return [mention for mention in pattern.finditer(text) if mention.start() or terms_of(mention[1])] if pattern else []


def _addressed(text: str, mentions: Sequence[re.Match[str]]) -> str:
    """The question as it would be put to the speakers themselves: "What did you say about your dog?" is close to what they answer."""
    parts: list[str] = []
    end = 0
    for mention in mentions:
        parts += [text[end : mention.start()], "your" if mention[2] else "you"]
        end = mention.end()
    return "".join([*parts, text[end:]])


def _speaker(text: str, mentions: Sequence[tuple[str, re.Match[str]]], assistant: str) -> tuple[str | None, float]:
    """Whose words are asked for, and how surely. `mentions`: names and where they are."""
    named = list(dict.fromkeys(name for name, _ in mentions))
    if len(named) == 1:
        return named[0], 1.0
    if named:
        return _subject(text, mentions)
    if _SELF.search(text):
        return "", 1.0
    if _OTHER.search(text):
        return assistant, 1.0
    return None, 0.0


def _subject(text: str, mentions: Sequence[tuple[str, re.Match[str]]]) -> tuple[str | None, float]:
    """The first who is no owner of something ("Ben's dog"); nobody if they are named together ("Ann and Ben", "both")."""
    places = [mention for _, mention in mentions]
    together = any(_JOINED.fullmatch(text, first.end(), second.start()) for first, second in zip(places, places[1:], strict=False))
    if together or re.search(r"\bboth\b", text, re.IGNORECASE):
        return None, 0.0
    return next((name for name, mention in mentions if not mention[2]), mentions[0][0]), _SUBJECT_CERTAINTY
