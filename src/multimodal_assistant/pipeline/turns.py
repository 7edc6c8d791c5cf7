"""Who has the floor: speech probabilities, end-of-turn scores and words in; actions out. Pure: no clock, no I/O.

All times are seconds on the input's own clock (samples received / sample rate). The session feeds every window of audio to
`hear`, carries out the actions it gets back, and reports what came of them.

A turn goes: speech → soft pause → *draft* (the whole answer is prepared, silently) → *commit* (its sound is released) or
*retract* (the user goes on: nothing of it ever happened). While the assistant speaks, the user's voice first ducks it, then
pauses it, and then either stops it (real words) or lets it go on where it was ("mm-hm", a cough).
"""

from dataclasses import dataclass, field

from multimodal_assistant.processors.end_of_turn import likelihood
from multimodal_assistant.processors.words import trails_off, words_of

from .overlap import Overlap
from .rules import Action, Phase, Rules


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
    sentence: float | None = None
    """Probability that the words may end here,"""
    fluent: bool = True
    """by somebody who speaks the language well."""
    melody: float | None = None
    """Lowest end-of-turn score so far."""
    scored_at: float = field(default=-1.0)
    """Time of the last request for a score."""
    failed: bool = False
    sound_at: float | None = None
    """When there was a sound, too short for speech, that may be the end of the last word: it is not in what was transcribed."""

    @property
    def likelihood(self) -> float:
        """Probability that the turn is over."""
        return likelihood(self.text or "", melody=self.melody, sentence=self.sentence, fluent=self.fluent)


class Turns:
    """The state machine. One per conversation."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.phase = Phase.IDLE
        self.tolerance = self.rules.tolerance_least
        """Seconds: how long this user pauses within a turn, learnt."""
        self._voice = _Voice()
        self._draft: _Draft | None = None
        self._overlap: Overlap | None = None
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

    def understood(self, now: float, revision: int, text: str, sentence: float | None = None, *, fluent: bool = True) -> list[Action]:
        """The words of the draft are known, and how probably they may end here. fluent: whoever says so speaks the language well."""
        if self._draft is None or self._draft.revision != revision:
            return []
        self._draft.text, self._draft.sentence, self._draft.fluent = text, sentence, fluent
        if not words_of(text) and self._draft.sound_at is None:
            return self._give_up("no words")
        return self._decide(now)

    def scored(self, now: float, revision: int, score: float) -> list[Action]:
        """The end-of-turn model has spoken."""
        draft = self._draft
        if draft is None or draft.revision != revision:
            return []
        draft.melody = score if draft.melody is None else min(draft.melody, score)
        return self._decide(now)

    def failed(self, now: float, revision: int) -> list[Action]:
        """The draft could not be made. The user may still go on; if not, the turn is given up."""
        if self._draft is None or self._draft.revision != revision:
            return []
        self._draft.failed = True
        return self._decide(now)

    def overheard(self, until: float, text: str) -> list[Action]:
        """The words of the overlap up to `until`, which may be a while ago."""
        if self._overlap is None or self.phase is not Phase.ASSISTANT:
            return []
        return self._settle(self._overlap.words(until, text))

    def follow(self, rules: Rules) -> list[Action]:
        """Other rules hold from now on."""
        self.rules = rules
        if not rules.listening and self.phase is Phase.USER:  # whoever takes turns from outside decides what was said
            return self._give_up("turns are taken from outside now")
        overlap = self._overlap
        if overlap is not None and not (rules.listening and rules.interruptible):  # nobody would let the answer go on
            self._overlap = None
            return [Action("resume" if overlap.paused else "unduck", reason="voices over it do not count now")]
        return []

    def played(self, heard: float) -> None:
        """The user has heard this many seconds of the present reply."""
        self._heard = heard

    def answering(self, now: float) -> None:
        """An answer begins that nobody's voice has asked for: there is no turn that the user could go on with."""
        self.phase = Phase.ASSISTANT
        self._committed_at = now - self.rules.revision_window - 1e-6
        self._heard = 0.0
        self._overlap = None

    def reply_ended(self) -> list[Action]:
        """The last of the reply has been played, or there was nothing to play."""
        if self.phase is not Phase.ASSISTANT:
            return []
        overlap, self._overlap = self._overlap, None
        if self.rules.listening and not self.rules.interruptible and self._voice.confirmed:  # what is being said is heard from here on
            self.phase = Phase.USER
            return [Action("speech_started", since=self._voice.since)]
        if overlap is not None and (overlap.paused or self._voice.confirmed):
            self.phase = Phase.USER
            return [Action("speech_started", since=overlap.begun)]
        self.phase = Phase.IDLE
        return []

    @property
    def overlap_since(self) -> float | None:
        """When the user's voice began over the paused assistant's, while it goes on."""
        return self._overlap.begun if self._overlap is not None and self._overlap.going_on else None

    @property
    def overlapping(self) -> bool:
        """Whether the words of an overlap are of use."""
        return self._overlap is not None

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

    # The user has the floor

    def _idle(self, began: bool) -> list[Action]:
        if not began:
            return []
        self.phase = Phase.USER
        return [Action("speech_started", since=self._voice.since)]

    def _user(self, now: float, began: bool) -> list[Action]:
        if began and self._draft is not None:
            self._learn(self._voice.since - self._draft.begun + self.rules.soft_pause)
            return self._retract("the user went on")
        if self._draft is not None and (again := self._short_sound(now, self._draft)) is not None:
            return again
        silence = self._silence(now)
        if silence < self.rules.soft_pause - 1e-9:
            return []
        if self._draft is None:
            return [Action("speech_stopped", since=self._voice.since), *self._start_draft(now)]
        if actions := self._decide(now):
            return actions
        if now - self._draft.scored_at < self.rules.score_every - 1e-9 or silence > self.rules.score_until:
            return []
        self._draft.scored_at = now
        return [Action("score", self._draft.revision)]

    def _silence(self, now: float) -> float:
        return 0.0 if self._voice.active else now - self._voice.since

    def _start_draft(self, now: float) -> list[Action]:
        self._revisions += 1
        self._draft = _Draft(self._revisions, now, scored_at=now)
        return [Action("start_draft", self._revisions), Action("score", self._revisions)]

    def _short_sound(self, now: float, draft: _Draft) -> list[Action] | None:
        """A stop within a word is silence enough for a draft, and what follows it may be too short for speech: then all is heard
        again. None where there was no such sound.
        """
        if self._voice.active and now - self._voice.silent_since <= self.rules.last_sound:
            draft.sound_at = now
        if draft.sound_at is None:
            return None
        if self._voice.active or now - draft.sound_at < self.rules.soft_pause - 1e-9:
            return []
        return [*self._retract("the last word went on"), *self._start_draft(now)]

    def _retract(self, reason: str) -> list[Action]:
        draft, self._draft = self._draft, None
        return [Action("retract", draft.revision if draft else 0, reason)]

    def _learn(self, pause: float) -> None:
        """The user went on after a pause of that length: it was within the turn."""
        rules = self.rules
        weighted = rules.tolerance_weight * self.tolerance + (1 - rules.tolerance_weight) * pause
        self.tolerance = min(max(weighted, rules.tolerance_least), rules.tolerance_most)

    def _give_up(self, reason: str) -> list[Action]:
        """It was no speech after all, or nothing can be made of it."""
        draft, self._draft = self._draft, None
        self.phase = Phase.IDLE
        return [Action("give_up", draft.revision if draft else 0, reason)]

    def _decide(self, now: float) -> list[Action]:
        """Commit when the silence is long enough for what is known."""
        draft = self._draft
        if draft is None or self.phase is not Phase.USER or self._voice.active or draft.sound_at is not None:
            return []
        silence = self._silence(now)
        if draft.failed:
            return self._give_up("failed") if silence >= self.rules.tiers[-1][1] else []
        if draft.text is None:
            return []
        if silence >= self.rules.longest_wait:
            return self._commit(now, "longest wait")
        if trails_off(draft.text):
            return self._commit(now, "waited after a trailing word") if silence >= self.rules.trailing_wait else []
        likely = draft.likelihood
        for index, (least, wait) in enumerate(self.rules.tiers):
            wait = wait if index == 0 else max(wait, self.tolerance)
            if silence >= wait - 1e-9 and likely >= least:
                return self._commit(now, f"end {likely:.2f}, silence {silence:.2f} s")
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
        if not self.rules.interruptible:
            return []
        if self._overlap is None:
            return self._overlap_begins(now) if self._voice.confirmed else []
        if self._voice.confirmed:
            return self._settle(self._overlap.voice(now))
        return [] if self._voice.active else self._settle(self._overlap.silence(now, self._voice.since))

    def _overlap_begins(self, now: float) -> list[Action]:
        begun = self._voice.since
        if begun - self._committed_at <= self.rules.revision_window and self._heard < self.rules.revision_heard:
            self.phase = Phase.USER
            self._learn(max(begun - self._committed_at, 0.0) + self.tolerance)
            return [Action("revise", reason="the user went on", since=begun)]
        if begun < self._committed_at:
            return []
        self._overlap = Overlap(self.rules, begun)
        return self._settle(self._overlap.voice(now))

    def _settle(self, actions: list[Action]) -> list[Action]:
        """A verdict ends the overlap; an interruption gives the user the floor."""
        if self._overlap is not None and self._overlap.over:
            self._overlap = None
            if any(action.kind == "stop" for action in actions):
                self.phase = Phase.USER
        return actions
