"""Every memory on the same conversations, one after the other, and the section that tells how they did."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import anyio
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import Section
from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.config import Settings
from multimodal_assistant.core.protocols import TextEmbedder
from multimodal_assistant.memory.evaluation import locomo
from multimodal_assistant.memory.evaluation.dataset import Conversation, Turn
from multimodal_assistant.memory.evaluation.measure import Sure, measure
from multimodal_assistant.memory.evaluation.system import Measurable
from multimodal_assistant.memory.store import MemoryStore
from multimodal_assistant.memory.terms import STOPWORDS
from multimodal_assistant.memory.upkeep import Upkeep
from multimodal_assistant.remembering import embedder, open_memories

from . import beam
from .baselines import Baseline, Embed, Method
from .facts import ExtractedFacts, observations
from .peers import Peer, amem_python, mem0_python, open_peer
from .table import Result, beam_table, decimal, lead, locomo_table, tempting

OURS = "**ours**"
_METHODS: tuple[tuple[str, Method], ...] = (
    ("B0 BM25", "bm25"),
    ("B1 dense", "dense"),
    ("B2 both, RRF k = 60", "rrf"),
    ("B2 both, linear", "linear"),
)


class Memory(Protocol):
    """The two verbs that `measure` asks for."""

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]: ...

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class _Watched:
    """Keeps what a memory found, as turns."""

    memory: Memory
    found: dict[tuple[str, str], list[str]]
    turn_of: dict[str, dict[str, str]]

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]:
        ids = await self.memory.add(user, turns)
        self.turn_of[user] = {note: turn.id for note, turn in zip(ids, turns, strict=True)}
        return ids

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]:
        ids = await self.memory.search(user, text, k, now)
        self.found[user, text] = [self.turn_of[user][note] for note in ids]
        return ids


@dataclass(frozen=True, slots=True)
class _WorkedThrough:
    """Ours as it is after a while: with links, and with what it recognizes as corrected, by rule."""

    memory: Measurable
    store: MemoryStore

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]:
        ids = await self.memory.add(user, turns)
        await Upkeep(self.store).drain()
        return ids

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]:
        return await self.memory.search(user, text, k, now)


async def run() -> Section:
    """See `docs/benchmarks.md`."""
    if not (given := os.environ.get("BENCH_LOCOMO")):
        sys.exit("Set BENCH_LOCOMO to LoCoMo's file, as its authors publish it (locomo10.json), or to a part of its list.")
    settings = settings_from()
    engine = embedder(settings)
    embed = _each_once(engine)
    try:
        body = await _locomo(settings, embed, anyio.Path(given))
        if given := os.environ.get("BENCH_BEAM"):
            body += ["", *await _beam(settings, embed, anyio.Path(given))]
    finally:
        await engine.aclose()
    return Section("Memory: retrieval", "\n".join(body))


async def _locomo(settings: Settings, embed: Embed, path: anyio.Path) -> list[str]:
    conversations = locomo.load(Path(path))
    facts = ExtractedFacts(observations(Path(path)), embed)
    results = [await _result(name, Baseline(method, embed), conversations) for name, method in _METHODS]
    results.append(await _result("B4 facts by gpt-3.5, dense", facts, conversations))
    theirs, missing = await _theirs(settings, conversations)
    ours, _ = await _ours(settings, conversations)
    results += [*theirs, ours]
    size = f"{', '.join(one.id for one in conversations)}, {sum(len(one.turns) for one in conversations)} turns"
    return [
        f"LoCoMo: {size} ({await _fingerprint(path)}). {_SETTING}",
        "",
        f"Categories 1 to 4, n = {len(ours.measured.answered)}; in brackets the 95 % interval (bootstrap over questions).",
        "",
        *locomo_table(results),
        "",
        lead(results[:-1], ours),
        "",
        *(f"{sentence}\n" for sentence in missing),
        _adversarial(results, ours),
        "",
        _ROWS,
        "",
        _FITTED,
    ]


async def _beam(settings: Settings, embed: Embed, path: anyio.Path) -> list[str]:
    conversations = beam.load(Path(path))
    updates = beam.updates(Path(path))
    results = [await _result(name, Baseline(method, embed), conversations) for name, method in _METHODS]
    ours, corrected = await _ours(settings, conversations)
    unanswerable = sum(not query.answerable for one in conversations for query in one.queries)
    size = f"{len(conversations)} chats, {sum(len(one.turns) for one in conversations)} messages"
    rejection = f"AUC {ours.measured.rejection or 0.5:.3f}"
    return [
        f"BEAM, 100K: {size} ({await _fingerprint(path)}), n = {len(ours.measured.answered)} questions that cite messages.",
        (
            f"Newer first: BEAM's {len(updates)} questions of the kind knowledge_update cite the messages of the original statement and "
            "those of its update. Counted is which of the two is met first among the first ten notes: the share is of those where it is "
            "the update, whether the original stands below it or is not among the ten. Ours is measured after its upkeep by rule, which "
            f"takes {corrected} of the messages for corrected: the updates are told in passing, in messages about something else."
        ),
        "",
        *beam_table([*results, ours], updates),
        "",
        lead(results, ours),
        "",
        f"Our confidence tells the {unanswerable} questions without an answer (abstention) from the others with {rejection}.",
    ]


def _adversarial(results: Sequence[Result], ours: Result) -> str:
    return (
        f"Category 5 asks for what nobody said (n = {len(ours.measured.tempted)} with evidence, which only tempts). R@10 of what tempts: "
        f"{', '.join(f'{one.name} {decimal(tempting(one))}' for one in results)}. Ours tells the questions without an answer from the "
        f"others by its confidence with AUC {ours.measured.rejection or 0.5:.3f} (0.5 is chance)."
    )


async def _result(
    name: str, memory: Memory, conversations: Sequence[Conversation], *, sure: Sure | None = None, seconds: Sequence[float] = ()
) -> Result:
    """seconds: where the memory keeps how long its searches take."""
    print(f"  {name}", file=sys.stderr)
    watched = _Watched(memory, {}, {})
    measured = await measure(conversations, watched.add, watched.search, sure)
    return Result(name, measured, watched.found, seconds)


async def _ours(settings: Settings, conversations: Sequence[Conversation]) -> tuple[Result, int]:
    """In a memory of its own, which is removed; and how many notes it took for corrected by later ones."""
    with tempfile.TemporaryDirectory(prefix="retrieval-") as folder:
        memory = settings.memory.model_copy(update={"folder": Path(folder)})
        async with open_memories(settings.model_copy(update={"memory": memory})) as memories:
            system = Measurable(memories.store)
            worked = _WorkedThrough(system, memories.store)
            result = await _result(OURS, worked, conversations, sure=system.sure, seconds=system.seconds)
            return result, (await memories.store.read(lambda log: log.counts()))["superseded"]


async def _theirs(settings: Settings, conversations: Sequence[Conversation]) -> tuple[list[Result], list[str]]:
    """What could be measured, and a sentence about each that could not."""
    bench, model = settings.home / "bench", str(store_of(settings).path(settings.memory.embedder))
    results: list[Result] = []
    missing: list[str] = []
    openers: dict[str, Callable[[], AbstractAsyncContextManager[Peer]]] = {
        "mem0ai 2.2.1": lambda: _mem0(bench, model, words=False),
        "mem0ai 2.2.1 with BM25": lambda: _mem0(bench, model, words=True),
        "a-mem 0.2.6": lambda: _amem(bench, model),
    }
    for name, opener in openers.items():
        try:
            async with opener() as peer:
                results.append(await _result(name, peer, conversations, seconds=peer.seconds))
        except subprocess.CalledProcessError as error:
            missing.append(f"{name} could not be installed here: {error}")
    return results, missing


@asynccontextmanager
async def _mem0(bench: Path, model: str, *, words: bool) -> AsyncGenerator[Peer]:
    python = await mem0_python(bench)
    with tempfile.TemporaryDirectory(prefix="words-") as folder:
        file = anyio.Path(folder) / "english.txt"
        await file.write_text("\n".join(sorted(STOPWORDS)), encoding="utf-8")
        async with open_peer(python, "mem0_memory", model, *([str(file)] if words else [])) as peer:
            yield peer


@asynccontextmanager
async def _amem(bench: Path, model: str) -> AsyncGenerator[Peer]:
    async with open_peer(await amem_python(bench), "amem_memory", model) as peer:
        yield peer


def _each_once(engine: TextEmbedder) -> Embed:
    """Four baselines embed the same notes."""
    known: dict[str, NDArray[np.float32]] = {}

    async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, await engine.embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    return embed


async def _fingerprint(path: anyio.Path) -> str:
    return f"SHA-256 {hashlib.sha256(await path.read_bytes()).hexdigest()[:12]}…"


_SETTING = (
    "Every turn is a note of its conversation's user, every question a search among the notes of that user; no language model takes part. "
    "R@k: the share of the turns cited as evidence that are among the first k notes. All vectors are all-MiniLM-L6-v2's, from the same "
    "int8 weights. Searches are timed with the embedding of the question, in the process of the memory, one after the other."
)
_ROWS = (
    "B0 to B2 note a turn as it stands, with the name of its speaker. B4 searches the facts that gpt-3.5 drew from the sessions (LoCoMo's "
    "`observation`) and takes the turns they cite: what a memory holds for which a strong model extracts facts. mem0ai is its own "
    "`add(infer=False)` and `search` on its local Qdrant: installed plainly, and with its extra for words, whose stop words, which it "
    "would download, are our list; without its spaCy model, which PyPI does not have. a-mem is its own `add_note` and `search` on "
    "its Chroma; a class with the same vectors stands for sentence-transformers, and a model that answers nothing for its language "
    "model, so that it shows what it finds without one. Both get the texts that B0 to B2 get."
)
_FITTED = (
    "Our weights were fitted on LoCoMo's conv-26, -30, -41 and -42 and on BEAM's 100K chats 1 to 5: on those the row of ours is not a "
    "test. Fitted on two of the conversations only and measured on the other two, R@10 (categories 1 to 4) was .828 on conv-41 and -42 "
    "and .846 on conv-26 and -30. B0 to B4, mem0ai and a-mem have nothing that was fitted here. "
    "Two runs of ours may differ by .002."
)
