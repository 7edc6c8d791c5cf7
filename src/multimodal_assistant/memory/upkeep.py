"""What is made of a note after it was acknowledged: links and corrections by rule, and more by a language model where one is given.

In the background, one job at a time, only while nobody has the floor. A job is leased: one that a crash cut short comes up again.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import anyio
import numpy as np

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import LanguageModel

from .construction import construct, prompt
from .evolution import Change, Changes, Neighbour, conflicts, evolve, linked, prompt_hash, related
from .index import PoolRequest
from .note import MemoryNote, Scope
from .reading import Stored
from .store import MEANING, MemoryStore
from .terms import sparse_note

log = logging.getLogger(__name__)

RELATE, ENRICH = "relate", "enrich"
"""Kinds of jobs: by rule, by a language model."""

_NEAR = 12
"""Notes that a new one is compared with, by meaning and by words each,"""
_NEAREST = 5
"""and those that a language model is shown (A-MEM's k)."""
_LEASE = 120.0
_RETRY = 60.0
_ATTEMPTS = 3
_LOOK_AGAIN = 1.0
"""Seconds."""


class Upkeep:
    """Works off the jobs of a store. llm: None, and only rules are applied. quiet: whether nobody needs the machine."""

    def __init__(self, store: MemoryStore, llm: LanguageModel | None = None, *, quiet: Callable[[], bool] = lambda: True) -> None:
        self._store = store
        self._llm = llm
        self._quiet = quiet
        self.kinds = (RELATE, *((ENRICH,) if llm is not None else ()))

    async def run(self) -> None:
        """Until it is cancelled; a job that is cut off is done again."""
        while True:
            if not self._quiet() or not await self.step():
                await anyio.sleep(_LOOK_AGAIN)

    async def drain(self) -> int:
        """Until there is nothing more to do; how many jobs were done."""
        done = 0
        while await self.step():
            done += 1
        return done

    async def step(self) -> bool:
        """One job; False where there is none."""
        now = datetime.now(UTC)
        moment = now.timestamp()
        job = await self._store.write(lambda log: log.lease(self.kinds, moment, moment + _LEASE))
        if job is None:
            return False
        number, kind, seq = job
        try:
            (found,) = await self._store.read(lambda log: log.stored([seq])) or (None,)
            if found is not None:
                changes = await (self.relate(found) if kind == RELATE else self.enrich(found))
                for one in changes:
                    await self._store.write(lambda log, one=one: log.change(found.note.scope.user, one, now))
            await self._store.write(lambda log: log.finish(number))
        except AssistantError as error:
            log.warning("a memory is looked at again later: %s", error)
            problem = error.problem
            await self._store.write(lambda log: log.postpone(number, moment + _RETRY, problem, most_attempts=_ATTEMPTS))
        return True

    async def relate(self, new: Stored) -> list[Changes]:
        """Links to what is near, and what is corrected by it: by rule."""
        note = new.note
        near = await self._near(new)
        by_id = {one.note.id: one.note for one in near}
        links = linked(note, [by_id[one] for one in related(note, near)])
        outdated = conflicts(note, list(by_id.values()))
        corrected = [
            change
            for old in outdated
            for change in (
                Change(old, "valid_to", by_id[old].valid_to, note.timestamp),
                Change(old, "superseded_by", by_id[old].superseded_by, note.id),
            )
        ]
        return [Changes(links, "rule: near", note.id), Changes(tuple(corrected), "rule: correction", note.id)]

    async def enrich(self, new: Stored) -> list[Changes]:
        """What a language model makes of it: keywords, context and tags, links, and what it changes of its neighbours."""
        if self._llm is None:
            return []
        note = new.note
        before = await self._store.read(lambda log: log.before(note))
        found = await construct(self._llm, note, previous=before)
        fields = {"keywords": found.keywords, "context": found.context, "tags": found.tags, "category": found.category}
        own = tuple(
            Change(note.id, name, getattr(note, name), value)
            for name, value in fields.items()
            if name in found.by_model and value != getattr(note, name)
        )
        near = sorted(await self._near(new), key=lambda one: -one.similarity)[:_NEAREST]
        built = replace(note, **{change.field: change.new for change in own})
        model = self._llm.details.get("model", "model")
        asked = prompt_hash(prompt(note.content, previous=before))
        likeness = {one.note.id: one.similarity for one in near}
        evolved = await evolve(self._llm, built, [one.note for one in near], likeness=likeness)
        return [Changes(own, model, note.id, asked), evolved]

    async def _near(self, new: Stored) -> list[Neighbour]:
        """Notes of the same user, whole, with the cosine of the angle between."""
        await self._store.settle()
        (new,) = await self._store.read(lambda log: log.stored([new.seq])) or (new,)
        if MEANING not in new.vectors:
            return []
        vector = new.vectors[MEANING].astype(np.float32)
        sparse = sparse_note(new.terms)
        scope = Scope(new.note.scope.user)
        pool = await self._store.pool(PoolRequest(scope, vector, sparse.indices, sparse.weights, _NEAR + 1))
        seqs = [seq for seq in pool.seqs if seq != new.seq]
        stored = await self._store.read(lambda log: log.stored(seqs))
        angles = {one.note.id: float(one.vectors[MEANING].astype(np.float32) @ vector) for one in stored if MEANING in one.vectors}
        notes: list[MemoryNote] = await self._store.read(lambda log: log.notes(scope, list(angles)))
        return [Neighbour(note, angles[note.id]) for note in notes]
