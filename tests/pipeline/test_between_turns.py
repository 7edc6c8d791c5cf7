"""A conversation that grows too long: what is old becomes a summary, what is recent stays word for word."""

from collections.abc import Sequence

import pytest

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Message
from multimodal_assistant.engines.scripted import Script, ScriptedLlm
from multimodal_assistant.pipeline.between_turns import compact
from multimodal_assistant.pipeline.history import History, tokens
from multimodal_assistant.pipeline.respond import conversation

pytestmark = pytest.mark.anyio

SUMMARY = "You like plums and asked about Rome."


class ReadingLlm(ScriptedLlm):
    """Remembers what it was given to read."""

    def __init__(self, script: Script | None = None) -> None:
        super().__init__(replies=(SUMMARY,), script=script)
        self.read: list[list[Message]] = []

    async def prefill(self, messages: Sequence[Message]) -> None:
        self.read.append(list(messages))


def grown(turns: int, *, budget: int = 200) -> History:
    history = History(budget)
    for turn in range(turns):
        history.answered(f"Question number {turn}.", f"Answer number {turn}.")
    return history


async def test_what_fits_is_left_alone() -> None:
    llm, history = ReadingLlm(), grown(5)
    before = history.messages
    await compact(history, llm, system="Be kind.")
    assert history.messages == before
    assert llm.ledger.requests == []


async def test_the_old_part_becomes_a_summary_and_the_recent_part_stays() -> None:
    llm, history = ReadingLlm(), grown(12)
    before = history.messages
    await compact(history, llm, system="Be kind.")
    summary, *rest = history.messages
    assert summary.role == "system"
    assert SUMMARY in summary.text
    assert tuple(rest) == before[-len(rest) :]
    assert 2 <= len(rest) < len(before)
    assert tokens(rest) <= 100
    assert history.excess == ()


async def test_a_summary_is_part_of_the_instruction_and_of_the_next_summary() -> None:
    llm, history = ReadingLlm(), grown(12)
    await compact(history, llm, system="Be kind.")
    first, *_ = conversation("And now?", system="Be kind.", history=history.messages)
    assert first.role == "system"
    assert first.text.startswith("Be kind.")
    assert SUMMARY in first.text
    roles = [message.role for message in conversation("And now?", system="Be kind.", history=history.messages)]
    assert roles == ["system", *["user", "assistant"] * (len(roles) // 2 - 1), "user"]
    for turn in range(20):
        history.answered(f"Another question {turn}.", "Another answer.")
    await compact(history, llm, system="Be kind.")
    assert sum(message.role == "system" for message in history.messages) == 1


async def test_the_model_reads_what_is_left_turn_by_turn() -> None:
    llm, history = ReadingLlm(), grown(12)
    await compact(history, llm, system="Be kind.")
    summary, *rest = history.messages
    assert [messages[-1] for messages in llm.read] == rest[::2]
    for count, messages in enumerate(llm.read):
        assert summary.text in messages[0].text
        assert messages[1:] == rest[: 2 * count + 1]


async def test_a_model_that_fails_changes_nothing() -> None:
    history = grown(12)
    before = history.messages
    with pytest.raises(EngineFailed):
        await compact(history, ReadingLlm(Script(fail_after=0)), system="Be kind.")
    assert history.messages == before


def test_without_a_summary_the_oldest_is_dropped_before_the_context_is_full() -> None:
    history = grown(500)
    assert tokens(history.messages) <= 1.5 * 200 + 30
    assert history.messages[-1].text == "Answer number 499."
    assert history.messages[0].role == "user"


def test_what_was_cleared_meanwhile_does_not_come_back() -> None:
    history = grown(12)
    old = history.excess
    history.clear()
    history.fold(old, SUMMARY)
    assert history.messages == ()


def test_one_endless_message_is_kept() -> None:
    history = History(50)
    history.answered("word " * 500, "Yes.")
    assert [message.role for message in history.messages] == ["user", "assistant"]
    assert history.excess == ()
