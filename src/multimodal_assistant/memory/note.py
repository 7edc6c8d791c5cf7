"""A memory, and whose it is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

from multimodal_assistant.core.errors import InvalidSetting

Source = Literal["user", "assistant", "summary", "import"]
"""Who the words of a note are from. Recalled text, system text and the output of tools never become notes."""

MOST_CHARACTERS = 1_000_000
"""Of one note."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memories: a user, always; within it, optionally, one agent and one session."""

    user: str
    agent: str = ""
    session: str = ""

    def __post_init__(self) -> None:
        if not self.user.strip():
            raise InvalidSetting("A memory belongs to a user, and none was named.", "Give the user's name.")

    def holds(self, other: "Scope") -> bool:
        """Whether a note of that scope is one of this."""
        return self.user == other.user and self.agent in {"", other.agent} and self.session in {"", other.session}

    def over(self, other: "Scope") -> "Scope":
        """Where a note of that scope is when it becomes one of this: its agent and session are as they were, where this names none."""
        return Scope(self.user, self.agent or other.agent, self.session or other.session)


@dataclass(frozen=True, slots=True)
class Evolution:
    """One change of what is derived from a note. Its words never change."""

    at: datetime
    by: str
    """The model, or the rule, that made it."""
    field: str
    old: object
    new: object
    cause: str = ""
    """Id of the note that gave rise to it."""
    prompt_hash: str = ""


@dataclass(frozen=True, slots=True)
class MemoryNote:
    """A-MEM's note (arXiv:2502.12110) with all its fields, and what a conversation adds. Times are aware of their zone."""

    content: str
    """Word for word, for ever."""
    scope: Scope
    id: str = field(default_factory=lambda: str(uuid4()))
    keywords: tuple[str, ...] = ()
    """Salient terms of the content, the most telling first."""
    context: str = "General"
    """One sentence: what it is about."""
    tags: tuple[str, ...] = ()
    """Broad categories."""
    category: str = "Uncategorized"
    links: tuple[str, ...] = ()
    """Ids of related notes; links go both ways."""
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was said."""
    last_accessed: datetime | None = None
    retrieval_count: int = 0
    evolution_history: tuple[Evolution, ...] = ()

    speaker: str = ""
    """Name of who said it; empty: the user."""
    source: Source = "user"
    position: int = -1
    """Place within its session, counted from 0: notes next to each other were said one after the other. Negative: after the last."""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    superseded_by: str = ""
    """The note that corrects it, from `valid_to` on."""
    made_of: tuple[str, ...] = ()
    """Of a summary: the notes that it says again, in order. It goes when one of them does."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A note that was found."""

    note: MemoryNote
    score: float
    """Higher is better."""
    confidence: float = 0.0
    """Probability that it answers the question, in [0, 1]: alike for all hits of one search, that of the best."""
    bears: bool = False
    """By itself it bears on the question: near in meaning, with all its words, or said when the question asks about."""
    neighbors: tuple[MemoryNote, ...] = ()
    """What it is linked to, beside the number of hits that was asked for."""


def content_of(text: str) -> str:
    """`text` as it may be kept. Raises `InvalidSetting` for none, or far too much."""
    if not text.strip():
        raise InvalidSetting("A memory needs words.", "Give the text of the note.")
    if len(text) > MOST_CHARACTERS:
        raise InvalidSetting(f"A memory of {len(text)} characters is too long.", f"Split it: at most {MOST_CHARACTERS} are kept.")
    return text
