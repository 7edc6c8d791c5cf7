"""Conversations to remember, and questions about them with the turns that answer: one shape for all data sets."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said: one note."""

    id: str
    """Unique within its conversation: what evidence names."""
    content: str
    speaker: str
    """Empty: the user."""
    session: str
    position: int
    """Place within the session, from 0."""
    at: datetime
    """Sessions are dated, their turns are not: half a minute is put between them, so that their order shows."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question about a conversation."""

    text: str
    evidence: frozenset[str]
    """Ids of the turns that answer."""
    kind: str
    """Category of its data set."""
    answerable: bool = True
    """False: the evidence, if any, only makes it look so."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one user's memory holds."""

    id: str
    turns: tuple[Turn, ...]
    queries: tuple[Query, ...]
    now: datetime
    """When the questions are asked: a day after the last turn."""
