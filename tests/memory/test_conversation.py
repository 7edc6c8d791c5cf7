"""The memory of a conversation, on the real engine with scripted vectors: what it tells the model, what it keeps, what it forgets."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from opened import NOW, system

from multimodal_assistant.memory.conversation import ConversationMemory, Keeper
from multimodal_assistant.memory.system import AgenticMemorySystem

pytestmark = pytest.mark.anyio


@dataclass
class Scene:
    """Two conversations of one user."""

    system: AgenticMemorySystem
    keeper: Keeper
    now: datetime = NOW

    def conversation(self, session: str) -> ConversationMemory:
        return ConversationMemory(self.system, self.keeper, session=session, clock=lambda: self.now)

    async def settle(self) -> None:
        """All turns are written and found."""
        while self.keeper.waiting:
            await self.keeper.write_next()
        await self.system.store.settle()

    async def kept(self) -> list[tuple[str, str, str]]:
        """(source, session, words), oldest first."""
        return [(note.source, note.scope.session, note.content) for note in reversed(await self.system.latest(100))]


@asynccontextmanager
async def scene(folder: Path) -> AsyncGenerator[Scene]:
    async with system(folder) as memory:
        stage = Scene(memory, Keeper())
        try:
            yield stage
        finally:
            await stage.keeper.finish()


async def test_what_was_said_is_told_in_the_next_conversation_and_not_in_this_one(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        first = stage.conversation("monday")
        first.remember("My sister is called Anna.", "A lovely name.")
        await stage.settle()
        assert await first.recall("What is my sister called?") == ""
        told = await stage.conversation("tuesday").recall("What is my sister called?")
        assert told.endswith("the user said: My sister is called Anna.")
        assert "lovely" not in told
        assert await stage.kept() == [("user", "monday", "My sister is called Anna."), ("assistant", "monday", "A lovely name.")]


async def test_what_was_asked_is_kept_and_is_no_answer(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.conversation("monday").remember("What is my sister called?", "I do not know.")
        await stage.settle()
        assert await stage.conversation("tuesday").recall("What is my sister called?") == ""
        assert len(await stage.kept()) == 2


async def test_what_the_assistant_said_is_told_where_it_is_asked_for(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.conversation("monday").remember("Where shall we eat?", "Try the small place at the harbour.")
        await stage.settle()
        told = await stage.conversation("tuesday").recall("What did you say about the small place at the harbour?")
        assert told.endswith("you answered: Try the small place at the harbour.")


async def test_a_turn_that_nobody_heard_or_said_is_no_note(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        memory = stage.conversation("monday")
        memory.remember("", "")
        memory.remember("Tell me about Rome.", "")
        memory.remember("", "Shall we go on?")
        await stage.settle()
        assert [words for _, _, words in await stage.kept()] == ["Tell me about Rome.", "Shall we go on?"]


async def test_a_request_to_forget_is_carried_out_once_it_is_a_turn(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        memory = stage.conversation("monday")
        memory.remember("The xylophone cost a fortune.", "That is a lot.")
        memory.remember("The soup was good.", "Fine.")
        await stage.settle()
        request = "Please forget what I said about the xylophone."
        assert "forgotten 1 thing about xylophone" in await memory.recall(request)
        assert len(await stage.kept()) == 4, "a draft forgets nothing"
        memory.remember(request, "It is gone.")
        await stage.settle()
        assert [words for _, _, words in await stage.kept()] == ["That is a lot.", "The soup was good.", "Fine."]
        assert "nothing to forget" in await memory.recall(request)


async def test_the_last_minutes_are_forgotten(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        memory = stage.conversation("monday")
        memory.remember("That was long ago.", "")
        await stage.settle()
        stage.now += timedelta(minutes=30)
        memory.remember("This is new.", "Indeed.")
        await stage.settle()
        memory.remember("Forget the last five minutes.", "Done.")
        await stage.settle()
        assert [words for _, _, words in await stage.kept()] == ["That was long ago."]


async def test_long_memories_are_cut_at_a_word(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        stage.conversation("monday").remember("My garden " + "has roses and tulips " * 60, "")
        await stage.settle()
        told = await stage.conversation("tuesday").recall("Does my garden have roses and tulips?")
        assert told.endswith(" …")
        assert len(told) < 320


async def test_what_has_come_is_written_when_the_program_ends(tmp_path: Path) -> None:
    async with scene(tmp_path) as stage:
        memory = stage.conversation("monday")
        for index in range(20):
            memory.remember(f"Sentence number {index}.", "")
        await stage.keeper.finish()
        memory.remember("Too late.", "")
        assert len(await stage.kept()) == 20
