"""The log and its index: one truth, one follower, whatever happens to the follower."""

import logging
import shutil
import sys
from pathlib import Path

import anyio
import pytest
from opened import NOW, edge, opened, system

from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.engines.scripted import ScriptedEmbedder
from multimodal_assistant.memory.note import MemoryNote, Scope
from multimodal_assistant.memory.store import Progress
from multimodal_assistant.memory.system import AgenticMemorySystem

pytestmark = pytest.mark.anyio

TEXTS = ["My sister is called Anna.", "The soup needs salt.", "Porto is lovely in spring.", "I left the keys on the table."]


async def test_what_was_added_is_found_at_once_and_after_the_store_was_closed(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        ids = [await memory.add_note(text) for text in TEXTS]
        assert [hit.note.id for hit in await memory.search("What is my sister called?", 1)] == ids[:1]
    async with system(tmp_path) as memory:
        assert [hit.note.id for hit in await memory.search("Where are the keys?", 1)] == ids[3:]
        assert await memory.store.indexed() == 4


async def test_an_index_that_is_gone_is_built_again_from_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    embedder = ScriptedEmbedder()
    async with opened(tmp_path, embedder) as store:
        memory = AgenticMemorySystem(store, "anna")
        ids = [await memory.add_note(text) for text in TEXTS]
        await store.settle()
    embedded = len(embedder.ledger.requests)
    shutil.rmtree(tmp_path / "index-0")
    async with opened(tmp_path, embedder) as store:
        memory = AgenticMemorySystem(store, "anna")
        assert [hit.note.id for hit in await memory.search("salt soup", 1)] == [ids[1]]
    assert "built again" in caplog.text
    assert len(embedder.ledger.requests) == embedded + 2  # the dimensions and the question: vectors are kept in the log


async def test_an_index_that_is_damaged_is_built_again_with_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with system(tmp_path) as memory:
        ids = [await memory.add_note(text) for text in TEXTS]
    for file in (tmp_path / "index-0").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\x00garbage" * 10)
    async with system(tmp_path) as memory:
        assert [hit.note.id for hit in await memory.search("Porto spring", 1)] == [ids[2]]
    assert any(record.levelno == logging.WARNING for record in caplog.records)


async def test_searches_go_on_while_the_index_is_built_anew_and_nothing_that_comes_meanwhile_is_missed(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        notes = [MemoryNote(f"Number {index} is a number.", Scope("anna"), timestamp=NOW) for index in range(200)]
        await memory.add_notes(notes)
        await memory.store.settle()
        steps: list[Progress] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(memory.consolidate_memories, steps.append)
            for index in range(20):
                await memory.add_note(f"Extra {index} came meanwhile.")
                assert await memory.search("Number 7", 3)
            await memory.delete(notes[5].id)
        await memory.store.settle()
        assert await memory.store.indexed() == 219
        assert not (tmp_path / "index-0").exists()
        assert steps[-1].done >= 200
    async with system(tmp_path) as memory:
        assert await memory.store.indexed() == 219
        assert len(await memory.search("Extra 19 came meanwhile.", 1)) == 1


async def test_another_embedding_model_embeds_everything_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(tmp_path, ScriptedEmbedder(dimensions=64), model="one") as store:
        for text in TEXTS:
            await AgenticMemorySystem(store, "anna").add_note(text)
    async with opened(tmp_path, ScriptedEmbedder(dimensions=32), model="two") as store:
        assert await store.indexed() == 4
        assert await AgenticMemorySystem(store, "anna").search("soup", 1)
    assert "embedded again by two" in caplog.text


async def test_a_crash_between_the_index_and_the_outbox_is_made_good(tmp_path: Path) -> None:
    """What the index has but the outbox still holds is put in again; it is there once."""
    async with system(tmp_path) as memory:
        ids = [await memory.add_note(text) for text in TEXTS]
        await memory.store.settle()
        assert await memory.store.read(lambda log: log.counts()["waiting_for_index"]) == 4  # not checkpointed yet
        copy = tmp_path / "copy"
        copy.mkdir()
        for file in list(tmp_path.glob("memories.sqlite3*")):  # noqa: ASYNC240 - a test may wait for its disk
            shutil.copy(file, copy)
    index = edge(copy / "index-0", 64)
    index.close()
    async with system(copy) as memory:
        assert await memory.store.indexed() == 4
        assert [note.id for note in await memory.read_multiple(ids)] == ids


_SECOND = """
import sys
from pathlib import Path
import anyio
sys.path.insert(0, sys.argv[2])
from opened import system
from multimodal_assistant.core.errors import MemoryStoreError

async def main():
    async with system(Path(sys.argv[1])):
        pass

try:
    anyio.run(main)
except MemoryStoreError as error:
    print(error)
"""


async def test_a_second_process_is_told_who_is_in_the_way(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        await memory.add_note(TEXTS[0])
        command = [sys.executable, "-c", _SECOND, str(tmp_path), str(Path(__file__).parent)]
        done = await anyio.run_process(command, check=False)
        assert b"open in another process" in done.stdout, done.stderr
        assert await memory.search("sister", 1)
    done = await anyio.run_process(command, check=False)
    assert (done.stdout, done.returncode) == (b"", 0), done.stderr


async def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MemoryStoreError, match="cannot be used"):
        async with system(tmp_path / "file" / "memory"):
            pass


async def test_what_is_closed_says_so(tmp_path: Path) -> None:
    async with system(tmp_path) as memory:
        pass
    with pytest.raises((MemoryStoreError, RuntimeError)):
        await memory.latest()
    await memory.store.aclose()
