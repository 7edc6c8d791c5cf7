"""A-MEM's memory system (arXiv:2502.12110): the notes of one scope, and what is made of them."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.core.protocols import LanguageModel

from .analysis import Analysis, analyze
from .construction import construct
from .evolution import Change, Changes
from .note import Hit, MemoryNote, Scope, content_of
from .recall import Recalled, recall
from .store import MemoryStore, Progress
from .terms import keys_of
from .upkeep import ENRICH, RELATE, Upkeep

_FORGET_AT_ONCE = 10_000
_FIELDS = ("keywords", "context", "tags", "category", "links", "valid_from", "valid_to", "superseded_by")


class AgenticMemorySystem:
    """The memories of `scope` in `store`: nothing of another user is ever read or changed through it.

    llm: makes keywords, contexts, tags, links and evolution in the background (`Upkeep`); None: all of it by rule. clock: the time now.
    """

    def __init__(
        self,
        store: MemoryStore,
        scope: Scope | str,
        *,
        llm: LanguageModel | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self.scope = Scope(scope) if isinstance(scope, str) else scope
        self._llm = llm
        self._clock = clock

    # Keeping

    async def add_note(self, content: str, time: datetime | str | None = None, **fields: Any) -> str:
        """Keep `content`, word for word; the id of the note. It is on the disk when this returns.

        time: when it was said; A-MEM's "YYYYMMDDHHMM" is taken as UTC. fields: of `MemoryNote`; those that are not given are found by rule.
        """
        (note,) = await self.add_notes([self._note(content, time, fields)])
        return note.id

    async def add_notes(self, notes: Sequence[MemoryNote]) -> list[MemoryNote]:
        """Several at once: all of them, or none. Those whose id is there already are left as they are.

        What a summary was made of (`made_of`) has to be there, or among them.
        """
        strangers = [note for note in notes if not self.scope.holds(note.scope)]
        if strangers:
            raise InvalidSetting(f"The note {strangers[0].id} belongs to {strangers[0].scope.user!r}.", "Open the memory of that user.")
        jobs = (RELATE, *((ENRICH,) if self._llm is not None else ()))
        names = set(await self.store.read(lambda log: log.speakers(self.scope.user))) | {note.speaker for note in notes} - {""}
        whole = [(_analyzed(note), keys_of(content_of(note.content), names)) for note in notes]
        added = await self.store.write(lambda log: log.add(whole, jobs=jobs))
        there = {note.id: note for note in added}
        return [there.get(note.id, note) for note in notes]

    def _note(self, content: str, time: datetime | str | None, fields: dict[str, Any]) -> MemoryNote:
        unknown = set(fields) - set(MemoryNote.__dataclass_fields__) | {"content", "scope"} & set(fields)
        if unknown:
            raise InvalidSetting(f"A note has no field {sorted(unknown)[0]!r}.", f"Fields: {', '.join(MemoryNote.__dataclass_fields__)}.")
        given = _given(fields)
        moment = _moment(time) if time is not None else given.pop("timestamp", None) or self._clock()
        return MemoryNote(content, self.scope, timestamp=moment, **given)

    async def update(self, memory_id: str, **fields: Any) -> bool:
        """Change what is derived from a note; False where it is not there. Its words stay: for others, add a note."""
        wrong = set(fields) - set(_FIELDS)
        if wrong:
            raise InvalidSetting(f"The field {sorted(wrong)[0]!r} of a note cannot be changed.", f"These can: {', '.join(_FIELDS)}.")
        note = await self.read(memory_id)
        if note is None:
            return False
        new = _given(fields)
        await self._change(Changes(tuple(Change(memory_id, name, getattr(note, name), value) for name, value in new.items()), "user"))
        return True

    async def revert(self, memory_id: str, steps: int = 1) -> int:
        """Take back the latest changes of what is derived from a note; how many fields are as they were."""
        note = await self.read(memory_id)
        if note is None:
            return 0
        back = tuple(
            Change(memory_id, step.field, step.new, _value(step.field, step.old)) for step in reversed(note.evolution_history[-steps:])
        )
        return await self._change(Changes(back, "reverted"))

    async def _change(self, changes: Changes) -> int:
        at = self._clock()
        return await self.store.write(lambda log: log.change(self.scope.user, changes, at))

    # Looking up

    async def read(self, memory_id: str) -> MemoryNote | None:
        """One note, with its links and its history; None where it is not there."""
        notes = await self.read_multiple([memory_id])
        return notes[0] if notes else None

    async def read_multiple(self, memory_ids: Sequence[str]) -> list[MemoryNote]:
        """Those that are there, in this order."""
        return await self.store.read(lambda log: log.notes(self.scope, memory_ids))

    async def latest(self, k: int = 20) -> list[MemoryNote]:
        """The newest first."""
        return await self.store.read(lambda log: log.latest(self.scope, k))

    async def search(self, query: str, k: int = 5, *, now: datetime | None = None) -> list[Hit]:
        """The notes that bear most on `query`, the best first. now: what "yesterday" in it counts from."""
        await self.store.settle()
        return list((await self.recall(query, k, now=now)).hits)

    async def search_agentic(self, query: str, k: int = 5, *, now: datetime | None = None) -> list[Hit]:
        """The same; and what was found counts as recalled (`retrieval_count`). What hits are linked to is beside them, in `neighbors`."""
        hits = await self.search(query, k, now=now)
        at = self._clock()
        await self.store.write(lambda log: log.accessed(self.scope.user, [hit.note.id for hit in hits], at))
        return hits

    async def recall(self, query: str, k: int = 5, *, now: datetime | None = None, informing: bool = False) -> Recalled:
        """The same without waiting for what was added a moment ago: for a turn of a conversation. informing: see `recall.recall`."""
        return await recall(self.store, self.scope, query, k, now=now or self._clock(), informing=informing)

    async def search_by_time(self, since: datetime | None = None, until: datetime | None = None, k: int = 20) -> list[MemoryNote]:
        """What was said within these times, the newest first."""
        return await self.store.read(lambda log: log.latest(self.scope, k, since=since, until=until))

    async def find_related_memories(self, query: str, k: int = 5) -> tuple[str, list[str]]:
        """What is near, as text for a language model, and its ids."""
        hits = await self.search(query, k)
        return "\n".join(_line(hit.note) for hit in hits), [hit.note.id for hit in hits]

    async def find_related_memories_raw(self, query: str, k: int = 5) -> str:
        """The same, each with what it is linked to."""
        hits = await self.search(query, k)
        return "\n".join(_line(note) for hit in hits for note in (hit.note, *hit.neighbors))

    # What is made of notes

    async def analyze_content(self, content: str) -> Analysis:
        """Keywords, context and tags: by the language model where there is one, field by field, else by rule."""
        if self._llm is None:
            return analyze(content)
        return await construct(self._llm, MemoryNote(content_of(content), self.scope))

    async def process_memory(self, note: MemoryNote) -> tuple[bool, MemoryNote]:
        """Link a note that is kept, and let it change what is derived from its neighbours, now; whether anything came of it."""
        upkeep = Upkeep(self.store, self._llm)
        seqs = await self.store.read(lambda log: log.seqs_of(self.scope.user, [note.id]))
        found = await self.store.read(lambda log: log.stored(seqs)) if seqs else []
        count = 0
        for one in found:
            for changes in (*await upkeep.relate(one), *await upkeep.enrich(one)):
                count += await self._change(changes)
        return count > 0, await self.read(note.id) or note

    async def consolidate_memories(self, tell: Callable[[Progress], None] = lambda _: None) -> int:
        """Build the index anew from the log, while searches go on; how many notes it holds."""
        return await self.store.rebuild(tell)

    # Forgetting

    async def delete(self, memory_id: str) -> bool:
        """Forget one note for good; False where it is not there."""
        return bool(await self.forget(ids=[memory_id]))

    async def forget(
        self, about: str = "", *, ids: Sequence[str] = (), since: datetime | None = None, preview: bool = False
    ) -> list[MemoryNote]:
        """Delete for good what names all of `about`, these notes, or what was said since then, and all that is derived from it.

        What is gone; preview: what would go, and nothing does. A summary goes when anything of it does.
        """
        found = await self.read_multiple(ids) if ids else []
        if since is not None:
            found += await self.store.read(lambda log: log.latest(self.scope, _FORGET_AT_ONCE, since=since))
        if about:
            terms = sorted(set(keys_of(about, ()).terms))
            matching = await self.store.read(lambda log: log.with_terms(self.scope, terms, _FORGET_AT_ONCE)) if terms else []
            found += await self.read_multiple(matching)
        found = list({note.id: note for note in found}.values())
        if not preview and found:
            await self.store.write(lambda log: log.delete(self.scope.user, [note.id for note in found]))
            await self.store.settle()
        return found

    async def export(self) -> AsyncGenerator[MemoryNote]:
        """Every note of the scope, whole, oldest first: `add_notes` of another memory takes them over."""
        last = 0
        while seqs := await self.store.read(lambda log, last=last: log.all_seqs(last, 500)):
            ids = [one.note.id for one in await self.store.read(lambda log, seqs=seqs: log.stored(seqs))]
            for note in await self.read_multiple(ids):
                yield note
            last = seqs[-1]


def _analyzed(note: MemoryNote) -> MemoryNote:
    """What was not given is found by rule."""
    if note.keywords and note.tags and note.context != "General":
        return note
    found = analyze(note.content, speaker=note.speaker)
    return replace(
        note,
        keywords=note.keywords or found.keywords,
        context=found.context if note.context == "General" else note.context,
        tags=note.tags or found.tags,
        category=found.category if note.category == "Uncategorized" else note.category,
    )


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Lists of JSON are tuples here."""
    return {name: tuple(cast("list[Any]", value)) if isinstance(value, list) else value for name, value in fields.items()}


def _moment(time: datetime | str) -> datetime:
    if isinstance(time, datetime):
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        return datetime.strptime(time, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidSetting(f"{time!r} is no time.", "Write it as YYYYMMDDHHMM.") from error


def _value(field: str, old: object) -> object:
    """What the history tells, as it is in a note."""
    return datetime.fromtimestamp(old, UTC) if field in {"valid_from", "valid_to"} and isinstance(old, float | int) else old


def _line(note: MemoryNote) -> str:
    said = note.timestamp.strftime("%d %B %Y").lstrip("0")
    return f"{said}, {note.speaker or note.source}: {note.content} (keywords: {', '.join(note.keywords)}; context: {note.context})"
