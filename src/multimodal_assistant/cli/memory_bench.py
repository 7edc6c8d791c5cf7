"""`assistant memory bench`: how much of what answers a question is found, on conversations with known answers."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from multimodal_assistant.core.errors import UsageError

from .run import run

if TYPE_CHECKING:
    from multimodal_assistant.memory.evaluation.dataset import Conversation
    from multimodal_assistant.memory.evaluation.measure import Measured

_CATEGORIES = {"multi-hop": "1", "temporal": "2", "open-domain": "3", "single-hop": "4"}
"""LoCoMo's numbers."""


@click.command()
@click.option(
    "--locomo",
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    required=True,
    help="LoCoMo's file as its authors publish it (locomo10.json), or a part of it; may be given again.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def bench(files: tuple[Path, ...], as_json: bool) -> None:
    """Measure retrieval: every turn is a note, every question a search for the turns that answer it. Nothing of yours is touched."""
    conversations = [one for file in files for one in _load(file)]
    measured, seconds = run(lambda: _measure(conversations, quiet=as_json))
    report = _report(measured, seconds)
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(f"{len(conversations)} conversations, {len(measured.answered)} questions that have an answer")
    for name in ("recall_at_5", "recall_at_10", "ndcg_at_10", "mrr"):
        click.echo(f"{name:<13} " + "  ".join(f"{kind}: {value:.3f}" for kind, value in report[name].items()))
    click.echo(f"search        p50 {report['latency_ms']['p50']:.1f} ms, p95 {report['latency_ms']['p95']:.1f} ms, embedding included")
    click.echo(f"rejection     {report['rejection_auc']:.3f} (area under the curve of confidence; 0.5 is chance)")


def _load(file: Path) -> "list[Conversation]":
    from multimodal_assistant.memory.evaluation import locomo

    try:
        return locomo.load(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Give LoCoMo's file, as its authors publish it.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is not a file of LoCoMo.", "Give locomo10.json, as its authors publish it, or a part of its list."
        ) from error


async def _measure(conversations: "Sequence[Conversation]", *, quiet: bool) -> "tuple[Measured, list[float]]":
    """In a memory of its own, which is removed."""
    from rich.console import Console
    from rich.progress import Progress

    from multimodal_assistant.app import settings_from
    from multimodal_assistant.memory.evaluation.measure import measure
    from multimodal_assistant.memory.evaluation.system import Measurable
    from multimodal_assistant.remembering import open_memories

    with tempfile.TemporaryDirectory(prefix="assistant-bench-") as folder, Progress(console=Console(stderr=True), disable=quiet) as bar:
        settings = settings_from(memory={"folder": Path(folder)})
        task = bar.add_task("notes", total=sum(len(one.turns) for one in conversations))
        async with open_memories(settings) as memories:
            memory = Measurable(memories.store, lambda count: bar.advance(task, count))
            found = await measure(conversations, memory.add, memory.search, memory.sure)
        return found, memory.seconds


def _report(measured: "Measured", seconds: Sequence[float]) -> dict[str, Any]:
    """1-4: all that have an answer; all: with the adversarial ones, whose evidence only tempts."""

    def by_category(measure: str) -> dict[str, float]:
        means = measured.means(measure)
        everything = [getattr(one, measure) for one in (*measured.answered, *measured.tempted)]
        numbered = {number: means[kind].value for kind, number in _CATEGORIES.items() if kind in means}
        return {key: round(float(value), 4) for key, value in {**numbered, "1-4": means["all"].value, "all": np.mean(everything)}.items()}

    if not measured.answered:
        raise UsageError("The file has no question with an answer.", "Give LoCoMo's file, as its authors publish it.")
    p50, p95, p99 = (round(1000 * float(value), 2) for value in np.percentile(seconds, (50, 95, 99)))
    return {
        "recall_at_5": by_category("recall_5"),
        "recall_at_10": by_category("recall_10"),
        "ndcg_at_10": by_category("ndcg_10"),
        "mrr": by_category("reciprocal_rank"),
        "latency_ms": {"p50": p50, "p95": p95, "p99": p99},
        "rejection_auc": round(measured.rejection or 0.5, 4),
    }
