"""Recorded traces → what rules of turn-taking would have done, through the real state machine; pure and fast."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from multimodal_assistant.pipeline.rules import Action, Rules
from multimodal_assistant.pipeline.turns import Turns
from multimodal_assistant.processors.end_of_turn import likelihood

from .pauses import LENGTHS, TAIL_SECONDS, Pause
from .traces import WINDOW_SECONDS, Trace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds the engines take: those of the profile `fast` on two cores."""

    words: float = 0.06
    sentence: float = 0.03
    score: float = 0.05
    reply: float = 0.20
    """From the start of a draft to its first sound."""


@dataclass(slots=True)
class Reply:
    """A committed answer."""

    committed: float
    sound: float
    """When its first sample goes out."""
    heard: float | None = None
    """Seconds of it that were played before it was taken back or paused; None: it was left in peace."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one turn."""

    trace: Trace
    replies: tuple[Reply, ...]
    drafts: int
    retracted: int
    tolerance: float

    @property
    def latency(self) -> float:
        """Seconds from the last audible sample of the turn to the first sound of the answer; the whole gap where there was none."""
        end = self.trace.turn.end
        after = [reply.sound - end for reply in self.replies if reply.heard is None and reply.sound > end]
        return min(after, default=TAIL_SECONDS)

    def cut_by(self, pause: Pause) -> Reply | None:
        """The answer that was committed in this pause, or before the voice after it had been noticed."""
        until = pause.end + _NOTICED
        return next((reply for reply in self.replies if reply.heard is not None and pause.start < reply.committed <= until), None)

    @property
    def strays(self) -> int:
        """Answers that sounded before the end of the turn and outside the pauses that were put there."""
        inside = [self.cut_by(pause) for pause in self.trace.turn.pauses]
        return sum(bool(reply.heard) and not any(reply is one for one in inside) for reply in self.replies)


_NOTICED = 0.25  # seconds in which a voice that resumes is noticed at the latest
_WENT_ON = "and there was something else"


@dataclass
class _Player:
    """Carries out what the rules say, with engines that answer from the trace."""

    trace: Trace
    words: str
    judged: bool
    fluent: bool
    turns: Turns
    costs: Costs
    pending: list[tuple[float, int, Callable[[float], list[Action]]]] = field(
        default_factory=list[tuple[float, int, Callable[[float], list[Action]]]]
    )
    replies: list[Reply] = field(default_factory=list[Reply])
    live: Reply | None = None
    begun: float = 0.0
    windows: int = 0
    drafts: int = 0
    retracted: int = 0
    count: int = 0
    scoring: bool = False

    def run(self) -> None:
        for probability in self.trace.probabilities:
            now = (self.windows + 1) * WINDOW_SECONDS
            while self.pending and self.pending[0][0] <= now:
                due, _, deliver = heapq.heappop(self.pending)
                self.carry_out(due, deliver(due))
            self.windows += 1
            if self.live is not None:
                self.turns.played(max(now - self.live.sound, 0.0))
            self.carry_out(now, self.turns.hear(now, probability, WINDOW_SECONDS))

    def later(self, due: float, deliver: Callable[[float], list[Action]]) -> None:
        self.count += 1
        heapq.heappush(self.pending, (due, self.count, deliver))

    def carry_out(self, now: float, actions: Sequence[Action]) -> None:
        for action in actions:
            match action.kind:
                case "start_draft":
                    self.start_draft(now, action.revision)
                case "score" if not self.scoring:
                    self.score(now, action.revision)
                case "retract" | "give_up":
                    self.retracted += 1
                case "commit":
                    self.live = Reply(now, max(now, self.begun + self.costs.reply))
                    self.replies.append(self.live)
                case "pause" | "stop" | "revise":
                    self.silence(now, action.kind)
                case "overhear":
                    self.later(now + self.costs.words, lambda _, until=now: self.turns.overheard(until, _WENT_ON))
                case _:
                    pass

    def start_draft(self, now: float, revision: int) -> None:
        self.drafts += 1
        self.begun = now
        text = latest(self.trace.texts[self.words], self.windows) or ""
        if self.judged:
            sentence = latest(self.trace.sentences[self.words], self.windows)
            due = now + self.costs.words + self.costs.sentence
            self.later(due, lambda at: self.turns.understood(at, revision, text, sentence, fluent=self.fluent))
        else:
            unmarked = text.rstrip(".?!, ") or text
            self.later(now + self.costs.words, lambda at: self.turns.understood(at, revision, unmarked))

    def score(self, now: float, revision: int) -> None:
        self.scoring = True
        score = latest(self.trace.scores, self.windows)

        def deliver(due: float) -> list[Action]:
            self.scoring = False
            return [] if score is None else self.turns.scored(due, revision, score)

        self.later(now + self.costs.score, deliver)

    def silence(self, now: float, kind: str) -> None:
        if self.live is not None and self.live.heard is None:
            self.live.heard = max(now - self.live.sound, 0.0)
        if kind != "pause":
            self.live = None


def latest(values: Mapping[int, T], windows: int) -> T | None:
    """What was last known when so many windows had been heard."""
    known = [key for key in values if key <= windows]
    return values[max(known)] if known else None


def replay(
    trace: Trace,
    rules: Rules,
    *,
    words: str = "whisper-base",
    judged: bool = True,
    fluent: bool = True,
    costs: Costs | None = None,
    tolerance: float | None = None,
) -> Outcome:
    """One turn under `rules`.

    words: the recognizer. judged: its words are judged too; otherwise melody and silence alone decide. fluent: by somebody who speaks the
    language well. tolerance: what is known of this
    user's pauses.
    """
    turns = Turns(rules)
    if tolerance is not None:
        turns.tolerance = tolerance
    player = _Player(trace, words, judged, fluent, turns, costs or Costs())
    player.run()
    return Outcome(trace, tuple(player.replies), player.drafts, player.retracted, turns.tolerance)


def conversations(
    traces: Sequence[Trace],
    rules: Rules,
    *,
    words: str = "whisper-base",
    judged: bool = True,
    fluent: bool = True,
    costs: Costs | None = None,
) -> list[Outcome]:
    """All turns; those of one voice follow one another, so that its pauses are learnt."""
    known: dict[str, float] = {}
    outcomes: list[Outcome] = []
    for trace in traces:
        tolerance = known.get(trace.turn.voice)
        outcome = replay(trace, rules, words=words, judged=judged, fluent=fluent, costs=costs, tolerance=tolerance)
        known[trace.turn.voice] = outcome.tolerance
        outcomes.append(outcome)
    return outcomes


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the trade: how long the answer takes against how often it comes too early."""

    latencies: tuple[float, ...]
    """Seconds, at every true end."""
    pauses: int
    committed: int
    """Pauses in which the turn was taken."""
    heard: tuple[float, ...]
    """Seconds of sound, for every pause that was talked into."""
    by_length: tuple[tuple[int, int], ...]
    """(Talked into, all) for each of LENGTHS."""
    strays: int
    drafts_retracted: float
    """Per turn."""

    @property
    def share(self) -> float:
        """Of the pauses that were talked into."""
        return len(self.heard) / max(self.pauses, 1)


def point(outcomes: Sequence[Outcome]) -> Point:
    """What the outcomes come to."""
    cuts = [(pause, outcome.cut_by(pause)) for outcome in outcomes for pause in outcome.trace.turn.pauses]
    audible = [(pause, reply.heard) for pause, reply in cuts if reply is not None and reply.heard]
    return Point(
        latencies=tuple(outcome.latency for outcome in outcomes),
        pauses=len(cuts),
        committed=sum(reply is not None for _, reply in cuts),
        heard=tuple(heard for _, heard in audible),
        by_length=tuple(
            (sum(pause.length == length for pause, _ in audible), sum(pause.length == length for pause, _ in cuts)) for length in LENGTHS
        ),
        strays=sum(outcome.strays for outcome in outcomes),
        drafts_retracted=sum(outcome.retracted for outcome in outcomes) / max(len(outcomes), 1),
    )


def plain_vad(delay: float) -> Rules:
    """The turn is over after `delay` seconds of silence, whatever was said; drafts and all else as with ours. Not to be judged."""
    return Rules(tiers=((0.0, delay),), trailing_wait=delay, longest_wait=delay, revision_window=0.0)


def by_melody(*tiers: tuple[float, float], soft_pause: float = 0.064, score_every: float = 0.1, score_until: float = 9.0) -> Rules:
    """Tiers of (score of the audio model at least, silence) as others have them, the last one whatever the score. Not to be judged."""
    last = tiers[-1][1]
    return Rules(
        soft_pause=soft_pause,
        score_every=score_every,
        score_until=score_until,
        tiers=tuple((likelihood("", melody=score, sentence=None) if score else 0.0, wait) for score, wait in tiers),
        trailing_wait=last,
        longest_wait=last,
        revision_window=0.0,
        tolerance_most=0.0,
    )
