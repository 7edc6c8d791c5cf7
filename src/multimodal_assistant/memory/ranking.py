"""A question and a pool of notes that may answer it → the notes in order, and how likely one of them does."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.memory.question import Question
from multimodal_assistant.memory.terms import term_weight

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A note that may answer, as it is stored, and how close its vector is to the question's."""

    id: str
    terms: tuple[str, ...]
    """`Keys.terms` of its words; `asks` and `dated` likewise."""
    speaker: str
    """Empty: the user."""
    timestamp: datetime
    session: str
    position: int
    """Place within its session."""
    asks: bool
    dated: bool
    dense: float
    """Inner product of the unit vectors of note and question, in [-1, 1]."""
    superseded_by: str = ""
    """Id of the note that corrects it."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """How rare words are in the whole memory that was searched. A pool cannot tell: it was chosen for the words of the question."""

    notes: int
    holding: Mapping[str, int]
    """Term → number of notes that hold it; those of the question are enough."""

    def rarity(self, term: str) -> float:
        """BM25's inverse document frequency: above 0, the more the rarer."""
        holding = min(self.holding.get(term, 0), self.notes)
        return math.log1p((self.notes - holding + 0.5) / (holding + 0.5))


@dataclass(frozen=True, slots=True)
class Ranked:
    """A note and how well it answers, in comparison with the others of its list."""

    id: str
    score: float


WEIGHTS = {
    # Closeness of the vectors is the unit.
    "dense": 1.0,
    # That of the previous and next turn, and of those before and after them: what is said of a thing stands together.
    "near": 0.23,
    "far": 0.14,
    # BM25 of the turn.
    "bm25": 0.014,
    # Share of the question's terms, by rarity, that it holds together with the turns beside it.
    "coverage": 0.88,
    # Said by the one who is asked about.
    "speaker": 0.19,
    # Itself a question.
    "asks": -0.15,
    # It names a time, and a time is asked for.
    "dated": 0.34,
    # Said in the time that is asked about.
    "window": 0.56,
}
"""Of the features that a score sums up. Fitted as a softmax over the notes of a pool (listwise, as ListNet: Cao et al., 2007) to four
conversations of LoCoMo and five chats of BEAM, and rounded; fitted to two conversations alone they find as much in two others."""

_CONFIDENCE = {"best": 1.15, "tenth": 1.55, "lead": 3.0, "unheard": -0.7}
_CONFIDENCE_BIAS = -3.0
"""Logistic regression: LoCoMo's answerable questions against its category 5 and against questions about another conversation."""

_AROUND = {-2: 0.3, -1: 0.9, 1: 0.9, 2: 0.3}
"""How much a term of the question counts that a note does not hold but one so many turns away does."""

_USUAL_MARGIN = 0.6
"""Of the best note over the tenth: stands for it in a memory of fewer."""

_SELF_CONTAINED = 25
"""Terms from which on a note needs its neighbors less and less: a turn of a conversation is rarely longer."""


def rank(question: Question, pool: Sequence[Candidate], corpus: Corpus) -> list[Ranked]:
    """All of the pool, best first; equal scores keep their order. Neighbors that count have to be in the pool.

    Who is superseded comes behind the last of those who correct it, and that one scores as well as the best of them: it
    answers what they did.
    """
    if not pool:
        return []
    values = features(question, pool, corpus)
    scores = sum((WEIGHTS[name] * value for name, value in values.items()), np.zeros(len(pool)))
    return _corrected(pool, scores)


def confidence(question: Question, pool: Sequence[Candidate], corpus: Corpus, ranked: Sequence[Ranked]) -> float:
    """Probability that a note of the pool answers, where half of the questions can be answered; `ranked` is what `rank` made of them.

    A question about things that are not in this memory is told apart well (AUC .9), one that mixes up who said them, or asks for
    a detail that nobody gave, less so (.7).
    """
    if not ranked:
        return 0.0
    scores = [one.score for one in ranked]
    values = {
        "best": scores[0],
        "tenth": scores[9] if len(scores) > 9 else scores[0] - _USUAL_MARGIN,
        "lead": _lead(question, pool, ranked),
        "unheard": _unheard(question, corpus),
    }
    return 1 / (1 + math.exp(-_CONFIDENCE_BIAS - sum(_CONFIDENCE[name] * value for name, value in values.items())))


def _lead(question: Question, pool: Sequence[Candidate], ranked: Sequence[Ranked]) -> float:
    """How much better the notes of the one who is asked about fit than all others, were they anyone's; 0 if there is no comparing."""
    if question.certainty < 1:
        return 0.0
    theirs = {one.id: one.speaker == question.speaker for one in pool}
    best = {True: -math.inf, False: -math.inf}
    for one in ranked:
        said = theirs[one.id]
        best[said] = max(best[said], one.score - WEIGHTS["speaker"] * (1 if said else -1))
    lead = best[True] - best[False]
    return lead if math.isfinite(lead) else 0.0


def _unheard(question: Question, corpus: Corpus) -> float:
    """Share of the question's terms, by rarity, that no note of the memory holds."""
    rarity = {term: corpus.rarity(term) for term in question.terms}
    return sum(weight for term, weight in rarity.items() if not corpus.holding.get(term)) / (sum(rarity.values()) or 1.0)


def features(question: Question, pool: Sequence[Candidate], corpus: Corpus) -> dict[str, Scores]:
    """What `WEIGHTS` weighs: name → one value for each note of the pool."""
    beside = _Beside(pool)
    dense = np.array([one.dense for one in pool], dtype=np.float64)
    bm25, coverage = _words(question, pool, corpus, beside)
    said_by = np.array([1.0 if one.speaker == question.speaker else -1.0 for one in pool])
    within = [any(one.timestamp in window for window in question.windows) for one in pool] if question.windows else [False] * len(pool)
    return {
        "dense": dense,
        "near": (beside.at(dense, -1) + beside.at(dense, 1)) * beside.need,
        "far": (beside.at(dense, -2) + beside.at(dense, 2)) * beside.need,
        "bm25": bm25,
        "coverage": coverage,
        "speaker": said_by * question.certainty,
        "asks": np.array([float(one.asks) for one in pool]),
        "dated": np.array([float(one.dated and question.asks_when) for one in pool]),
        "window": np.array(within, dtype=np.float64),
    }


class _Beside:
    """The turns before and after each note of a pool, and how much it needs them (1: a short turn; towards 0: a long text)."""

    def __init__(self, pool: Sequence[Candidate]) -> None:
        places = {(one.session, one.position): index for index, one in enumerate(pool)}
        nowhere = len(pool)
        self._indices = {
            offset: np.array([places.get((one.session, one.position + offset), nowhere) for one in pool], dtype=np.intp)
            for offset in (-2, -1, 1, 2)
        }
        self.need: Scores = np.array([min(1.0, _SELF_CONTAINED / max(1, len(one.terms))) for one in pool])

    def at(self, values: Scores, offset: int) -> Scores:
        """`values` (…, pool) of the note that stands `offset` turns away; 0 where there is none."""
        padded = np.concatenate([values, np.zeros((*values.shape[:-1], 1))], axis=-1)
        return padded[..., self._indices[offset]]


def _words(question: Question, pool: Sequence[Candidate], corpus: Corpus, beside: _Beside) -> tuple[Scores, Scores]:
    """BM25 of each note, and the share of the question that it covers with its neighbors; both 0 if the question has no terms."""
    if not question.terms:
        return np.zeros(len(pool)), np.zeros(len(pool))
    rarity = np.array([corpus.rarity(term) for term in question.terms])
    weights = np.zeros((len(question.terms), len(pool)))
    for column, one in enumerate(pool):
        terms = one.terms
        for row, term in enumerate(question.terms):
            count = terms.count(term)
            if count:
                weights[row, column] = term_weight(count, len(terms))
    held = np.minimum(weights, 1.0)
    around = [share * beside.need * beside.at(held, offset) for offset, share in _AROUND.items()]
    together = np.maximum.reduce([held, *around])
    return rarity @ weights, rarity @ together / rarity.sum()


def _corrected(pool: Sequence[Candidate], scores: Scores) -> list[Ranked]:
    """In order of the scores, those that are superseded behind their successors."""
    places = {one.id: index for index, one in enumerate(pool)}
    effective = scores.copy()
    depth = [0] * len(pool)
    for index in range(len(pool)):
        chain = _successors(index, pool, places)
        depth[index] = len(chain)
        if chain:
            effective[chain[-1]] = max(effective[chain[-1]], scores[index])
    for index in sorted(range(len(pool)), key=depth.__getitem__):
        if depth[index]:
            effective[index] = min(scores[index], effective[places[pool[index].superseded_by]])
    order = sorted(range(len(pool)), key=lambda index: (-effective[index], depth[index], index))
    return [Ranked(pool[index].id, float(effective[index])) for index in order]


def _successors(index: int, pool: Sequence[Candidate], places: Mapping[str, int]) -> list[int]:
    """Those in the pool that supersede a note, one after the other; a circle ends before it closes."""
    chain: list[int] = []
    seen = {index}
    while (after := places.get(pool[index].superseded_by)) is not None and after not in seen:
        chain.append(after)
        seen.add(after)
        index = after
    return chain
