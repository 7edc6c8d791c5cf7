"""A conversation with a memory: what bears on a turn reaches the model, and what was said and heard is kept, once and nothing else."""

from dataclasses import replace

import anyio
import numpy as np
import pytest
from cast import ReadingLlm
from stage import hush, on_stage, voice

from multimodal_assistant.core.events import TurnMetrics
from multimodal_assistant.engines.scripted import Script, ScriptedMemory
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.rules import Rules

pytestmark = pytest.mark.anyio

LINE = "1 May 2026, you: My sister is called Anna."
QUESTION = "What is my sister called?"
LONG = "One two three four five six seven eight nine ten eleven twelve."


def remembering(**script: float) -> tuple[ScriptedMemory, Manner]:
    memory = ScriptedMemory({"sister": LINE}, script=Script(**script))  # pyright: ignore[reportArgumentType]
    return memory, Manner(memory=memory)


async def test_the_model_reads_what_is_remembered_and_the_history_does_not_keep_it() -> None:
    memory, manner = remembering()
    async with on_stage(says=(QUESTION,), manner=manner) as stage:
        await stage.hear(np.concatenate([hush(0.5), voice(0.7), hush(3.0)]))
        assert LINE in stage.llm.ledger.requests[-1]
        assert stage.memory == [("user", QUESTION), ("assistant", "It is nine.")]
        (metrics,) = stage.told(TurnMetrics)
        assert metrics.stages["recall"] is not None
    assert memory.kept == [(QUESTION, "It is nine.")]


async def test_of_an_answer_that_was_stopped_the_heard_words_are_kept() -> None:
    memory, manner = remembering()
    async with on_stage(says=("Count.", "no wait, something else"), replies=(LONG, "All right."), manner=manner) as stage:
        await stage.hear(np.concatenate([voice(0.7), hush(0.4)]))
        await stage.hear(hush(1.0))
        await stage.hear(np.concatenate([voice(0.7), hush(2.0)]))
    assert memory.kept == [("Count.", "One two three four five"), ("no wait, something else", "All right.")]


async def test_a_draft_that_was_taken_back_is_not_kept() -> None:
    memory, manner = remembering()
    async with on_stage(says=("Tell me", "Tell me a story."), scores=(0.05, 0.95), manner=manner) as stage:
        await stage.hear(np.concatenate([voice(0.8), hush(0.15), voice(0.8), hush(3.0)]))
    assert memory.kept == [("Tell me a story.", "It is nine.")]


async def test_what_is_written_is_recalled_for_and_kept_too() -> None:
    memory, manner = remembering()
    async with on_stage(manner=manner) as stage:
        stage.session.write(QUESTION)
        stage.session.answer()
        await stage.hear(hush(3.0))
        assert LINE in stage.llm.ledger.requests[-1]
    assert memory.kept == [(QUESTION, ""), ("", "It is nine.")]


async def test_a_memory_that_does_not_answer_delays_nothing_for_long() -> None:
    memory, manner = remembering(delay=60.0)
    async with on_stage(says=(QUESTION,), manner=manner) as stage:
        await stage.hear(np.concatenate([hush(0.5), voice(0.7), hush(0.5)]))
        with anyio.fail_after(10):
            while not memory.ledger.cancelled:  # the memory's time is the only one that passes here
                await stage.stall()
        await stage.hear(hush(3.0))
        assert stage.named("audio.finished")
    assert memory.kept == [(QUESTION, "It is nine.")]


async def test_memories_are_read_ahead_with_the_words_and_stay_as_they_were_read() -> None:
    memory, llm = ScriptedMemory({"sister": LINE, "called": "2 May 2026, you: Call me Al."}), ReadingLlm()
    says = ("what is", "what is my sister", QUESTION)
    async with on_stage(says=says, llm=llm, manner=Manner(memory=memory)) as stage:
        await stage.hear(np.concatenate([voice(1.5), hush(3.0)]))
    assert memory.ledger.requests[:3] == list(says)
    assert llm.read[1][-1].text == f"(From earlier conversations:\n{LINE})\n\nwhat is my", "found by the last word, which is not read yet"
    assert llm.ledger.requests == [f"(From earlier conversations:\n{LINE})\n\n{QUESTION}"], "what was read ahead is the beginning"


async def test_what_was_said_while_nothing_was_to_be_kept_is_not_kept_when_that_ends_before_the_answer() -> None:
    memory, manner = remembering()
    async with on_stage(says=("A secret.", "No secret."), replies=(LONG, "All right."), manner=replace(manner, memory=None)) as stage:
        await stage.hear(np.concatenate([voice(0.7), hush(1.0)]))
        assert stage.named("audio.started")
        stage.session.adopt(manner, Rules())
        await stage.hear(hush(4.0))
        assert memory.kept == []
        await stage.hear(np.concatenate([voice(0.7), hush(3.0)]))
    assert memory.kept == [("No secret.", "All right.")]
