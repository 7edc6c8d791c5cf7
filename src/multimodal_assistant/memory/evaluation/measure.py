"""A memory, given as its two verbs, and conversations → how well it finds what answers."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .dataset import Conversation, Turn
from .metrics import DEPTH, Mean, Scored, area_under_curve, mean, scored

Add = Callable[[str, Sequence[Turn]], Awaitable[Sequence[str]]]
"""(user, turns) → the id of the note of each."""

Search = Callable[[str, str, int, datetime], Awaitable[Sequence[str]]]
"""(user, question, how many, now) → ids of notes, best first."""

Sure = Callable[[str, str, datetime], Awaitable[float]]
"""(user, question, now) → confidence that there is an answer."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of the questions of some conversations."""

    answered: tuple[Scored, ...]
    """Those with an answer and evidence for it."""
    tempted: tuple[Scored, ...]
    """Those without an answer: recall of what tempts. Never part of a headline."""
    sure: tuple[float, ...]
    """Confidence for each of those with an answer,"""
    unsure: tuple[float, ...]
    """and for each without."""

    def means(self, measure: str = "recall_10") -> dict[str, Mean]:
        """Of one measure over all answered questions ("all"), and by kind."""
        kinds = sorted({one.kind for one in self.answered})
        groups = {"all": list(self.answered)} | {kind: [one for one in self.answered if one.kind == kind] for kind in kinds}
        return {name: mean([getattr(one, measure) for one in group]) for name, group in groups.items() if group}

    @property
    def rejection(self) -> float | None:
        """Area under the curve of confidence; None if there is nothing to tell apart."""
        return area_under_curve(self.sure, self.unsure) if self.sure and self.unsure else None


async def measure(conversations: Sequence[Conversation], add: Add, search: Search, sure: Sure | None = None) -> Measured:
    """Each conversation is the memory of a user of its own; no question sees another's."""
    answered: list[Scored] = []
    tempted: list[Scored] = []
    confidences: dict[bool, list[float]] = {True: [], False: []}
    for talk in conversations:
        noted = await add(talk.id, talk.turns)
        turn_of = {note: turn.id for note, turn in zip(noted, talk.turns, strict=True)}
        for query in talk.queries:
            if query.evidence:
                found = await search(talk.id, query.text, DEPTH, talk.now)
                result = scored(query.kind, [turn_of[note] for note in found], query.evidence)
                (answered if query.answerable else tempted).append(result)
            if sure is not None:
                confidences[query.answerable].append(await sure(talk.id, query.text, talk.now))
    return Measured(tuple(answered), tuple(tempted), tuple(confidences[True]), tuple(confidences[False]))
