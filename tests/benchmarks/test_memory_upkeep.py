"""What the benchmark of work beside a conversation counts, and how it compares."""

from contextlib import aclosing

import pytest
from benchmarks.memory_upkeep import Watched, growth_of_p95

from multimodal_assistant.core.types import Message
from multimodal_assistant.engines.scripted import ScriptedLlm

QUESTION = [Message("user", "Who are you?")]


@pytest.mark.anyio
async def test_the_model_of_the_worker_is_watched() -> None:
    llm = Watched(ScriptedLlm(replies=["One sentence. And another one."]))
    assert not llm.begun.is_set()
    whole = "".join([delta.text async for delta in llm.reply(QUESTION, max_tokens=20)])
    assert whole == "One sentence. And another one."
    assert (llm.requests, llm.cut) == (1, 0)
    assert llm.begun.is_set()
    async with aclosing(llm.reply(QUESTION, max_tokens=20)) as deltas:
        await anext(deltas)
    assert (llm.requests, llm.cut) == (2, 1)
    assert llm.seconds > 0


def test_growth_of_the_slowest_turns() -> None:
    without = [0.4, 0.5, 0.6, 1.2] * 15
    growth, low, high = growth_of_p95(without, [1.1 * one for one in without])
    assert abs(growth - 0.1) < 1e-9
    assert abs(low - 0.1) < 1e-9
    assert abs(high - 0.1) < 1e-9
    growth, low, high = growth_of_p95(without, [*without[1:], 5.0])
    assert low <= growth <= high
    assert growth_of_p95(without, without) == (0.0, 0.0, 0.0)
