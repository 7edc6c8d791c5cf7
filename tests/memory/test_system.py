"""A-MEM's surface, on the real engine with scripted vectors: what it keeps, finds, changes and forgets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opened import NOW, opened, system

from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.engines.scripted import Script, ScriptedLlm
from multimodal_assistant.memory.note import MemoryNote, Scope
from multimodal_assistant.memory.system import AgenticMemorySystem
from multimodal_assistant.memory.upkeep import Upkeep

pytestmark = pytest.mark.anyio


async def test_a_note_is_kept_whole_and_what_was_not_given_is_found(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        note = await memory.read(await memory.add_note("I moved to Porto with my sister Anna.", "202605011200"))
        assert note is not None
        assert note.content == "I moved to Porto with my sister Anna."
        assert note.timestamp == datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
        assert any("porto" in word.lower() for word in note.keywords)
        assert note.tags
        given = await memory.read(await memory.add_note("x", keywords=["mine"], tags=["own"], context="Said.", category="c"))
        assert given is not None
        assert (given.keywords, given.tags, given.context, given.category) == (("mine",), ("own",), "Said.", "c")


async def test_bad_notes_are_refused_in_words(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        for text, problem in (("", "needs words"), (" \n", "needs words"), ("x" * 1_000_001, "too long")):
            with pytest.raises(InvalidSetting, match=problem):
                await memory.add_note(text)
        with pytest.raises(InvalidSetting, match="no field 'colour'"):
            await memory.add_note("x", colour="red")
        with pytest.raises(InvalidSetting, match="is no time"):
            await memory.add_note("x", "yesterday")
        with pytest.raises(InvalidSetting, match="belongs to 'ben'"):
            await memory.add_notes([MemoryNote("x", Scope("ben"))])
        with pytest.raises(InvalidSetting, match="names? .*user|belongs to a user"):
            AgenticMemorySystem(memory.store, " ")
        assert await memory.latest() == []


async def test_what_is_derived_can_be_changed_and_taken_back_and_the_words_cannot(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        id = await memory.add_note("I like tea.", tags=["food"], context="Taste.")
        assert await memory.update(id, tags=["drink"], context="What Anna drinks.")
        with pytest.raises(InvalidSetting, match="'content' of a note cannot be changed"):
            await memory.update(id, content="I like coffee.")
        changed = await memory.read(id)
        assert changed is not None
        assert (changed.tags, changed.context, len(changed.evolution_history)) == (("drink",), "What Anna drinks.", 2)
        assert await memory.revert(id, 2) == 2
        back = await memory.read(id)
        assert back is not None
        assert (back.tags, back.context, back.content) == (("food",), "Taste.", "I like tea.")
        assert len(back.evolution_history) == 4
        assert not await memory.update("nowhere", tags=["x"])
        assert await memory.revert("nowhere") == 0


async def test_links_are_found_and_stand_beside_the_hits(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        one = await memory.add_note("My dog Rex has a sore paw.", NOW - timedelta(days=9))
        two = await memory.add_note("My dog Rex has a sore paw and sees the vet on Friday.", NOW)
        for index in range(8):
            await memory.add_note(f"Something else entirely, number {index}.", NOW - timedelta(days=30 + index))
        assert await Upkeep(memory.store).drain() == 10
        (hit,) = await memory.search_agentic("When does Rex see the vet?", 1)
        assert hit.note.id == two
        assert [note.id for note in hit.neighbors] == [one]
        first = await memory.read(one)
        assert first is not None
        assert first.links == (two,)
        seen = await memory.read(two)
        assert seen is not None
        assert seen.retrieval_count == 1


async def test_a_correction_comes_before_what_it_corrects(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        old = await memory.add_note("My favourite colour is blue.", NOW - timedelta(days=20))
        new = await memory.add_note("My favourite colour is green now.", NOW - timedelta(days=2))
        await Upkeep(memory.store).drain()
        corrected = await memory.read(old)
        assert corrected is not None
        assert corrected.superseded_by == new
        assert corrected.valid_to == NOW - timedelta(days=2)
        ids = [hit.note.id for hit in await memory.search("What is my favourite colour?", 2)]
        assert ids == [new, old]
        await memory.delete(new)
        restored = await memory.read(old)
        assert restored is not None
        assert (restored.superseded_by, restored.valid_to) == ("", None)


async def test_what_names_the_subject_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        gone = [await memory.add_note(text) for text in ("The xylophone is blue.", "I bought a blue xylophone!")]
        kept = await memory.add_note("The trombone is blue.")
        assert {note.id for note in await memory.forget("the xylophone", preview=True)} == set(gone)
        assert len(await memory.latest()) == 3
        assert {note.id for note in await memory.forget("the xylophone")} == set(gone)
        assert [note.id for note in await memory.latest()] == [kept]
        assert [hit.note.id for hit in await memory.search("blue xylophone", 5)] == [kept]
        assert await memory.forget("the") == []
        assert await memory.forget("") == []


async def test_the_last_minutes_are_forgotten(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        kept = await memory.add_note("an hour ago", NOW - timedelta(hours=1))
        await memory.add_note("a minute ago", NOW - timedelta(minutes=1))
        assert len(await memory.forget(since=NOW - timedelta(minutes=5))) == 1
        assert [note.id for note in await memory.latest()] == [kept]


async def test_time_orders_what_was_said(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        for day in (1, 3, 2):
            await memory.add_note(f"day {day}", datetime(2026, 5, day, tzinfo=UTC))
        assert [note.content for note in await memory.latest()] == ["day 3", "day 2", "day 1"]
        within = await memory.search_by_time(datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 3, tzinfo=UTC))
        assert [note.content for note in within] == ["day 2"]


async def test_text_for_a_language_model_names_time_and_words(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        id = await memory.add_note("My sister is called Anna.", NOW)
        text, ids = await memory.find_related_memories("sister")
        assert ids == [id]
        assert text.startswith("7 May 2026, user: My sister is called Anna.")
        assert await memory.find_related_memories_raw("sister") == text


async def test_processing_a_note_says_whether_anything_came_of_it(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        note = await memory.read(await memory.add_note("My favourite colour is blue.", NOW - timedelta(days=1)))
        assert note is not None
        assert await memory.process_memory(note) == (False, note)
        newer = await memory.read(await memory.add_note("My favourite colour is green now.", NOW))
        assert newer is not None
        evolved, _ = await memory.process_memory(newer)
        assert evolved


async def test_everything_can_be_taken_along(tmp_path: Path) -> None:
    async with system(tmp_path / "one") as memory:
        for index in range(7):
            await memory.add_note(f"note {index}")
        notes = [note async for note in memory.export()]
    async with system(tmp_path / "two") as memory:
        assert await memory.add_notes(notes) == notes
        assert [note async for note in memory.export()] == notes
        assert await memory.add_notes(notes) == notes
        assert len(await memory.latest(100)) == 7


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["anna", "ben"]), st.sampled_from(["", "s"]), st.sampled_from("xyz")), min_size=1, max_size=8))
def test_nobody_finds_what_is_anothers(tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str, str]]) -> None:
    async def main() -> None:
        async with opened(tmp_path_factory.mktemp("m")) as store:
            for user, session, word in said:
                await AgenticMemorySystem(store, Scope(user, session=session)).add_note(f"the word {word}")
            for user in ("anna", "ben", "nobody"):
                memory = AgenticMemorySystem(store, user)
                hits = await memory.search("the word x y z", 20)
                assert len(hits) == sum(one[0] == user for one in said)
                assert all(note.scope.user == user for hit in hits for note in (hit.note, *hit.neighbors))
                assert {note.id for note in await memory.forget("word", preview=True)} == {hit.note.id for hit in hits}
                session = await AgenticMemorySystem(store, Scope(user, session="s")).search("the word x y z", 20)
                assert len(session) == sum(one[:2] == (user, "s") for one in said)

    anyio.run(main)


async def test_upkeep_steps_aside_when_the_machine_is_needed_and_goes_on_later(tmp_path: Path) -> None:
    """A model that never ends is at work when somebody comes; what it had begun is done later, by another one."""
    endless = ScriptedLlm(script=Script(delay=3600.0))
    busy = False
    async with system(tmp_path, llm=endless) as memory:
        id = await memory.add_note("My dog Rex has a sore paw.")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Upkeep(memory.store, endless, quiet=lambda: not busy).run)
            with anyio.fail_after(10):
                while not endless.ledger.requests:  # noqa: ASYNC110 - the worker's own moment
                    await anyio.sleep(0.01)
                busy = True
                while not endless.ledger.cancelled:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        assert (await memory.store.read(lambda log: log.counts()))["waiting_jobs"] == 1
        later = Upkeep(
            memory.store, ScriptedLlm(replies=["KEYWORDS: sore paw\nCONTEXT: My dog Rex has a sore paw.\nTAGS: pets\n"]), clock=_later
        )
        assert await later.drain() == 1
        note = await memory.read(id)
        assert note is not None
        assert "pets" in note.tags


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)
