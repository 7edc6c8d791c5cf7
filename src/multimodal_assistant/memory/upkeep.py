"""What is made of notes after they were acknowledged: links and corrections by rule, and more by a language model where one is given.

In the background, one job at a time, only while nobody has the floor. A job is leased: one that a crash cut short comes up again.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import numpy as np

from multimodal_assistant.core.errors import AssistantError, EngineFailed
from multimodal_assistant.core.protocols import LanguageModel

from .aside import stepping_aside
from .construction import construct, prompt
from .evolution import Change, Changes, Neighbour, conflicts, evolve, linked, prompt_hash, related
from .index import PoolRequest
from .note import MemoryNote, Scope
from .reading import Stored
from .store import MEANING, MemoryStore
from .summaries import FEWEST, QUIET, due, note_of_summary, summarize
from .terms import keys_of, sparse_note

log = logging.getLogger(__name__)

RELATE, ENRICH, SUMMARIZE = "relate", "enrich", "summarize"
"""Kinds of jobs: by rule, by a language model; and by one, of the session that the note is of."""

_NEAR = 12
"""Notes that a new one is compared with, by meaning and by words each,"""
_NEAREST = 5
"""and those that a language model is shown (A-MEM's k)."""
_LEASE = 120.0
_RETRY = 60.0
_ATTEMPTS = 3
_LOOK_AGAIN = 1.0
"""Seconds."""
_LOOK_FOR_SESSIONS = timedelta(minutes=1)
"""All notes are gone through for it."""
_MOST_SESSIONS = 100


class Upkeep:
    """Works off the jobs of a store. llm: None, and only rules are applied. quiet: whether nobody needs the machine. clock: the time now.

    There is no summary without a model: see `summaries`.
    """

    def __init__(
        self,
        store: MemoryStore,
        llm: LanguageModel | None = None,
        *,
        quiet: Callable[[], bool] = lambda: True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._llm = llm
        self._quiet = quiet
        self._clock = clock
        self._look: datetime | None = None
        """When sessions that are over are looked for next."""
        self.kinds = (RELATE, *((ENRICH, SUMMARIZE) if llm is not None else ()))

    async def run(self) -> None:
        """Until it is cancelled; a job that is cut off, here or by somebody who needs the machine, is done again."""
        while True:
            if not self._quiet() or not await stepping_aside(self.step, self._quiet):
                await anyio.sleep(_LOOK_AGAIN)

    async def drain(self) -> int:
        """Until there is nothing more to do; how many jobs were done."""
        done = 0
        while await self.step():
            done += 1
        return done

    async def step(self) -> bool:
        """One job; False where there is none."""
        now = self._clock()
        moment = now.timestamp()
        job = await self._store.write(lambda log: log.lease(self.kinds, moment, moment + _LEASE))
        if job is None and await self._plan(now):
            job = await self._store.write(lambda log: log.lease(self.kinds, moment, moment + _LEASE))
        if job is None:
            return False
        number, kind, seq = job
        (found,) = await self._store.read(lambda log: log.stored([seq])) or (None,)
        try:
            if found is not None:
                await self._do(kind, found, now)
            await self._store.write(lambda log: log.finish(number))
        except AssistantError as error:
            log.warning("a memory is looked at again later: %s", error)
            problem = error.problem
            over = await self._store.write(lambda log: log.postpone(number, moment + _RETRY, problem, most_attempts=_ATTEMPTS))
            if over and kind == SUMMARIZE and found is not None:
                await self._pass_over(found.note.scope)
        return True

    async def _do(self, kind: str, found: Stored, now: datetime) -> None:
        if found.note.source == "summary":  # what is made of notes is not made of again
            return
        if kind == SUMMARIZE:
            await self.summarize(found.note.scope, now)
            return
        user = found.note.scope.user
        changes = await (self.relate(found) if kind == RELATE else self.enrich(found))
        outdated = [change.note_id for one in changes for change in one.changes if change.field == "superseded_by" and change.new]
        if outdated:  # first, so that a crash in between leaves no summary that says what is no longer true
            await self._store.write(lambda log: log.drop_summaries(user, outdated))
        for one in changes:
            await self._store.write(lambda log, one=one: log.change(user, one, now))

    async def _plan(self, now: datetime) -> bool:
        """Find sessions that are over and in no summary; whether there is any to work on."""
        if self._llm is None or self._look is not None and now < self._look:
            return False
        over = (now - QUIET).timestamp()
        found = await self._store.read(lambda log: log.sessions_due(over, FEWEST, _MOST_SESSIONS))
        planned = await self._store.write(lambda log: log.plan(SUMMARIZE, found)) if found else 0
        if not planned:
            self._look = now + _LOOK_FOR_SESSIONS
        return planned > 0

    async def summarize(self, scope: Scope, now: datetime) -> None:
        """One note on what was told in a session, in the place of an earlier one. Raises `EngineFailed` where the model wrote nothing."""
        notes, fresh = await self._store.read(lambda log: log.session(scope))
        if self._llm is None or not scope.session or not due(notes, fresh, now):
            return
        made = await summarize(self._llm, notes)
        if made.problem and not made.text:
            raise EngineFailed(made.problem)
        ids = [note.id for note in notes]
        if not made.text:
            await self._store.write(lambda log: log.put_summary(scope.user, ids, None))
            return
        note = note_of_summary(made, notes, by=self._llm.details.get("model", "model"), at=now)
        names = await self._store.read(lambda log: log.speakers(scope.user))
        await self._store.write(lambda log: log.put_summary(scope.user, ids, (note, keys_of(note.content, names))))

    async def _pass_over(self, scope: Scope) -> None:
        """A session whose summary failed too often is not tried again before it has grown."""
        notes, _ = await self._store.read(lambda log: log.session(scope))
        await self._store.write(lambda log: log.put_summary(scope.user, [note.id for note in notes], None))

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
        """Notes of the same user, whole, with the cosine of the angle between. No summaries: they have no links."""
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
        return [Neighbour(note, angles[note.id]) for note in notes if note.source != "summary"]
