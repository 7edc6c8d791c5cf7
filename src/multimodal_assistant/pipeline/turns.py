"""Who has the floor: speech probabilities, end-of-turn scores and words in; actions out. Pure: no clock, no I/O.

All times are seconds on the input's own clock (samples received / sample rate). The session feeds every window of audio to
`hear`, carries out the actions it gets back, and reports what came of them.

A turn goes: speech → soft pause → *draft* (the whole answer is prepared, silently) → *commit* (its sound is released) or
*retract* (the user goes on: nothing of it ever happened). While the assistant speaks, the user's voice first ducks it, then
pauses it, and then either stops it (real words) or lets it go on where it was ("mm-hm", a cough).
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from multimodal_assistant.processors.words import asks_to_stop, is_backchannel, trails_off, words_of


class Phase(Enum):
    """Who has the floor."""

    IDLE = "idle"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Rules:
    """The constants of turn-taking; docs/turn-taking.md has the evidence for each."""

    voice_on: float = 0.5
    voice_off: float = 0.35
    """Speech probability that begins and ends voice."""
    onset: float = 0.064
    """Seconds of voice that make speech: shorter is a click."""
    soft_pause: float = 0.064
    """Silence after which a draft is started."""
    score_every: float = 0.1
    tiers: tuple[tuple[float, float], ...] = ((0.85, 0.20), (0.50, 0.35), (0.20, 0.50), (0.0, 1.1))
    """(end-of-turn score at least, silence in seconds): the first that both hold commits."""
    trailing_wait: float = 2.0
    """Silence after a trailing word, or a score below `hopeless`."""
    hopeless: float = 0.05
    longest_wait: float = 2.4
    """Silence after which the turn is taken whatever else holds."""
    revision_window: float = 0.6
    revision_heard: float = 0.3
    """Speech this soon after the commit, with less than that heard, continues the turn."""
    duck_after: float = 0.1
    pause_after: float = 0.2
    stop_after: float = 0.9
    """Seconds of voice over the assistant's."""
    stop_words: int = 2
    overlap_silence: float = 0.25
    """Silence that ends an overlap."""
    verdict_wait: float = 0.9
    """How long a paused assistant waits for the words of an overlap that has ended."""
    tolerance_least: float = 0.2
    tolerance_most: float = 0.9
    tolerance_weight: float = 0.8
    """Weight of what is known in the running mean of a user's own pauses."""


Kind = Literal[
    "speech_started",
    "speech_stopped",
    "start_draft",
    "score",
    "retract",
    "commit",
    "discard",
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


@dataclass(slots=True)
class _Voice:
    """Whether there is voice, since when, and what came before."""

    active: bool = False
    since: float = 0.0
    """Start of the present stretch of voice or silence."""
    confirmed: bool = False
    """The present voice has lasted long enough to be speech."""
    silent_since: float = 0.0
    """Start of the latest silence: a click does not end it."""


@dataclass(slots=True)
class _Draft:
    """What is known of the answer being prepared."""

    revision: int
    begun: float
    text: str | None = None
    score: float | None = None
    scored_at: float = field(default=-1.0)
    """Time of the last request for a score."""


@dataclass(slots=True)
class _Overlap:
    """The user's voice over the assistant's."""

    begun: float
    step: Literal["heard", "ducked", "paused"] = "heard"
    text: str | None = None
    ended: float | None = None
    asked: bool = False
    """Its words have been asked for since it ended."""


class Turns:
    """The state machine. One per conversation."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.phase = Phase.IDLE
        self.tolerance = self.rules.tolerance_least
        """Seconds: how long this user pauses within a turn, learnt."""
        self._voice = _Voice()
        self._draft: _Draft | None = None
        self._overlap: _Overlap | None = None
        self._revisions = 0
        self._committed_at = 0.0
        self._heard = 0.0

    # What happens

    def hear(self, now: float, probability: float, window: float) -> list[Action]:
        """One more window of input, ending at `now` and `window` seconds long, holds speech with this probability."""
        began = self._track(now, probability, window)
        match self.phase:
            case Phase.IDLE:
                return self._idle(began)
            case Phase.USER:
                return self._user(now, began)
            case Phase.ASSISTANT:
                return self._assistant(now)

    def understood(self, now: float, revision: int, text: str) -> list[Action]:
        """The words of the draft are known."""
        if self._draft is None or self._draft.revision != revision:
            return []
        self._draft.text = text
        if not words_of(text):
            return self._discard("no words")
        return self._decide(now)

    def scored(self, now: float, revision: int, score: float) -> list[Action]:
        """The end-of-turn model has spoken."""
        if self._draft is None or self._draft.revision != revision:
            return []
        self._draft.score = score
        return self._decide(now)

    @property
    def overlap_since(self) -> float | None:
        """When the user's voice began over the paused assistant's, while it goes on."""
        overlap = self._overlap
        return overlap.begun if overlap is not None and overlap.step == "paused" and overlap.ended is None else None

    @property
    def overlapping(self) -> bool:
        """Whether the words of an overlap are of use."""
        return self._overlap is not None

    def failed(self, revision: int) -> list[Action]:
        """The draft could not be made: the turn is given up."""
        if self._draft is None or self._draft.revision != revision:
            return []
        return self._discard("failed")

    def overheard(self, now: float, text: str) -> list[Action]:
        """The words of the overlap up to `now`, which may be a while ago."""
        overlap = self._overlap
        if overlap is None or self.phase is not Phase.ASSISTANT or now < overlap.begun:
            return []
        if overlap.ended is not None and now < overlap.ended:  # part of it: enough for an interruption, not for a backchannel
            return self._interrupt("interrupted") if self._takes_the_floor(text) else []
        overlap.text = text
        return self._judge_overlap(now)

    def played(self, heard: float) -> None:
        """The user has heard this many seconds of the present reply."""
        self._heard = heard

    def reply_ended(self, now: float) -> list[Action]:
        """The last of the reply has been played, or there was nothing to play."""
        if self.phase is not Phase.ASSISTANT:
            return []
        overlap, self._overlap = self._overlap, None
        if overlap is not None and (overlap.step == "paused" or self._voice.confirmed):
            self.phase = Phase.USER
            return [Action("speech_started", since=overlap.begun)]
        self.phase = Phase.IDLE
        return []

    def input_ended(self, now: float) -> list[Action]:
        """No more audio will come: a turn that was begun is over."""
        if self.phase is not Phase.USER:
            return []
        if self._draft is None:
            return [*self._start_draft(now), *self._commit(now, "end of input")]
        return self._commit(now, "end of input")

    # Voice

    def _track(self, now: float, probability: float, window: float) -> bool:
        """Follow voice and silence; True when speech has just been confirmed."""
        active = probability >= (self.rules.voice_off if self._voice.active else self.rules.voice_on)
        if active != self._voice.active:
            was = self._voice
            since = was.silent_since if was.active and not was.confirmed else now - window
            self._voice = _Voice(True, now - window, silent_since=was.silent_since) if active else _Voice(False, since, silent_since=since)
        if self._voice.active and not self._voice.confirmed and now - self._voice.since >= self.rules.onset - 1e-9:
            self._voice.confirmed = True
            return True
        return False

    def _silence(self, now: float) -> float:
        return 0.0 if self._voice.active else now - self._voice.since

    # The user has the floor

    def _idle(self, began: bool) -> list[Action]:
        if not began:
            return []
        self.phase = Phase.USER
        return [Action("speech_started", since=self._voice.since)]

    def _user(self, now: float, began: bool) -> list[Action]:
        if began and self._draft is not None:
            return self._retract(self._voice.since - self._draft.begun + self.rules.soft_pause)
        silence = self._silence(now)
        if silence < self.rules.soft_pause - 1e-9:
            return []
        if self._draft is None:
            return [Action("speech_stopped", since=self._voice.since), *self._start_draft(now)]
        actions = self._decide(now)
        if not actions and now - self._draft.scored_at >= self.rules.score_every - 1e-9:
            self._draft.scored_at = now
            actions = [Action("score", self._draft.revision)]
        return actions

    def _start_draft(self, now: float) -> list[Action]:
        self._revisions += 1
        self._draft = _Draft(self._revisions, now, scored_at=now)
        return [Action("start_draft", self._revisions), Action("score", self._revisions)]

    def _retract(self, pause: float) -> list[Action]:
        """The user went on after a pause of that length: it was within the turn."""
        draft, self._draft = self._draft, None
        self._learn(pause)
        return [Action("retract", draft.revision if draft else 0, "the user went on")]

    def _learn(self, pause: float) -> None:
        rules = self.rules
        weighted = rules.tolerance_weight * self.tolerance + (1 - rules.tolerance_weight) * pause
        self.tolerance = min(max(weighted, rules.tolerance_least), rules.tolerance_most)

    def _discard(self, reason: str) -> list[Action]:
        """It was no speech after all, or nothing can be made of it."""
        draft, self._draft = self._draft, None
        self.phase = Phase.IDLE
        return [Action("discard", draft.revision if draft else 0, reason)]

    def _decide(self, now: float) -> list[Action]:
        """Commit when the silence is long enough for what is known."""
        draft = self._draft
        if draft is None or draft.text is None or self.phase is not Phase.USER or self._voice.active:
            return []
        silence = self._silence(now)
        if silence >= self.rules.longest_wait:
            return self._commit(now, "longest wait")
        hopeless = draft.score is not None and draft.score < self.rules.hopeless
        if trails_off(draft.text) or hopeless:
            waited = silence >= self.rules.trailing_wait
            return self._commit(now, "waited after a trailing word" if not hopeless else "waited after an open end") if waited else []
        for index, (least, wait) in enumerate(self.rules.tiers):
            wait = wait if index == 0 else max(wait, self.tolerance)
            if silence >= wait - 1e-9 and (draft.score if draft.score is not None else 0.0) >= least:
                return self._commit(now, f"score {draft.score or 0.0:.2f}, silence {silence:.2f} s")
        return []

    def _commit(self, now: float, reason: str) -> list[Action]:
        draft, self._draft = self._draft, None
        self.phase = Phase.ASSISTANT
        self._committed_at = now
        self._heard = 0.0
        self._overlap = None
        return [Action("commit", draft.revision if draft else 0, reason)]

    # The assistant has the floor

    def _assistant(self, now: float) -> list[Action]:
        if self._overlap is None:
            return self._overlap_begins(now) if self._voice.confirmed else []
        if self._voice.confirmed:
            self._overlap.ended = None
            return self._overlap_goes_on(now)
        return [] if self._voice.active else self._overlap_pauses(now)

    def _overlap_begins(self, now: float) -> list[Action]:
        begun = self._voice.since
        if begun - self._committed_at <= self.rules.revision_window and self._heard < self.rules.revision_heard:
            self.phase = Phase.USER
            self._learn(max(begun - self._committed_at, 0.0) + self.tolerance)
            return [Action("revise", reason="the user went on", since=begun)]
        if begun < self._committed_at:
            return []
        self._overlap = _Overlap(begun)
        return self._overlap_goes_on(now)

    def _overlap_goes_on(self, now: float) -> list[Action]:
        overlap = self._overlap
        if overlap is None:
            return []
        voiced = now - overlap.begun
        actions: list[Action] = []
        if overlap.step == "heard" and voiced >= self.rules.duck_after - 1e-9:
            overlap.step = "ducked"
            actions.append(Action("duck"))
        if overlap.step == "ducked" and voiced >= self.rules.pause_after - 1e-9:
            overlap.step = "paused"
            actions += [Action("pause"), Action("overhear", since=overlap.begun)]
        return actions or self._judge_overlap(now)

    def _overlap_pauses(self, now: float) -> list[Action]:
        overlap = self._overlap
        if overlap is None:
            return []
        if overlap.ended is None:
            overlap.ended = self._voice.since
            overlap.asked = False
        if now - overlap.ended < self.rules.overlap_silence - 1e-9:
            return []
        if overlap.step != "paused":
            return self._give_back("too short")
        if not overlap.asked:
            overlap.asked = True
            overlap.text = None
            return [Action("overhear", since=overlap.begun)]
        if overlap.text is not None:
            return self._judge_overlap(now)
        return self._give_back("no words in time") if now - overlap.ended >= self.rules.verdict_wait else []

    def _judge_overlap(self, now: float) -> list[Action]:
        """Stop, go on, or wait for more."""
        overlap = self._overlap
        if overlap is None:
            return []
        text = overlap.text or ""
        if asks_to_stop(text):
            return self._interrupt("asked to stop")
        if overlap.ended is not None and overlap.asked and overlap.text is not None:
            return self._give_back("a backchannel") if is_backchannel(text) else self._interrupt("interrupted")
        if self._takes_the_floor(text):
            return self._interrupt("interrupted")
        if overlap.ended is None and now - overlap.begun >= self.rules.stop_after and overlap.text is not None and not is_backchannel(text):
            return self._interrupt("interrupted")
        return []

    def _takes_the_floor(self, text: str) -> bool:
        """Whether nothing that may follow can make a backchannel of it."""
        return asks_to_stop(text) or len(words_of(text)) >= self.rules.stop_words and not is_backchannel(text)

    def _interrupt(self, reason: str) -> list[Action]:
        overlap, self._overlap = self._overlap, None
        self.phase = Phase.USER
        return [Action("stop", reason=reason, since=overlap.begun if overlap else 0.0)]

    def _give_back(self, reason: str) -> list[Action]:
        overlap, self._overlap = self._overlap, None
        if overlap is None or overlap.step == "heard":
            return []
        return [Action("unduck" if overlap.step == "ducked" else "resume", reason=reason)]
