"""B4: the facts that a strong model drew from LoCoMo's sessions, as a memory that extracts facts would hold them.

The data set has them in its field `observation`, by gpt-3.5, each with the turns it was drawn from: no model has to run for them now.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.memory.evaluation.dataset import Turn
from multimodal_assistant.memory.evaluation.locomo import evidence_ids

from .baselines import Embed


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence, and the ids of the turns it cites."""

    text: str
    turns: tuple[str, ...]


def observations(path: Path) -> dict[str, list[Fact]]:
    """Conversation → facts, of a file of LoCoMo."""
    return {sample["sample_id"]: _facts(sample.get("observation", {})) for sample in json.loads(path.read_text(encoding="utf-8"))}


def _facts(sessions: Mapping[str, Mapping[str, Sequence[tuple[str, Any]]]]) -> list[Fact]:
    """A citation is an id, or a list of them."""
    return [
        Fact(text, tuple(sorted(evidence_ids([cited] if isinstance(cited, str) else cited))))
        for speakers in sessions.values()
        for entries in speakers.values()
        for text, cited in entries
    ]


def cited(facts: Sequence[Fact], k: int) -> list[str]:
    """The first `k` turns that facts, best first, were drawn from."""
    return list(dict.fromkeys(turn for fact in facts for turn in fact.turns))[:k]


class ExtractedFacts:
    """Dense search over facts; what is found is the turn a fact cites."""

    def __init__(self, facts: Mapping[str, Sequence[Fact]], embed: Embed) -> None:
        self._facts = facts
        self._embed = embed
        self._of: dict[str, tuple[list[Fact], NDArray[np.float32]]] = {}

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]:
        """Keeps the facts about these turns."""
        ids = [turn.id for turn in turns]
        known = set(ids)
        facts = [Fact(fact.text, tuple(turn for turn in fact.turns if turn in known)) for fact in self._facts[user]]
        self._of[user] = facts, await self._embed([fact.text for fact in facts])
        return ids

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]:
        """`now` makes no difference."""
        facts, vectors = self._of[user]
        scores = vectors @ (await self._embed([text]))[0]
        ranked: list[int] = np.argsort(-scores, kind="stable").tolist()
        return cited([facts[index] for index in ranked], k)
