"""What was measured of memories → rows of Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.machine import percentile
from multimodal_assistant.memory.evaluation.measure import Measured
from multimodal_assistant.memory.evaluation.metrics import DEPTH, Mean, mean

from .beam import Update

Found = Mapping[tuple[str, str], Sequence[str]]
"""(conversation, question) → ids of turns, best first."""

KINDS = ("multi-hop", "temporal", "open-domain", "single-hop")


@dataclass(frozen=True, slots=True)
class Result:
    """What one memory did with one data set."""

    name: str
    measured: Measured
    found: Found
    seconds: Sequence[float] = field(default=())
    """Of searches; empty if they were not the point."""


def locomo_table(results: Sequence[Result]) -> list[str]:
    """A row for each memory; the heads of the categories tell how many questions are in them."""
    kinds = [kind for kind in KINDS if kind in results[0].measured.means()]
    counts = [sum(one.kind == kind for one in results[0].measured.answered) for kind in kinds]
    heads = [f"R@10 {kind} (n = {count})" for kind, count in zip(kinds, counts, strict=True)]
    rows = [_row(result, [decimal(result.measured.means()[kind]) for kind in kinds]) for result in results]
    return [*_heads([*heads, "search p50 / p95 ms"]), *rows]


def beam_table(results: Sequence[Result], updates: Mapping[tuple[str, str], Update]) -> list[str]:
    """The same with the order of what was said and what was said later."""
    heads = [f"newer first (n = {len(updates)})", "newer / older first / neither", "update among five", "search p50 / p95 ms"]
    rows = [
        _row(one, [decimal(newer_first(one.found, updates), interval=True), order(one.found, updates), f"{updated(one.found, updates)}"])
        for one in results
    ]
    return [*_heads(heads), *rows]


def newer_first(found: Found, updates: Mapping[tuple[str, str], Update]) -> Mean:
    """Share of the questions for which the newer statement is found, and above the older one; that one may not be found at all."""
    return mean([float(_newer_first(found[asked], update) is True) for asked, update in updates.items()])


def updated(found: Found, updates: Mapping[tuple[str, str], Update]) -> int:
    """How often the newer statement is among the first five, wherever the older one is."""
    return sum(not update.newer.isdisjoint(found[asked][: DEPTH // 2]) for asked, update in updates.items())


def order(found: Found, updates: Mapping[tuple[str, str], Update]) -> str:
    """How often the newer statement is found above the older one, how often below, and how often neither is found."""
    outcomes = [_newer_first(found[asked], update) for asked, update in updates.items()]
    return " / ".join(f"{outcomes.count(outcome)}" for outcome in (True, False, None))


def tempting(result: Result) -> Mean:
    """Recall of what only seems to answer."""
    return mean([one.recall_10 for one in result.measured.tempted])


def lead(others: Sequence[Result], ours: Result) -> str:
    """How far apart ours and the best of the others are, question by question: narrower than what the two intervals tell."""
    best = max(others, key=lambda one: one.measured.means()["all"].value)
    pairs = zip(ours.measured.answered, best.measured.answered, strict=True)
    apart = mean([mine.recall_10 - theirs.recall_10 for mine, theirs in pairs])
    return (
        f"R@10 of ours less that of the best other row ({best.name}), paired by question: "
        f"{apart.value:+.3f} [{apart.low:+.3f}, {apart.high:+.3f}]."
    )


def decimal(value: Mean, *, interval: bool = False) -> str:
    """Three digits without the zero before them."""
    bounds = f" [{_short(value.low)}, {_short(value.high)}]" if interval else ""
    return f"{_short(value.value)}{bounds}"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _heads(further: Sequence[str]) -> list[str]:
    heads = ["memory", "R@5", "R@10", "nDCG@10", "MRR", *further]
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]


def _row(result: Result, further: Sequence[str]) -> str:
    recall = [decimal(result.measured.means(name)["all"], interval=True) for name in ("recall_5", "recall_10")]
    ranks = [decimal(result.measured.means(name)["all"]) for name in ("ndcg_10", "reciprocal_rank")]
    times = " / ".join(f"{1000 * percentile(result.seconds, rank):.1f}" for rank in (50, 95)) if result.seconds else "–"
    return f"| {' | '.join([result.name, *recall, *ranks, *further, times])} |"


def _newer_first(found: Sequence[str], update: Update) -> bool | None:
    for turn in found[:DEPTH]:
        if turn in update.newer or turn in update.older:
            return turn in update.newer
    return None
