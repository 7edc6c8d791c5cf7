"""What was said → the reply as a text stream, with scripted engines."""

from contextlib import aclosing

import pytest
from scenes import USAGE, DictatedLlm

from multimodal_assistant.core.types import Message, TextDelta
from multimodal_assistant.pipeline.respond import SPOKEN_STYLE, respond

pytestmark = pytest.mark.anyio


async def written(llm: DictatedLlm) -> list[TextDelta]:
    async with aclosing(respond("Hi", llm)) as deltas:
        return [delta async for delta in deltas]


async def test_the_text_comes_through_and_the_usage_comes_last() -> None:
    deltas = await written(DictatedLlm(["Good ", "day."]))
    assert "".join(delta.text for delta in deltas) == "Good day."
    assert [delta.usage for delta in deltas] == [None] * (len(deltas) - 1) + [USAGE]


async def test_pieces_are_passed_on_as_they_are_written() -> None:
    llm = DictatedLlm(["one ", "two ", "three"])
    async with aclosing(respond("Hi", llm)) as deltas:
        for count in (1, 2):
            assert (await anext(deltas)).text
            assert llm.written == count


REPLY = "<think>The user greets.\nI greet back.</think>Hello there."


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(REPLY)])
async def test_thoughts_are_removed_however_the_text_is_cut(size: int) -> None:
    cut = [REPLY[start : start + size] for start in range(0, len(REPLY), size)]
    deltas = await written(DictatedLlm(cut))
    assert "".join(delta.text for delta in deltas) == "Hello there."
    assert deltas[-1].usage == USAGE


@pytest.mark.parametrize("pieces", [[], [""], ["<think>only a thought"]])
async def test_a_reply_of_nothing_ends_with_its_usage(pieces: list[str]) -> None:
    assert await written(DictatedLlm(pieces)) == [TextDelta("", USAGE)]


async def test_the_model_reads_the_instruction_the_history_and_the_question_in_this_order() -> None:
    llm = DictatedLlm(["Yes."])
    history = [Message("user", "Who are you?"), Message("assistant", "A helper.")]
    async with aclosing(respond("Really?", llm, system="Be brief.", history=history, max_tokens=7)) as deltas:
        async for _ in deltas:
            pass
    assert llm.asked == [([Message("system", "Be brief."), *history, Message("user", "Really?")], 7)]


async def test_the_standing_instruction_asks_for_spoken_words() -> None:
    llm = DictatedLlm(["Yes."])
    await written(llm)
    messages, _ = llm.asked[0]
    assert messages == [Message("system", SPOKEN_STYLE), Message("user", "Hi")]


async def test_leaving_early_closes_the_model() -> None:
    llm = DictatedLlm(["one ", "two ", "three"])
    async with aclosing(respond("Hi", llm)) as deltas:
        await anext(deltas)
    assert getattr(deltas, "ag_frame", None) is None
    assert llm.left_early
