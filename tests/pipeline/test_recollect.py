"""What is remembered comes in time or not at all, and stands where the model reads it."""

import pytest

from multimodal_assistant.core.types import Message
from multimodal_assistant.engines.scripted import Script, ScriptedMemory
from multimodal_assistant.pipeline.history import History
from multimodal_assistant.pipeline.recollect import Recollection, recollect
from multimodal_assistant.pipeline.respond import conversation

pytestmark = pytest.mark.anyio

LINES = {"sister": "1 May 2026, you: My sister is called Anna."}


async def test_what_bears_on_the_words_is_recalled() -> None:
    assert await recollect(ScriptedMemory(LINES), "What is my sister called?") == LINES["sister"]
    assert await recollect(ScriptedMemory(LINES), "What time is it?") == ""


async def test_without_a_memory_or_words_nothing_is_asked() -> None:
    memory = ScriptedMemory(LINES)
    assert await recollect(None, "sister") == ""
    assert await recollect(memory, "") == ""
    assert memory.ledger.requests == []


async def test_a_slow_memory_is_left_behind() -> None:
    memory = ScriptedMemory(LINES, script=Script(delay=30.0))
    assert await recollect(memory, "sister") is None
    assert memory.ledger.cancelled == 1


async def test_a_memory_that_fails_costs_the_answer_nothing() -> None:
    assert await recollect(ScriptedMemory(LINES, script=Script(fail_after=0)), "sister") is None


async def test_what_was_read_ahead_stays_where_it_holds_the_best() -> None:
    memory = ScriptedMemory({"sister": "Anna.", "name": "A name."})
    recollection = Recollection()
    assert await recollection.ahead(memory, "What is the name of my sister") == "Anna.\nA name."
    assert await recollection.settle(memory, "My sister?") == "Anna.\nA name."
    assert await recollection.settle(memory, "What time is it?") == ""
    other = Recollection()
    assert await other.ahead(memory, "What is her name") == "A name."
    assert await other.settle(memory, "My sister?") == "Anna."


async def test_where_the_second_look_is_late_the_first_one_serves() -> None:
    recollection = Recollection()
    await recollection.ahead(ScriptedMemory(LINES), "sister")
    assert await recollection.settle(ScriptedMemory(LINES, script=Script(delay=30.0)), "sister?") == LINES["sister"]


def test_memories_stand_at_the_end_of_what_the_model_reads() -> None:
    history = [Message("user", "Hello."), Message("assistant", "Hello!")]
    plain = conversation("What is my sister called?", system="Be brief.", history=history)
    told = conversation("What is my sister called?", system="Be brief.", history=history, recalled=LINES["sister"])
    assert told[:-1] == plain[:-1]
    assert told[-1].role == "user"
    assert LINES["sister"] in told[-1].text
    assert told[-1].text.endswith("What is my sister called?")


def test_the_history_tells_what_it_keeps() -> None:
    kept: list[tuple[str, str]] = []
    history = History(keep=lambda said, heard: kept.append((said, heard)))
    history.answered("What time is it?", "Nine.")
    history.interrupted("Tell me a story.", "Once upon")
    history.interrupted("Again.", "")
    history.aside("By the way, I am tired.")
    history.told("Shall we go on?")
    assert kept == [
        ("What time is it?", "Nine."),
        ("Tell me a story.", "Once upon"),
        ("Again.", ""),
        ("By the way, I am tired.", ""),
    ]
