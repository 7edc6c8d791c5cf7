"""What a language model's work on the notes does for finding them: nothing of it, its links and corrections, and its words as well."""

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benchmarks.machine import Section
from multimodal_assistant.app import PROFILES, choose_llm, settings_from, store_of
from multimodal_assistant.config import Settings
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.memory.evaluation import locomo
from multimodal_assistant.memory.evaluation.dataset import Turn
from multimodal_assistant.memory.evaluation.measure import Measured, measure
from multimodal_assistant.memory.evaluation.metrics import mean
from multimodal_assistant.memory.evaluation.system import Measurable
from multimodal_assistant.memory.system import AgenticMemorySystem
from multimodal_assistant.memory.upkeep import Upkeep
from multimodal_assistant.remembering import Memories, open_memories

MODEL = "qwen2.5-0.5b"
_EVERY = 20  # notes


@dataclass(frozen=True, slots=True)
class _Kept:
    """Turns that are notes already."""

    memory: Measurable
    ids: Sequence[str]

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]:
        return list(self.ids)

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]:
        return await self.memory.search(user, text, k, now)


async def run() -> Section:
    """See `docs/benchmarks.md`."""
    if not (given := os.environ.get("BENCH_LOCOMO")):
        sys.exit("Set BENCH_LOCOMO to LoCoMo's file, as its authors publish it (locomo10.json), or to a part of its list.")
    talk = min(locomo.load(Path(given)), key=lambda one: len(one.turns))
    settings = settings_from(llm={"model": MODEL})
    llm, _ = await choose_llm(settings, store_of(settings), PROFILES["balanced"])
    results: dict[str, Measured] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="enriched-") as folder:
            async with open_memories(_in(settings, folder), worker=llm) as memories:
                memory = Measurable(memories.store)
                kept = _Kept(memory, await memory.add(talk.id, talk.turns))
                await Upkeep(memories.store).drain()
                results["rules"] = await measure([talk], kept.add, kept.search)
                begun = time.perf_counter()
                failed = await _worked_through(AgenticMemorySystem(memories.store, talk.id, llm=llm), kept.ids)
                seconds = (time.perf_counter() - begun) / len(kept.ids)
                results["its links and corrections"] = await measure([talk], kept.add, kept.search)
                told = await _with_its_words(memories, talk.id, kept.ids, talk.turns)
        with tempfile.TemporaryDirectory(prefix="enriched-") as folder:
            async with open_memories(_in(settings, folder)) as memories:
                memory = Measurable(memories.store)
                kept = _Kept(memory, await memory.add(talk.id, told))
                await Upkeep(memories.store).drain()
                results["its words in the notes"] = await measure([talk], kept.add, kept.search)
    finally:
        await llm.aclose()
    size = f"LoCoMo, {talk.id}: {len(talk.turns)} turns, n = {len(results['rules'].answered)} questions of the categories 1 to 4."
    body = [
        (
            f"{size} {MODEL} worked through every note ({seconds:.1f} s each, {failed} failed): keywords, context, tags, links, "
            "and what it changes of neighbours. In the last row its keywords, context and tags are part of the note that is searched, as "
            "A-MEM embeds it; in the product they are not."
        ),
        "",
        "| our memory with | R@5 | R@10 | nDCG@10 | R@10 less that of the rules, paired |",
        "|---|---|---|---|---|",
        *(_row(name, found, results["rules"]) for name, found in results.items()),
    ]
    return Section("Memory: what a model's work is worth", "\n".join(body))


def _in(settings: Settings, folder: str) -> Settings:
    memory = settings.memory.model_copy(update={"folder": Path(folder), "qdrant_url": ""})
    return settings.model_copy(update={"memory": memory})


async def _worked_through(memory: AgenticMemorySystem, ids: Sequence[str]) -> int:
    """For how many of the notes the model failed."""
    failed = 0
    for done, note in enumerate(await memory.read_multiple(ids)):
        try:
            await memory.process_memory(note)
        except AssistantError as error:
            print(f"  {error}", file=sys.stderr, flush=True)
            failed += 1
        if done % _EVERY == 0:
            print(f"  {done} of {len(ids)} notes", file=sys.stderr, flush=True)
    return failed


async def _with_its_words(memories: Memories, user: str, ids: Sequence[str], turns: Sequence[Turn]) -> list[Turn]:
    found = {note.id: note for note in await AgenticMemorySystem(memories.store, user).read_multiple(list(ids))}
    return [
        replace(turn, content=" ".join([turn.content, note.context, *note.keywords, *note.tags]))
        for note, turn in zip((found[one] for one in ids), turns, strict=True)
    ]


def _row(name: str, found: Measured, rules: Measured) -> str:
    every = found.answered
    r5, r10, ndcg = (mean([getattr(one, field) for one in every]).value for field in ("recall_5", "recall_10", "ndcg_10"))
    apart = mean([mine.recall_10 - theirs.recall_10 for mine, theirs in zip(every, rules.answered, strict=True)])
    less = "" if found is rules else f"{apart.value:+.3f} [{apart.low:+.3f}, {apart.high:+.3f}]"
    return f"| {name} | {r5:.3f} | {r10:.3f} | {ndcg:.3f} | {less} |"
