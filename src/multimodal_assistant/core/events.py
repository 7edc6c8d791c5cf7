"""What happens in a conversation, told to whoever watches.

Observers only: sound and text travel in streams of their own, so an observer that is slow or fails can neither
stall nor reorder speech.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .types import Transcript, Usage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in one turn."""

    turn: str
    """Correlation id, the same for everything that belongs to one exchange."""


@dataclass(frozen=True, slots=True)
class TranscriptFinal(Event):
    """The user's words are known."""

    transcript: Transcript


@dataclass(frozen=True, slots=True)
class ReplyText(Event):
    """The language model wrote a piece of the reply."""

    delta: str


@dataclass(frozen=True, slots=True)
class ReplyFinished(Event):
    """The language model has written all of it."""

    usage: Usage | None


@dataclass(frozen=True, slots=True)
class AudioStarted(Event):
    """The first sample of the answer exists."""


E = TypeVar("E", bound=Event)


class EventBus:
    """Typed publish and subscribe, synchronous and in order."""

    def __init__(self) -> None:
        self._observers: dict[type[Event], list[Callable[[Event], None]]] = {}

    def subscribe(self, kind: type[E], observer: Callable[[E], None]) -> None:
        """Call `observer` with every event of exactly this `kind`; `Event` stands for all kinds."""

        def deliver(event: Event) -> None:
            if isinstance(event, kind):
                observer(event)

        self._observers.setdefault(kind, []).append(deliver)

    def publish(self, event: Event) -> None:
        """Tell the observers. One that raises is logged and does not keep the others from hearing."""
        for kind in (type(event), Event):
            for deliver in self._observers.get(kind, ()):
                try:
                    deliver(event)
                except Exception:
                    log.exception("an observer of %s failed", type(event).__name__)
