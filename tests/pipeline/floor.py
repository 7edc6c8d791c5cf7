"""Turn rules on a clock of their own: a test says what is heard and what the engines make of it, and looks at the actions."""

import math
from dataclasses import dataclass, field

from multimodal_assistant.pipeline.rules import Action, Kind, Rules
from multimodal_assistant.pipeline.turns import Turns

WINDOW = 512 / 16_000
"""Seconds of one window of input: 32 ms."""

VOICE, HUSH = 0.98, 0.02
"""Speech probabilities that leave no doubt."""


@dataclass
class Floor:
    """A conversation as the rules see it.

    Drafts are understood as `text` as soon as they are asked for; None: the recognizer gives no answer by itself.
    """

    text: str | None = "What time is it?"
    likely: float | None = None
    """How likely the end of the turn is to be after it; None: nobody can tell, which comes to one half."""
    overheard: str | None = None
    """What is understood of every overlap."""
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        self.turns = Turns(self.rules)
        self.windows = 0
        self.revision = 0
        self.log: list[tuple[float, Action]] = []
        self._voiced_until = 0.0

    @property
    def now(self) -> float:
        return self.windows * WINDOW

    def voice(self, seconds: float, probability: float = VOICE) -> list[Kind]:
        """Somebody speaks."""
        kinds = self.hear(seconds, probability)
        self._voiced_until = self.now
        return kinds

    def hush(self, seconds: float, probability: float = HUSH) -> list[Kind]:
        """Nobody does."""
        return self.hear(seconds, probability)

    def hear(self, seconds: float, probability: float) -> list[Kind]:
        """As many whole windows as fit; the actions that came of them."""
        begun = len(self.log)
        for _ in range(int(seconds / WINDOW + 1e-9)):
            self.windows += 1
            self.carry_out(self.turns.hear(self.now, probability, WINDOW))
        return [action.kind for _, action in self.log[begun:]]

    def carry_out(self, actions: list[Action]) -> list[Kind]:
        """Note the actions, and give the engines' answers."""
        for action in actions:
            self.log.append((self.now, action))
            match action.kind:
                case "start_draft":
                    self.revision = action.revision
                    if self.text is not None:
                        self.understand(self.text)
                case "overhear" if self.overheard is not None:
                    self.carry_out(self.turns.overheard(self.now, self.overheard))
                case _:
                    pass
        return [action.kind for action in actions]

    def understand(self, text: str) -> list[Kind]:
        """The recognizer answers only now."""
        sentence = None if self.likely is None else sentence_score(text, self.likely)
        return self.carry_out(self.turns.understood(self.now, self.revision, text, sentence))

    def grade(self, score: float) -> list[Kind]:
        """The end-of-turn model answers only now."""
        return self.carry_out(self.turns.scored(self.now, self.revision, score))

    def overhear(self, text: str) -> list[Kind]:
        """The words of the overlap up to now are known."""
        return self.carry_out(self.turns.overheard(self.now, text))

    @property
    def kinds(self) -> list[Kind]:
        """All actions so far, without the requests for a score."""
        return [action.kind for _, action in self.log if action.kind != "score"]

    def silence_at(self, kind: Kind) -> float:
        """Seconds from the end of the last voice to the one action of that kind."""
        ((at, _),) = [(at, action) for at, action in self.log if action.kind == kind]
        return at - self._voiced_until

    def last(self, kind: Kind) -> tuple[float, Action]:
        """The latest action of that kind, and when it came."""
        return [(at, action) for at, action in self.log if action.kind == kind][-1]


def sentence_score(text: str, likely: float) -> float:
    """What the end-of-sentence model must say of `text` to make the end so likely, without a melody; limited to what can be reached."""
    inner = min(max(likely, 1e-6), 1 - 1e-6)
    return 1 / (1 + math.exp(-(math.log(inner / (1 - inner)) + 1e-9 - 1.5 - 1.6 * text.rstrip().endswith("?"))))


def answering(heard: float = 1.0, *, overheard: str | None = None, rules: Rules | None = None) -> Floor:
    """The assistant has the floor, and `heard` seconds of its reply have been played."""
    floor = Floor(likely=0.95, overheard=overheard, rules=rules or Rules())
    floor.voice(1.024)
    floor.hush(0.32 + heard)
    floor.turns.played(heard)
    assert floor.kinds[-1] == "commit"
    floor.log.clear()
    return floor
