"""What it costs the answers of a conversation that the memory is worked through beside it, by rule and by the model that answers.

Conversations with and without that work take turns in one process, over the same questions and the same memory, which is searched and
written in all of them. The work is real: the queue of the log is filled before, and never empty.
"""

import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import anyio
import numpy as np

from multimodal_assistant.app import settings_from
from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.core.types import Details, Message, Samples, TextDelta
from multimodal_assistant.memory.note import MemoryNote, Scope
from multimodal_assistant.memory.upkeep import ENRICH, RELATE, Upkeep
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.remembering import Memories, open_memories

from .conversing import GAP_SECONDS, MAX_TOKENS, House, answered, conversation, housed
from .machine import Section, percentile
from .questions import script, spoken_questions

_ROUNDS = 6
_PER_ROUND = 10
_FLAGS = {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "joe"}}
_GOAL = 0.05
"""Share by which the p95 may grow."""
_DRAWS = 2000

_WHO = ("My sister Anna", "My brother Tom", "Our neighbour Clara", "My colleague Ravi", "My aunt Rosa", "Uncle George")
_DID = (
    "moved to Porto last spring and works at the harbour.",
    "is allergic to peanuts and carries a pen for it.",
    "has bought a green bicycle with a wicker basket.",
    "plays the cello in the town orchestra on Thursdays.",
    "is learning Portuguese with an old dictionary.",
    "broke the left wrist while skating in January.",
    "keeps three hens called Pip, Dot and Marigold.",
    "wants to open a bakery near the old station.",
    "left the blue umbrella in my hall after dinner.",
    "is going to marry Jonas in the chapel by the lake.",
    "gave me a recipe for lentil soup with lemon.",
    "sold the house in Leeds and lives on a boat now.",
    "sings in a choir and has a concert in June.",
    "is afraid of dogs since a walk in the forest.",
    "repairs radios in a workshop behind the church.",
    "asked me to water the tomatoes until Sunday.",
    "runs ten kilometres every morning before work.",
    "has found a black cat with one white paw.",
    "teaches chemistry at the school on the hill.",
    "wrote a long letter from Japan about the trains.",
)
_WEEKS = 50
"""In each of which all of them told as much."""


class Watched:
    """The language model, as the worker has it: how long it was at work for it."""

    def __init__(self, llm: LanguageModel) -> None:
        self._llm = llm
        self.begun = anyio.Event()
        """A request."""
        self.seconds = 0.0
        self.requests = 0
        self.cut = 0
        """Requests that were not written to their end."""

    @property
    def details(self) -> Details:
        return self._llm.details

    async def warm(self) -> None:
        await self._llm.warm()

    async def aclose(self) -> None:
        """It belongs to the conversations."""

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        begun, whole = time.perf_counter(), False
        self.requests += 1
        self.begun.set()
        try:
            async with aclosing(self._llm.reply(messages, max_tokens=max_tokens)) as deltas:
                async for delta in deltas:
                    yield delta
            whole = True
        finally:
            self.seconds += time.perf_counter() - begun
            self.cut += not whole


@dataclass(slots=True)
class _Side:
    """Conversations of one kind. worker: the model, where one works; pauses: also while a conversation goes on, whenever nobody has the
    floor; every: how many rounds there are to one of its conversations.
    """

    name: str
    works: bool = True
    worker: Watched | None = None
    pauses: bool = False
    every: int = 1
    waits: list[float] = field(default_factory=list[float])
    waiting: list[int] = field(default_factory=list[int])
    """Jobs that it could do, at the end of each conversation."""

    @property
    def row(self) -> str:
        silent = sum(wait >= GAP_SECONDS for wait in self.waits)
        p50, p95 = (percentile(self.waits, rank) for rank in (50, 95))
        return f"| {self.name} | {len(self.waits)} | **{p50:.2f} s** | **{p95:.2f} s** | {max(self.waits):.2f} s | {silent} |"


async def run() -> Section:
    """See `docs/benchmarks.md`."""
    asked = await spoken_questions()
    with tempfile.TemporaryDirectory(prefix="upkeep-") as folder:
        settings = settings_from(**_FLAGS, memory={"folder": Path(folder), "qdrant_url": ""})
        async with housed(settings) as house:
            llm = house.assistant.engines.llm
            async with open_memories(settings, worker=llm) as memories:
                await memories.of(memories.user).add_notes(list(_notes(memories.user)))
                await memories.store.settle()
                await answered(house, asked[:3])  # what is slow the first time is so for no side
                sides = [
                    _Side("no work", works=False),
                    _Side("rules and the model, until it begins (`serve`, if so set)", worker=Watched(llm)),
                    _Side("rules, in every pause (`talk`)", pauses=True, every=3),
                    _Side("rules and the model, in every pause", worker=Watched(llm), pauses=True, every=3),
                ]
                for index in range(_ROUNDS):
                    some = [asked[(index * _PER_ROUND + turn) % len(asked)] for turn in range(_PER_ROUND)]
                    for side in sides if index % 2 else reversed(sides):
                        if index % side.every == 0:
                            await memories.store.write(lambda log: log.plan(RELATE, log.all_seqs(0, 1_000_000)))
                            side.waits += await _conversed(house, memories, some, side)
                            side.waiting.append(await _waiting(memories, model=side.worker is not None))
    return Section("Memory: work beside the conversation", "\n".join(_body(*sides)))


async def _conversed(house: House, memories: Memories, questions: Sequence[Samples], side: _Side) -> list[float]:
    """One conversation; with a model it begins in the middle of a request of the worker's."""
    asked = script(questions, gap=GAP_SECONDS)
    talk = conversation(house, asked.recording, manner=Manner(max_tokens=MAX_TOKENS, memory=memories.conversation()))
    live = False

    def quiet() -> bool:
        return not live or side.pauses and talk.session.quiet

    async with anyio.create_task_group() as tasks:
        if side.works:
            tasks.start_soon(Upkeep(memories.store, side.worker, quiet=quiet).run, name="memory upkeep")
        if side.worker is not None:
            side.worker.begun = anyio.Event()
            await side.worker.begun.wait()
        live = True
        await talk.session.run()
        tasks.cancel_scope.cancel()
    return talk.waits(asked.ends)


def _notes(user: str) -> Iterator[MemoryNote]:
    """What somebody told in the last months."""
    began = datetime.now(UTC) - timedelta(weeks=_WEEKS + 1)
    for index, (week, did, who) in enumerate(product(range(_WEEKS), _DID, _WHO)):
        scope = Scope(user, session=f"told-{index // len(_WHO)}")
        yield MemoryNote(f"{who} {did}", scope, timestamp=began + timedelta(weeks=week, minutes=index))


async def _waiting(memories: Memories, *, model: bool) -> int:
    kind = ENRICH if model else RELATE
    return await memories.store.read(lambda log: log.one("SELECT count(*) FROM jobs WHERE kind = ?", (kind,)))


def _body(without: _Side, serve: _Side, rules: _Side, pauses: _Side) -> list[str]:
    sides = (without, serve, rules, pauses)
    medians = percentile(serve.waits, 50) - percentile(without.waits, 50)
    growth, low, high = growth_of_p95(without.waits, serve.waits)
    return [
        (
            f"base, Qwen 0.5B, joe, replies of at most {MAX_TOKENS} tokens; conversations of {_PER_ROUND} turns over the same questions "
            "and the same memory, which is searched and written in all of them; the rows take turns. The work is that of "
            "`memory/upkeep.py`: links and corrections by rule; keywords, contexts and evolution by the model that answers. There is "
            f"always more of it than can be done (at least {min(count for side in sides[1:] for count in side.waiting)} jobs are left at "
            "the end of a conversation). Where the model does it, each conversation begins in the middle of one of its requests."
        ),
        "",
        "| work beside the conversation | n | p50 | p95 | max | no answer |",
        "|---|---|---|---|---|---|",
        *(side.row for side in sides),
        "",
        (
            f"As `assistant serve` does it, the p95 grows by {growth:+.1%} (95 % interval, bootstrap over pairs of turns: {low:+.1%} to "
            f"{high:+.1%}; the goal is at most {_GOAL:.0%}) and the median by {1000 * medians:+.0f} ms. {_told(serve.worker)}"
        ),
        "",
        (
            "The last row is what the assistant does not do: a model that has worked on something else between two turns has to read the "
            f"conversation again, and the longer that is, the less of it is read before the question ends. {_told(pauses.worker)}"
        ),
    ]


def _told(worker: Watched | None) -> str:
    if worker is None:
        return ""
    return f"There the worker had the model for {worker.seconds:.0f} s with {worker.requests} requests, of which {worker.cut} were cut off."


def growth_of_p95(without: Sequence[float], beside: Sequence[float]) -> tuple[float, float, float]:
    """As a share, with the bounds of its 95 % interval, by bootstrap over the pairs of turns with the same question."""
    pairs = np.array([without, beside])
    drawn = pairs[:, np.random.default_rng(0).integers(0, len(without), (_DRAWS, len(without)))]
    before, after = np.percentile(drawn, 95, axis=2)
    low, high = np.quantile(after / before - 1, (0.025, 0.975))
    return percentile(beside, 95) / percentile(without, 95) - 1, float(low), float(high)
