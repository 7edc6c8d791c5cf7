"""The constants of turn-taking, and what it asks the session to do. docs/turn-taking.md has the evidence for each."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal


class Phase(Enum):
    """Who has the floor."""

    IDLE = "idle"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds, unless said otherwise."""

    voice_on: float = 0.5
    voice_off: float = 0.35
    """Speech probability that begins and ends voice."""
    onset: float = 0.064
    """Voice that makes speech: shorter is a click."""
    soft_pause: float = 0.064
    """Silence after which a draft is started."""
    last_sound: float = 0.16
    """A sound shorter than speech, so soon after it, may be the end of its last word ("elephan-ts"): the draft is made anew."""
    score_every: float = 0.1
    score_until: float = 0.1
    """Silence after which the melody is not asked again: its score rises with any silence, so that the first says most."""
    tiers: tuple[tuple[float, float], ...] = ((0.90, 0.25), (0.85, 0.55), (0.55, 0.90), (0.20, 1.08), (0.0, 2.0))
    """(likelihood of the end at least, silence): the first that both hold commits."""
    trailing_wait: float = 2.0
    """Silence after a trailing word."""
    longest_wait: float = 2.4
    """Silence after which the turn is taken whatever else holds."""
    revision_window: float = 0.6
    revision_heard: float = 0.3
    """Speech this soon after the commit, with less than that heard, continues the turn."""
    duck_after: float = 0.1
    pause_after: float = 0.16
    """Voice over the assistant's: it is quieter, then it waits. With 0.2 s it took 0.4 s in a browser until one interruption in twenty
    was heeded. Of 300 coughs, claps and doors four last so long, and the answer goes on after them; one lasts 0.2 s."""
    floor_after: float = 0.9
    """Voice over the assistant's that takes the floor, whatever its words but a listener's. Of less, recognizers make anything: of
    40 "yeah", "okay" and "uh-huh" 16 were understood as other words; they last 0.4-0.96 s, interruptions 0.85-2.5 s."""
    short_words: int = 3
    """More words than these take the floor in less time."""
    overlap_silence: float = 0.25
    """Silence that ends an overlap."""
    verdict_wait: float = 0.9
    """How long a paused assistant waits for the words of an overlap that has ended."""
    tolerance_least: float = 0.2
    tolerance_most: float = 0.9
    tolerance_weight: float = 0.8
    """Weight of what is known in the running mean of a user's own pauses."""
    before_speech: float = 0.3
    """Kept of what was heard before the detector was sure: soft beginnings."""
    listening: bool = True
    """False: turns are taken from outside, and the voice alone does nothing."""
    interruptible: bool = True
    """False: an answer is given to its end, whatever is said over it."""

    def slower(self, factor: float) -> "Rules":
        """The same with every wait for the end of a turn longer, or shorter, by `factor`."""
        tiers = tuple((likely, wait * factor) for likely, wait in self.tiers)
        return replace(self, tiers=tiers, trailing_wait=self.trailing_wait * factor, longest_wait=self.longest_wait * factor)

    def by_silence(self, seconds: float) -> "Rules":
        """The same with so much silence as the end of a turn, whatever was said."""
        return replace(self, tiers=((0.0, seconds),), trailing_wait=seconds, longest_wait=seconds)


Kind = Literal[
    "speech_started",
    "speech_stopped",
    "start_draft",
    "score",
    "retract",
    "commit",
    "give_up",
    "revise",
    "duck",
    "unduck",
    "pause",
    "resume",
    "stop",
    "overhear",
]


@dataclass(frozen=True, slots=True)
class Action:
    """What the session is to do."""

    kind: Kind
    revision: int = 0
    """Of the draft it is about: a later result with an older number is stale."""
    reason: str = ""
    since: float = 0.0
    """When the speech that caused it began."""
