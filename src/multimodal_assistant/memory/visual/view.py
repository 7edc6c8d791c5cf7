"""A view that is kept, and the pieces of it that are found again."""

from dataclasses import dataclass
from typing import Literal

from multimodal_assistant.core.types import Box, Pixels, Sighting
from multimodal_assistant.processors.scene import Seen

Why = Literal["seen", "words", "likeness"]
"""By what a view was found: a thing that was recognized in it, words of or in it, or that the whole or a part of it looks like it."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What is to be kept."""

    pixels: Pixels
    at: float
    """Epoch seconds."""
    source: str
    """What showed it, for people: "camera 0"."""
    seen: Seen = Seen()
    changed: tuple[Box, ...] = ()
    """Where it differs from what was kept before."""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class KeptView:
    """One that is kept, without its picture."""

    id: int
    user: str
    source: str
    seen_at: float
    """Epoch seconds, when it came into view."""
    last_seen_at: float
    """When it was seen last; what is seen again unchanged is kept once."""
    seen: Seen
    words: str
    """What was recognized, in words."""
    caption: str = ""
    """What a model that sees said of it."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A view that was asked for."""

    view: KeptView
    why: Why
    things: tuple[Sighting, ...] = ()
    """What was asked for, as it was recognized; the surest first."""
    likeness: float = 0.0
    """Cosine of the angle between the words of the question and the nearest part of the view."""
    whole: float = 0.0
    """The same of the view as a whole."""
