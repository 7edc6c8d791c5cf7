"""The memory system for programs without an event loop."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from opened import system

from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.memory.blocking import blocking


def test_a_life_of_memories_without_a_loop(tmp_path: Path) -> None:
    with blocking(system(tmp_path)) as memory:
        id = memory.add_note("My sister is called Anna.", tags=["family"])
        other = memory.add_note("The soup needs salt.")
        assert [hit.note.id for hit in memory.search("What is my sister called?", k=1)] == [id]
        assert memory.update(id, tags=["people"])
        note = memory.read(id)
        assert note is not None
        assert note.tags == ("people",)
        assert memory.revert(id) == 1
        assert memory.delete(other)
        assert [note.id for note in memory.export()] == [id]
        assert memory.consolidate_memories() == 1
        with pytest.raises(InvalidSetting):
            memory.add_note("")
    with blocking(system(tmp_path)) as memory:
        assert len(memory.latest()) == 1


def test_from_many_threads_at_once(tmp_path: Path) -> None:
    with blocking(system(tmp_path)) as memory, ThreadPoolExecutor(8) as threads:
        texts = [f"Note number {index}." for index in range(40)]
        assert len(set(threads.map(memory.add_note, texts))) == 40
        assert len(memory.latest(k=100)) == 40
        assert all(threads.map(memory.search, texts))
