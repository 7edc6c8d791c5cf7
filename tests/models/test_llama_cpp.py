"""llama.cpp in this process: streaming, its prefix cache, being interrupted, and what it leaves behind."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio
import psutil
import pytest
from speech_lab import only_file

from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.core.types import Message, Usage
from multimodal_assistant.engines.llm.llama_cpp import LlamaCppModel
from multimodal_assistant.pipeline.between_turns import compact
from multimodal_assistant.pipeline.history import History
from multimodal_assistant.pipeline.respond import conversation

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

SYSTEM = "You are a helpful assistant who answers in short and friendly sentences."
STORY = Message("user", "Tell me a very long story about a dragon.")


@pytest.fixture(scope="module")
def small() -> Iterator[LlamaCppModel]:
    """SmolLM2 that always takes the likeliest token."""
    engine = LlamaCppModel(model=only_file("smollm2-135m", "*.gguf"), system=SYSTEM, temperature=0.0)
    anyio.run(engine.warm)
    yield engine
    anyio.run(engine.aclose)


@dataclass(frozen=True)
class Reply:
    deltas: list[str]
    usage: Usage

    @property
    def text(self) -> str:
        return "".join(self.deltas)


async def replied(engine: LlamaCppModel, messages: Sequence[Message], max_tokens: int = 24) -> Reply:
    deltas: list[str] = []
    usages: list[Usage | None] = []
    async for delta in engine.reply(messages, max_tokens=max_tokens):
        deltas.append(delta.text)
        usages.append(delta.usage)
    *before, last = usages
    assert before == [None] * len(before)
    assert last is not None
    return Reply(deltas, last)


def asked(question: str) -> list[Message]:
    return [Message("system", SYSTEM), Message("user", question)]


async def test_a_reply_streams_and_ends_with_its_usage(small: LlamaCppModel) -> None:
    reply = await replied(small, asked("What is water?"))
    assert len([text for text in reply.deltas if text]) > 3
    assert "water" in reply.text.lower()
    usage = reply.usage
    assert usage.prompt_tokens > usage.cached_tokens >= 0
    assert 3 < usage.completion_tokens <= 24
    assert 0.0 < usage.first_token_seconds <= usage.seconds


async def test_the_length_is_limited(small: LlamaCppModel) -> None:
    reply = await replied(small, asked("Tell me a story."), max_tokens=5)
    assert reply.usage.completion_tokens == 5


async def test_the_standing_instruction_is_evaluated_once(small: LlamaCppModel) -> None:
    first = await replied(small, asked("Name a colour."), max_tokens=8)
    second = await replied(small, asked("Who are you?"), max_tokens=8)
    assert second.usage.cached_tokens >= 10
    assert second.usage.prompt_tokens - second.usage.cached_tokens < second.usage.prompt_tokens / 2
    longer = [*asked("Who are you?"), Message("assistant", second.text), Message("user", "Thank you. Where do you live?")]
    third = await replied(small, longer, max_tokens=8)
    assert third.usage.cached_tokens > second.usage.cached_tokens  # a conversation that grows at its end goes on from there
    assert first.usage.prompt_tokens > 0


async def test_the_same_conversations_give_the_same_words(small: LlamaCppModel) -> None:
    questions = ("What is water?", "Name a colour.", "Who are you?", "Tell me a story.")
    once = [(await replied(small, asked(question), max_tokens=12)).text for question in questions]
    again = [(await replied(small, asked(question), max_tokens=12)).text for question in questions]
    assert once == again
    assert len(set(once)) == len(questions)


async def test_what_is_read_ahead_is_not_evaluated_again(small: LlamaCppModel) -> None:
    """As while the user speaks: the beginning of the question is known before its end."""
    beginning = "Please tell me how long it takes for the light of the sun to come"
    await small.prefill(asked(beginning))
    ahead = (await replied(small, asked(f"{beginning} to us"))).usage
    plain = (await replied(small, asked("Why does it then seem to be so very much nearer than all the other stars we can see?"))).usage
    assert ahead.prompt_tokens - ahead.cached_tokens <= 12
    assert plain.prompt_tokens - plain.cached_tokens >= 18


async def test_a_long_conversation_is_folded_and_read_again(small: LlamaCppModel) -> None:
    history = History(budget=140)
    for place, river in (("Paris", "Seine"), ("London", "Thames"), ("Rome", "Tiber"), ("Vienna", "Danube"), ("Cairo", "Nile")):
        history.answered(f"Which river flows through {place}, please?", f"The river that flows through {place} is the {river}.")
    before = history.messages
    await compact(history, small, system=SYSTEM)
    summary, *rest = history.messages
    assert summary.role == "system"
    assert len(summary.text) > 30
    assert rest == list(before[-len(rest) :])
    usage = (await replied(small, conversation("And through Berlin?", system=SYSTEM, history=history.messages))).usage
    assert usage.cached_tokens >= 0.6 * usage.prompt_tokens


async def comes_to_rest() -> bool:
    """Whether the process soon spends 0.3 s doing next to nothing; generating, it would work all the time on each of its threads.

    The token that is being computed may be finished first, which takes a while where others have the cores.
    """
    process = psutil.Process()
    for _ in range(3):
        before = process.cpu_times()
        await anyio.sleep(0.3)  # the length of the measurement
        after = process.cpu_times()
        if after.user + after.system - before.user - before.system < 0.15:
            return True
    return False


async def test_leaving_early_really_stops_it(small: LlamaCppModel) -> None:
    seen = 0
    async with aclosing(small.reply([STORY], max_tokens=2000)) as deltas:
        async for _ in deltas:
            seen += 1
            if seen == 3:
                break
    assert await comes_to_rest()
    assert "water" in (await replied(small, asked("What is water?"))).text.lower()


async def test_a_cancelled_task_really_stops_it(small: LlamaCppModel) -> None:
    async def listen() -> None:
        async with aclosing(small.reply([STORY], max_tokens=2000)) as deltas:
            async for _ in deltas:
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
    assert await comes_to_rest()
    assert (await replied(small, asked("What is water?"))).text


async def test_a_call_that_waits_its_turn_can_be_cancelled(small: LlamaCppModel) -> None:
    async with aclosing(small.reply([STORY], max_tokens=200)) as deltas:
        async for _ in deltas:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(replied, small, asked("Who are you?"))
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
            break
    assert (await replied(small, asked("What is water?"))).text


async def test_a_conversation_longer_than_the_context_is_a_failure_with_a_remedy() -> None:
    engine = LlamaCppModel(model=only_file("smollm2-135m", "*.gguf"), context=512, temperature=0.0)
    try:
        with pytest.raises(EngineFailed) as failure:
            await replied(engine, [Message("user", "word " * 1000)])
        assert "context" in failure.value.problem
        assert failure.value.remedy == "Start a new conversation."
        assert (await replied(engine, asked("What is water?"), max_tokens=4)).text  # the next one is answered
    finally:
        await engine.aclose()


@pytest.mark.parametrize("size", [0, 1_000, 5_000_000, 90_000_000])
async def test_damaged_weights_are_a_failure_with_a_remedy(tmp_path: Path, size: int) -> None:
    damaged = tmp_path / "damaged.gguf"
    with only_file("smollm2-135m", "*.gguf").open("rb") as source:
        damaged.write_bytes(source.read(size))
    engine = LlamaCppModel(model=damaged)
    with pytest.raises(EngineFailed) as failure:
        await engine.warm()
    await engine.aclose()
    assert "damaged.gguf" in failure.value.problem
    assert "assistant models verify" in failure.value.remedy


async def test_weights_that_are_not_there_are_missing(tmp_path: Path) -> None:
    engine = LlamaCppModel(model=tmp_path / "none.gguf")
    with pytest.raises(ModelMissing) as failure:
        await engine.warm()
    await engine.aclose()
    assert "assistant models pull" in failure.value.remedy


async def test_it_opens_no_door_to_the_network_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = LlamaCppModel(model=only_file("smollm2-135m", "*.gguf"))
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path: the path of a socket has to be short
        monkeypatch.setattr(tempfile, "tempdir", folder)
        try:
            await engine.warm()
            inet = psutil.Process().net_connections(kind="inet")
            assert [one for one in inet if one.status == psutil.CONN_LISTEN] == []
            assert os.listdir(folder) == []
        finally:
            await engine.aclose()


def native_threads() -> int:
    return psutil.Process().num_threads()


def test_closing_ends_its_threads_and_may_be_done_twice() -> None:
    async def open_and_close() -> int:
        engine = LlamaCppModel(model=only_file("smollm2-135m", "*.gguf"))
        await engine.warm()
        most = native_threads()
        await engine.aclose()
        await engine.aclose()
        return most

    anyio.run(open_and_close)  # what libraries keep for the next time is there from now on
    before = native_threads()
    assert anyio.run(open_and_close) > before
    deadline = time.monotonic() + 10
    while native_threads() > before and time.monotonic() < deadline:
        pass
    assert native_threads() <= before


async def test_the_default_model_knows_a_capital() -> None:
    engine = LlamaCppModel(model=only_file("qwen2.5-0.5b", "*.gguf"), temperature=0.0)
    try:
        reply = await replied(engine, asked("What is the capital of France?"))
    finally:
        await engine.aclose()
    assert "Paris" in reply.text
