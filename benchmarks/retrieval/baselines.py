"""What a memory has to beat: words alone, vectors alone, and both fused by rank or by score.

Notes are turns as they stand, with the speaker's name before them, as agents store them; no neighbors, no reading of the question.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.memory.evaluation.dataset import Turn
from multimodal_assistant.memory.ranking import Corpus
from multimodal_assistant.memory.terms import term_weight, terms_of

Method = Literal["bm25", "dense", "rrf", "linear"]
Embed = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]
"""Texts → unit vectors (texts, dimensions)."""

RRF_K = 60
"""As in Cormack et al., 2009."""


@dataclass(frozen=True, slots=True)
class _Indexed:
    ids: list[str]
    terms: list[tuple[str, ...]]
    corpus: Corpus
    vectors: NDArray[np.float32]


class Baseline:
    """One of the methods as a memory: `add` and `search` are what `measure` asks for.

    bm25: B0; dense: B1, which is what A-MEM's library does; rrf, linear: B2, by reciprocal ranks, or half of each score
    after both are brought to 0 … 1.
    """

    def __init__(self, method: Method, embed: Embed) -> None:
        self._method: Method = method
        self._embed = embed
        self._of: dict[str, _Indexed] = {}

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]:
        """All notes of a user at once, in place of any before."""
        texts = [text_of(turn) for turn in turns]
        terms = [terms_of(text) for text in texts]
        holding: dict[str, int] = {}
        for words in terms:
            for word in set(words):
                holding[word] = holding.get(word, 0) + 1
        ids = [turn.id for turn in turns]
        self._of[user] = _Indexed(ids, terms, Corpus(len(ids), holding), await self._embed(texts))
        return ids

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]:
        """`now` makes no difference."""
        notes = self._of[user]
        words = bm25(terms_of(text), notes.terms, notes.corpus)
        dense = (notes.vectors @ (await self._embed([text]))[0]).astype(np.float64)
        scores = {
            "bm25": lambda: words,
            "dense": lambda: dense,
            "rrf": lambda: 1 / (RRF_K + _ranks(words)) + 1 / (RRF_K + _ranks(dense)),
            "linear": lambda: _scaled(words) + _scaled(dense),
        }[self._method]()
        return [notes.ids[index] for index in np.argsort(-scores, kind="stable")[:k]]


def text_of(turn: Turn) -> str:
    """What is noted of it."""
    return f"{turn.speaker}: {turn.content}" if turn.speaker else turn.content


def bm25(question: Sequence[str], notes: Sequence[Sequence[str]], corpus: Corpus) -> NDArray[np.float64]:
    """Scores (notes,) of notes given as their terms."""
    rarity = {term: corpus.rarity(term) for term in question}
    return np.array([sum(rarity[term] * term_weight(note.count(term), len(note)) for term in rarity if term in note) for note in notes])


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 for the best."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks


def _scaled(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = scores.max() - scores.min()
    return (scores - scores.min()) / (spread or 1.0)
