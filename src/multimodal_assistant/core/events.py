"""What happens in a conversation, told to whoever watches.

Observers only: sound and text travel in streams of their own, so an observer that is slow or fails can neither
stall nor reorder speech.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from .types import RememberedView, ToolCall, Transcript, Usage

log = logging.getLogger(__name__)

CUT = "cut short"
"""Why an answer stopped that was ended from outside, not by the user's voice."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in one turn."""

    name: ClassVar[str] = "event"
    """What it is called in an event file."""
    turn: str
    """Correlation id, the same for everything that belongs to one exchange."""
    t: float = field(default=0.0, kw_only=True)
    """Seconds since the conversation's first input sample."""


@dataclass(frozen=True, slots=True)
class SpeechStarted(Event):
    """The user's voice began at `since`; it is certain now."""

    name: ClassVar[str] = "speech.started"
    since: float


@dataclass(frozen=True, slots=True)
class SpeechStopped(Event):
    """The user fell silent at `since`, perhaps only for a moment."""

    name: ClassVar[str] = "speech.stopped"
    since: float


@dataclass(frozen=True, slots=True)
class TranscriptPartial(Event):
    """The words so far, while the user speaks."""

    name: ClassVar[str] = "transcript.partial"
    text: str


@dataclass(frozen=True, slots=True)
class AnswerRequested(Event):
    """An answer was asked for otherwise than by voice."""

    name: ClassVar[str] = "answer.requested"


@dataclass(frozen=True, slots=True)
class TranscriptFinal(Event):
    """The user's words are known."""

    name: ClassVar[str] = "transcript.final"
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class TranscriptFailed(Event):
    """The user's words will never be known."""

    name: ClassVar[str] = "transcript.failed"
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DraftStarted(Event):
    """An answer is being prepared in silence."""

    name: ClassVar[str] = "draft.started"
    revision: int


@dataclass(frozen=True, slots=True)
class DraftRetracted(Event):
    """It never happened: the user went on."""

    name: ClassVar[str] = "draft.retracted"
    revision: int
    reason: str


@dataclass(frozen=True, slots=True)
class TurnCommitted(Event):
    """The user's turn is over."""

    name: ClassVar[str] = "turn.committed"
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerBegun(Event):
    """An answer has the floor. aloud: it will be spoken; else it is written alone."""

    name: ClassVar[str] = "answer.begun"
    aloud: bool


@dataclass(frozen=True, slots=True)
class ReplyText(Event):
    """The language model wrote a piece of the reply."""

    name: ClassVar[str] = "reply.text"
    delta: str


@dataclass(frozen=True, slots=True)
class ReplySpoken(Event):
    """The user has heard a further piece of the reply; the pieces in a row are the reply as it is written."""

    name: ClassVar[str] = "reply.spoken"
    delta: str


@dataclass(frozen=True, slots=True)
class ReplyFinished(Event):
    """The language model has written all of it."""

    name: ClassVar[str] = "reply.finished"
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class AudioStarted(Event):
    """The first sample of the answer goes out."""

    name: ClassVar[str] = "audio.started"


@dataclass(frozen=True, slots=True)
class ViewShown(Event):
    """The answer, of which something has just been heard or read, tells of this view: whoever has a screen shows it."""

    name: ClassVar[str] = "view.shown"
    view: RememberedView


@dataclass(frozen=True, slots=True)
class StopgapStarted(Event):
    """The answer is late: something else is said meanwhile, which is no part of it."""

    name: ClassVar[str] = "stopgap.started"


@dataclass(frozen=True, slots=True)
class AnswerGivenUp(Event):
    """It took too long; what is said about that has gone out."""

    name: ClassVar[str] = "answer.given_up"


@dataclass(frozen=True, slots=True)
class AudioFinished(Event):
    """The last sample of the answer has gone out."""

    name: ClassVar[str] = "audio.finished"


@dataclass(frozen=True, slots=True)
class AnswerFinished(Event):
    """Nothing more comes of the answer: it was heard, or read, to its end. With `calls` it goes on once their outcomes are known."""

    name: ClassVar[str] = "answer.finished"
    usage: Usage | None
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class AudioPaused(Event):
    """The user's voice is over the assistant's, which waits."""

    name: ClassVar[str] = "audio.paused"


@dataclass(frozen=True, slots=True)
class AudioResumed(Event):
    """It was no interruption: the answer goes on where it was."""

    name: ClassVar[str] = "audio.resumed"
    reason: str


@dataclass(frozen=True, slots=True)
class AudioStopped(Event):
    """The answer was interrupted; the user heard these words of it."""

    name: ClassVar[str] = "audio.stopped"
    heard_text: str
    reason: str


@dataclass(frozen=True, slots=True)
class TurnMetrics(Event):
    """Where the time of a turn went."""

    name: ClassVar[str] = "turn.metrics"
    stages: dict[str, float | None]
    """Stage → milliseconds; None for one that did not happen."""


@dataclass(frozen=True, slots=True)
class Failure(Event):
    """A part failed; the conversation goes on."""

    name: ClassVar[str] = "error"
    problem: str
    remedy: str


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
        for kind in dict.fromkeys((type(event), Event)):
            for deliver in self._observers.get(kind, ()):
                try:
                    deliver(event)
                except Exception:
                    log.exception("an observer of %s failed", type(event).__name__)
