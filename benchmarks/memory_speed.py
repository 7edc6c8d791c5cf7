"""How long a search takes among many memories while others are written, and what they weigh."""

import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np
import psutil

from multimodal_assistant.app import settings_from
from multimodal_assistant.core.protocols import TextEmbedder
from multimodal_assistant.core.types import Details, Vectors
from multimodal_assistant.memory.note import MemoryNote, Scope
from multimodal_assistant.memory.qdrant_edge import EdgeIndex
from multimodal_assistant.memory.store import MemoryStore, open_store
from multimodal_assistant.memory.system import AgenticMemorySystem
from multimodal_assistant.remembering import embedder

from .machine import Section, percentile
from .speech import SENTENCES

SIZES = (10_000, 100_000)
MANY = 1_000_000
SEARCHES, ADDITIONS = 300, 60
USER = "anna"
_SPOKEN_EVERY = 0.2  # seconds: five notes a second are written meanwhile
_SESSION = 50  # notes
_BATCH = 500


class _Stored:
    """Embeds what is asked; notes get the vector of a sentence with noise, at no cost: a hundred thousand would take ten minutes."""

    def __init__(self, real: TextEmbedder, bases: Vectors) -> None:
        self._real = real
        self._bases = bases
        self._chance = np.random.default_rng(1)
        self.real = False

    @property
    def details(self) -> Details:
        return self._real.details

    async def warm(self) -> None:
        await self._real.warm()

    async def aclose(self) -> None:
        """The real one belongs to somebody else."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if self.real:
            return await self._real.embed(texts)
        chosen = self._bases[self._chance.integers(len(self._bases), size=len(texts))]
        noisy = chosen + self._chance.standard_normal(chosen.shape).astype(np.float32) * 0.04
        return noisy / np.linalg.norm(noisy, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds."""

    searches: list[float]
    additions: list[float]


def _notes(count: int) -> list[MemoryNote]:
    """Sentences with words of a long-tailed vocabulary, in sessions, one a minute."""
    chance = np.random.default_rng(0)
    ranks = np.minimum(chance.zipf(1.2, size=(count, 8)), 50_000)
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        MemoryNote(
            f"{SENTENCES[index % len(SENTENCES)]} {' '.join(f'w{rank}' for rank in ranks[index])}",
            Scope(USER if index % 10 else "somebody else", session=f"s{index // _SESSION}"),
            timestamp=begin + timedelta(minutes=index),
            position=index % _SESSION,
            keywords=("w",),
            tags=("t",),
            context="c",
        )
        for index in range(count)
    ]


async def _filled(store: MemoryStore, count: int) -> None:
    notes = _notes(count)
    for user in (USER, "somebody else"):
        mine = [note for note in notes if note.scope.user == user]
        for start in range(0, len(mine), _BATCH):
            await AgenticMemorySystem(store, user).add_notes(mine[start : start + _BATCH])
            await store.settle()


async def _measured(store: MemoryStore) -> _Times:
    """Searches one after the other, while notes are written."""
    memory = AgenticMemorySystem(store, USER)
    times = _Times([], [])

    async def speak() -> None:
        for _ in range(ADDITIONS):
            begun = time.perf_counter()
            await memory.add_note(f"{SENTENCES[len(times.additions) % len(SENTENCES)]} And this is new.")
            times.additions.append(time.perf_counter() - begun)
            await anyio.sleep(_SPOKEN_EVERY)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speak)
        for index in range(SEARCHES):
            question = f"{SENTENCES[index * 7 % len(SENTENCES)]} What was it about w{1 + index * 13 % 500}?"
            begun = time.perf_counter()
            await memory.recall(question, 5)
            times.searches.append(time.perf_counter() - begun)
    return times


@asynccontextmanager
async def _opened(folder: Path, *, real: bool) -> AsyncGenerator[MemoryStore]:
    """real: notes get vectors of their own, too."""
    engine = embedder(settings_from())
    stored = _Stored(engine, await engine.embed(SENTENCES))
    stored.real = real

    def index(path: Path, dimensions: int) -> EdgeIndex:
        return EdgeIndex(path, dimensions=dimensions)

    async with aclosing(engine), open_store(folder, stored, index, model="minilm") as store:
        yield store


async def fill(folder: Path, count: int) -> None:
    """Write so many notes."""
    async with _opened(folder, real=False) as store:
        await _filled(store, count)


async def optimize(folder: Path) -> None:
    """Make the searches fast."""
    async with _opened(folder, real=False) as store:
        await store.optimize()


async def _warm() -> None:
    """What an embedding takes is not the store's."""
    with tempfile.TemporaryDirectory(prefix="memories-") as name:
        async with _opened(Path(name), real=True) as store:
            await AgenticMemorySystem(store, USER).add_notes([MemoryNote(SENTENCES[0], Scope(USER))])


async def _apart(work: Callable[..., Awaitable[None]], *given: object) -> float:
    """Seconds for it in a process of its own: what it leaves in memory would be taken for the store's."""
    begun = time.perf_counter()
    called = f"anyio.run(memory_speed.{work.__name__}, {', '.join(map(repr, given))})"
    command = f"from pathlib import *; import anyio; from benchmarks import memory_speed; {called}"
    await anyio.run_process([sys.executable, "-c", command], stdout=None, stderr=None)
    return time.perf_counter() - begun


async def _row(folder: Path, name: str) -> str:
    before, begun = psutil.Process().memory_info().rss, time.perf_counter()
    async with _opened(folder, real=True) as store:
        opened = time.perf_counter() - begun
        times = await _measured(store)
        resident = (psutil.Process().memory_info().rss - before) / 1e6
    disk = await anyio.to_thread.run_sync(_megabytes, folder)
    ms = [f"{1000 * percentile(times.searches, share):.1f}" for share in (50, 95, 99)]
    added = f"{1000 * percentile(times.additions, 50):.1f} | {1000 * percentile(times.additions, 95):.1f}"
    return f"| {name} | {' | '.join(ms)} | {added} | {opened:.2f} s | {resident:.0f} MB | {disk:.0f} MB |"


def _megabytes(folder: Path) -> float:
    """On the disk: an index takes room before it needs it."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file()) / 1e6


_HEAD = """| notes | search p50 ms | p95 ms | p99 ms | add p50 ms | p95 ms | cold open | memory | disk | filled in | optimized in |
|---|---|---|---|---|---|---|---|---|---|---|"""


async def run() -> Section:
    """See `docs/benchmarks.md`."""
    rows: list[str] = []
    await _warm()
    for count in SIZES:
        with tempfile.TemporaryDirectory(prefix="memories-") as name:
            folder = Path(name)
            filled, optimized = await _apart(fill, folder, count), await _apart(optimize, folder)
            rows.append(f"{await _row(folder, str(count))} {filled:.0f} s | {optimized:.0f} s |")
    body = [
        "A search embeds the question (MiniLM, int8, one thread), asks Qdrant's engine in this process, loads the candidates and",
        "their neighbours from the log, and ranks them; five notes a second are added meanwhile, each on the disk (fsync) when it",
        "is acknowledged. Cold open is with the embedding model, memory without it.",
        "",
        _HEAD,
        *rows,
        "",
        "Goals: search p95 within 20 ms, an addition within 10 ms.",
    ]
    return Section("Memory: speed", "\n".join(body))


async def run_many() -> Section:
    """See `docs/benchmarks.md`."""
    await _warm()
    with tempfile.TemporaryDirectory(prefix="memories-") as name:
        folder = Path(name)
        filled = await _apart(fill, folder, MANY)
        rows = [f"{await _row(folder, f'{MANY}, as written')} {filled:.0f} s | |"]
        optimized = await _apart(optimize, folder)
        rows.append(f"{await _row(folder, f'{MANY}, optimized')} | {optimized:.0f} s |")
    body = [
        "As above. `assistant memory rebuild` optimizes what was written; up to a hundred thousand notes it makes no difference.",
        "",
        _HEAD,
        *rows,
        "",
        "Goal: search p95 within 60 ms.",
    ]
    return Section("Memory: a million notes", "\n".join(body))
