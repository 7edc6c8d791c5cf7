"""What was found and what should have been → recall, nDCG, reciprocal rank, hits, with the interval they may lie in by chance."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

DEPTH = 10
"""Notes that are looked at; the measures at 5 look at the first half of them."""


@dataclass(frozen=True, slots=True)
class Scored:
    """How well one question was answered; all in [0, 1]."""

    kind: str
    recall_5: float
    recall_10: float
    ndcg_10: float
    reciprocal_rank: float
    """0 if nothing is among the first ten."""
    hit_10: float
    """1 if any of the evidence is."""
    all_10: float
    """1 if all of it is."""


@dataclass(frozen=True, slots=True)
class Mean:
    """Over questions, with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def scored(kind: str, found: Sequence[str], evidence: Collection[str]) -> Scored:
    """`found`: ids, best first, each once. `evidence` must not be empty; each of it counts the same."""
    gains = [one in evidence for one in found[:DEPTH]]
    ideal = sum(1 / math.log2(place + 2) for place in range(min(len(evidence), DEPTH)))
    return Scored(
        kind=kind,
        recall_5=sum(gains[: DEPTH // 2]) / len(evidence),
        recall_10=sum(gains) / len(evidence),
        ndcg_10=sum(1 / math.log2(place + 2) for place, gain in enumerate(gains) if gain) / ideal,
        reciprocal_rank=1 / (gains.index(True) + 1) if any(gains) else 0.0,
        hit_10=float(any(gains)),
        all_10=float(sum(gains) == len(evidence)),
    )


def mean(values: Sequence[float], *, rounds: int = 2000, seed: int = 0) -> Mean:
    """Mean and percentile bootstrap over the questions; the same values give the same interval."""
    data = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, len(data), (rounds, len(data)))
    low, high = np.quantile(data[draws].mean(axis=1), (0.025, 0.975))
    return Mean(float(data.mean()), float(low), float(high))


def area_under_curve(answerable: Sequence[float], others: Sequence[float]) -> float:
    """Probability that an answerable question has the higher confidence of a pair (ROC AUC); equal ones count half."""
    yes, no = np.asarray(answerable)[:, None], np.asarray(others)[None, :]
    return float(((yes > no) + 0.5 * (yes == no)).mean())
