"""Who has the floor: what holds whatever is heard and whatever the engines answer, in whatever order."""

from collections.abc import Callable
from typing import Any

from floor import WINDOW
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal_assistant.pipeline.rules import Action, Phase
from multimodal_assistant.pipeline.turns import Turns

OF_THE_ASSISTANT = {"duck", "unduck", "pause", "resume", "stop", "overhear", "revise"}
TEXTS = st.sampled_from(["", "yeah", "stop", "and", "What is it?", "tell me about Rome", "[cough]", "Rome"])

Step = Callable[[Turns, float, int], list[Action]]
"""Something that happens: rules, time, number of the latest draft → actions."""


def hear(probability: float, windows: int) -> list[Step]:
    return [lambda turns, now, _: turns.hear(now, probability, WINDOW)] * windows


def understood(text: str, back: int, sentence: float | None) -> list[Step]:
    return [lambda turns, now, latest: turns.understood(now, latest - back, text, sentence)]


def scored(score: float, back: int) -> list[Step]:
    return [lambda turns, now, latest: turns.scored(now, latest - back, score)]


def failed(back: int) -> list[Step]:
    return [lambda turns, now, latest: turns.failed(now, latest - back)]


def overheard(text: str, ago: float) -> list[Step]:
    return [lambda turns, now, _: turns.overheard(now - ago, text)]


def played(heard: float) -> list[Step]:
    def step(turns: Turns, _now: float, _latest: int) -> list[Action]:
        turns.played(heard)
        return []

    return [step]


def reply_ended() -> list[Step]:
    return [lambda turns, _now, _latest: turns.reply_ended()]


PROBABILITIES = st.one_of(st.sampled_from([0.0, 0.35, 0.4, 0.5, 1.0]), st.floats(0.0, 1.0))
BACK = st.sampled_from([0, 0, 0, 1, 2])
HEARING = st.builds(hear, PROBABILITIES, st.integers(1, 40))
RESULTS = st.one_of(
    st.builds(understood, TEXTS, BACK, st.none() | st.floats(0.0, 1.0)),
    st.builds(scored, st.floats(0.0, 1.0), BACK),
    st.builds(failed, BACK),
    st.builds(overheard, TEXTS, st.sampled_from([0.0, 0.1, 1.0])),
    st.builds(played, st.floats(0.0, 3.0)),
    st.builds(reply_ended),
)
STORIES = st.lists(st.one_of(HEARING, HEARING, RESULTS), max_size=40).map(lambda parts: [step for part in parts for step in part])


class Referee:
    """Carries the actions out as a session would, and objects to what it could not do."""

    def __init__(self) -> None:
        self.latest = 0
        self.draft: int | None = None
        self.closed: set[int] = set()
        self.live = False
        self.sound = "full"

    def judge(self, before: Phase, actions: list[Action]) -> None:
        for action in actions:
            if action.kind in OF_THE_ASSISTANT:
                assert before is Phase.ASSISTANT, action
                assert self.live, action
            self._check(action)

    def _check(self, action: Action) -> None:
        match action.kind:
            case "start_draft":
                assert self.draft is None
                assert action.revision == self.latest + 1
                self.draft = self.latest = action.revision
            case "score":
                assert action.revision == self.draft
            case "retract" | "give_up" | "commit":
                assert action.revision == self.draft
                assert action.revision not in self.closed
                self.closed.add(action.revision)
                self.draft = None
                self._commits(action.kind == "commit")
            case "duck" | "unduck" | "pause" | "resume":
                self._sounds(action.kind)
            case "stop" | "revise":
                self.live = False
            case _:
                assert action.kind != "speech_started" or self.draft is None

    def _commits(self, live: bool) -> None:
        assert not self.live
        self.live, self.sound = live, "full"

    def _sounds(self, kind: str) -> None:
        before, to = {
            "duck": ({"full"}, "ducked"),
            "unduck": ({"ducked"}, "full"),
            "pause": ({"ducked"}, "paused"),
            "resume": ({"paused"}, "full"),
        }[kind]
        assert self.sound in before, kind
        self.sound = to

    def agrees_with(self, turns: Turns) -> None:
        """The session and the rules are of one mind about who speaks."""
        assert (turns.phase is Phase.ASSISTANT) == self.live
        assert self.draft is None or turns.phase is Phase.USER
        assert turns.overlap_since is None or self.sound == "paused"


def told(steps: list[Step]) -> tuple[Turns, Referee, float]:
    turns, referee = Turns(), Referee()
    windows = 0
    for step in steps:
        before = turns.phase
        windows += 1
        actions = step(turns, windows * WINDOW, referee.latest)
        if (
            before is Phase.ASSISTANT
            and turns.phase is not Phase.ASSISTANT
            and not any(action.kind in OF_THE_ASSISTANT for action in actions)
        ):
            referee.live = False  # the reply has ended
        referee.judge(before, actions)
        referee.agrees_with(turns)
    return turns, referee, windows * WINDOW


@settings(deadline=None, max_examples=150)
@given(STORIES)
def test_every_draft_has_one_end_and_every_action_can_be_carried_out(steps: list[Step]) -> None:
    told(steps)


@settings(deadline=None, max_examples=80)
@given(STORIES)
def test_in_a_long_silence_everything_comes_to_rest(steps: list[Step]) -> None:
    """When engines answer and replies end, nobody keeps the floor for ever."""
    turns, referee, now = told(steps)
    for index in range(1, 200):
        at = now + index * WINDOW
        before = turns.phase
        referee.judge(before, turns.hear(at, 0.0, WINDOW))
        if turns.phase is Phase.USER and referee.draft is not None:
            referee.judge(turns.phase, turns.understood(at, referee.draft, "What time is it?"))
        if turns.phase is Phase.ASSISTANT and referee.sound == "full":
            turns.reply_ended()
            referee.live = False
    assert turns.phase is Phase.IDLE


@settings(deadline=None, max_examples=80)
@given(STORIES)
def test_the_same_story_is_always_judged_alike(steps: list[Step]) -> None:
    """No clock, no chance: that is what makes it testable."""

    def actions() -> list[Any]:
        turns, found = Turns(), list[Any]()
        for index, step in enumerate(steps):
            found += step(turns, index * WINDOW, 1)
        return found

    assert actions() == actions()
