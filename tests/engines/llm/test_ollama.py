"""The Ollama adapter against a scripted server."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import ollama
import pytest
from servers import KEY, Answer, ModelServer, as_json, lines, nobody, said, serve

from multimodal_assistant.core.errors import EngineError, EngineFailed, EngineTimeout, EngineUnavailable, ModelFetchFailed
from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.core.types import Message, Picture, TextDelta, Tool, ToolCall
from multimodal_assistant.engines.llm.hosted import Deadlines
from multimodal_assistant.engines.llm.ollama import OllamaModel, available, matches, pull

pytestmark = pytest.mark.anyio

assert ollama.AsyncClient  # imported here, so that no deadline below pays for it

CHAT, SHOW, TAGS, PULL = "/api/chat", "/api/show", "/api/tags", "/api/pull"
MESSAGES = [Message("system", "Be brief."), Message("user", "Hi")]
DONE = said("", done=True, done_reason="stop", prompt_eval_count=21, eval_count=3)
TIGHT = Deadlines(first_token=0.2, idle=0.2, load=0.2)


def shown(*capabilities: str, family: str = "gemma3") -> Answer:
    return as_json({"capabilities": list(capabilities), "details": {"family": family, "families": [family]}, "model_info": {}})


LISTED = as_json({"models": [{"model": "gemma3:4b"}, {"model": "llama3.2:latest"}]})
PLAIN: dict[str, Answer | list[Answer]] = {SHOW: shown("completion"), TAGS: LISTED}


@asynccontextmanager
async def running(chat: Answer | list[Answer], **options: Any) -> AsyncGenerator[tuple[ModelServer, OllamaModel]]:
    async with serve({**PLAIN, CHAT: chat}) as server:
        model = OllamaModel(host=server.url, **options)
        try:
            yield server, model
        finally:
            await model.aclose()


async def whole(model: LanguageModel) -> list[TextDelta]:
    async with aclosing(model.reply(MESSAGES, max_tokens=20)) as deltas:
        return [delta async for delta in deltas]


async def failure(model: LanguageModel) -> EngineError:
    with pytest.raises(EngineError) as caught:
        await whole(model)
    return caught.value


async def test_it_streams_text_and_ends_with_the_usage() -> None:
    async with running(Answer(lines(said("Good "), said("day."), DONE)), temperature=0.3, repeat_penalty=1.1) as (server, model):
        deltas = await whole(model)
        assert [delta.text for delta in deltas] == ["Good ", "day.", ""]
        usage = deltas[-1].usage
        assert usage is not None
        assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (21, 0, 3)
        assert 0 < usage.first_token_seconds <= usage.seconds
        assert all(delta.usage is None for delta in deltas[:-1])
        body = server.bodies(CHAT)[0]
        assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
        assert body["options"] == {"num_ctx": 4096, "temperature": 0.3, "repeat_penalty": 1.1, "num_predict": 20}
        assert body["keep_alive"] == "30m"
        assert "think" not in body


async def test_it_touches_no_network_before_it_is_used_and_closes_twice() -> None:
    async with serve(PLAIN) as server:
        model = OllamaModel(host=server.url)
        assert model.details == {"engine": "ollama", "model": "gemma3:4b", "host": server.url, "context": "4096"}
        await model.aclose()
        await model.aclose()
        assert server.requests == []


async def test_it_warms_with_the_standing_instruction_and_the_same_context() -> None:
    async with running(Answer(lines(said("x"), DONE)), system="Be kind.", context=2048, keep_alive=-1) as (server, model):
        await model.warm()
        await whole(model)
        first, second = server.bodies(CHAT)
        assert first["messages"][0] == {"role": "system", "content": "Be kind."}
        assert first["options"]["num_predict"] == 1
        assert first["options"]["num_ctx"] == second["options"]["num_ctx"] == 2048
        assert first["keep_alive"] == second["keep_alive"] == -1
        assert len(server.bodies(SHOW)) == 1


async def test_it_works_again_after_it_was_closed() -> None:
    async with running(Answer(lines(said("Yes."), DONE))) as (_, model):
        await whole(model)
        await model.aclose()
        assert (await whole(model))[0].text == "Yes."


@pytest.mark.parametrize(("family", "think"), [("qwen3", False), ("gptoss", "low")])
async def test_a_thinking_model_is_told_not_to_and_its_thoughts_are_dropped(family: str, think: object) -> None:
    thought = {"model": "m", "message": {"role": "assistant", "content": "", "thinking": "Hmm."}, "done": False}
    answers = {SHOW: shown("completion", "thinking", family=family), CHAT: Answer(lines(thought, said("Yes."), DONE))}
    async with serve(answers) as server:
        model = OllamaModel(host=server.url, model=family)
        assert [delta.text for delta in await whole(model)] == ["Yes.", ""]
        assert server.bodies(CHAT)[0]["think"] == think
        await model.aclose()


async def test_capabilities() -> None:
    old = as_json({"details": {"families": ["llama", "clip"]}, "model_info": {}})
    async with serve({SHOW: [shown("completion", "vision"), old]}) as server:
        for _ in range(2):
            model = OllamaModel(host=server.url)
            assert await model.capabilities() == {"completion", "vision"}
            await model.aclose()


async def test_leaving_early_closes_the_request_at_once() -> None:
    async with running(Answer(lines(said("One "), said("two")), then="silence")) as (server, model):
        async with aclosing(model.reply(MESSAGES, max_tokens=20)) as deltas:
            assert (await anext(deltas)).text == "One "
            assert not server.left.is_set()
        with anyio.fail_after(5):
            await server.left.wait()


async def test_a_cancelled_reader_closes_the_request() -> None:
    async with running(Answer(lines(said("One")), then="silence")) as (server, model), anyio.create_task_group() as tasks:
        got = anyio.Event()

        async def read() -> None:
            async with aclosing(model.reply(MESSAGES, max_tokens=20)) as deltas:
                async for _ in deltas:
                    got.set()

        tasks.start_soon(read)
        with anyio.fail_after(5):
            await got.wait()
            tasks.cancel_scope.cancel()
    with anyio.fail_after(5):
        await server.left.wait()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(then="silence", mute=True), "no text"),
        (Answer(then="silence"), "no text"),
        (Answer(lines(said("One")), then="silence"), "stopped"),
    ],
)
async def test_silence_ends_at_the_deadline_and_closes_the_request(answer: Answer, words: str) -> None:
    async with running([Answer(lines(said("x"), DONE)), answer], deadlines=TIGHT) as (server, model):
        await model.warm()
        error = await failure(model)
        assert isinstance(error, EngineTimeout)
        assert words in error.problem
        with anyio.fail_after(5):
            await server.left.wait()


async def test_a_model_that_only_thinks_does_not_outlive_the_first_deadline() -> None:
    thought = {"model": "m", "message": {"role": "assistant", "content": "", "thinking": "Hmm."}, "done": False}
    async with running([Answer(lines(said("x"), DONE)), Answer(lines(*[thought] * 5), then="silence")], deadlines=TIGHT) as (_, model):
        await model.warm()
        assert isinstance(await failure(model), EngineTimeout)


async def test_a_model_that_does_not_load_is_given_up() -> None:
    async with running(Answer(then="silence", mute=True), deadlines=TIGHT) as (_, model):
        with pytest.raises(EngineTimeout, match="did not load gemma3:4b"):
            await model.warm()


async def test_no_server() -> None:
    host = await nobody()
    error = await failure(OllamaModel(host=host))
    assert isinstance(error, EngineUnavailable)
    assert error.problem == f"Ollama does not answer at {host}."
    assert error.remedy == "Start it with `ollama serve`, or choose another model with --llm."


async def test_a_model_that_is_not_there_names_those_that_are() -> None:
    async with serve({SHOW: as_json({"error": "model 'nope' not found"}, status=404), TAGS: LISTED}) as server:
        model = OllamaModel(host=server.url, model="nope")
        error = await failure(model)
        assert isinstance(error, EngineUnavailable)
        assert (
            str(error) == f"Ollama at {server.url} has no model nope. It has gemma3:4b, llama3.2:latest. Fetch it with `ollama pull nope`."
        )
        await model.aclose()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (as_json({"error": "no"}, status=401), EngineUnavailable, "refuses the key"),
        (as_json({"error": "no"}, status=403), EngineUnavailable, "refuses the key"),
        (as_json({"error": "busy"}, status=503), EngineUnavailable, "too much to do"),
        (as_json({"error": "slow down"}, status=429), EngineUnavailable, "too much to do"),
        (as_json({"error": "out of\nmemory."}, status=500), EngineFailed, "out of memory. Look"),
        (Answer((b"<html>oops",), status=502), EngineFailed, "oops"),
        (Answer(lines(said("One"), {"error": "lost the GPU"})), EngineFailed, "lost the GPU"),
        (Answer((*lines(said("One")), b"{nonsense\n")), EngineFailed, "does not speak as Ollama"),
        (Answer((b"[1, 2]\n",)), EngineFailed, "does not speak as Ollama"),
        (Answer((b'{"message": 5}\n',)), EngineFailed, "does not speak as Ollama"),
        (Answer(lines(said("One")), then="break"), EngineFailed, "broke off"),
        (Answer(lines(said("One"))), EngineFailed, "broke off"),
        (Answer(mute=True, then="break"), EngineFailed, "broke off"),
    ],
)
async def test_failures_become_our_errors(answer: Answer, kind: type[EngineError], words: str) -> None:
    async with running(answer) as (_, model):
        error = await failure(model)
        assert type(error) is kind
        assert words in str(error)
        assert error.remedy


async def test_no_key_shows(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)
    caplog.set_level(0)
    async with running(as_json({"error": "no"}, status=401)) as (server, model):
        error = await failure(model)
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in f"{error!r} {error} {model!r} {dict(model.details)} {caplog.text}"


async def test_available_lists_the_models() -> None:
    async with serve(PLAIN) as server:
        assert await available(server.url, 5) == ("gemma3:4b", "llama3.2:latest")
        assert await available(server.url.replace("127.0.0.1", "0.0.0.0"), 5) == ("gemma3:4b", "llama3.2:latest")


@pytest.mark.parametrize(
    "answer", [as_json({"error": "x"}, status=500), Answer((b"hello",)), Answer(then="break", mute=True), Answer(then="silence", mute=True)]
)
async def test_what_is_no_ollama_is_not_available(answer: Answer) -> None:
    async with serve({TAGS: answer}) as server:
        assert await available(server.url, 0.2) is None


async def test_where_nobody_listens_none_is_available() -> None:
    assert await available(await nobody()) is None


async def test_pull_tells_its_progress() -> None:
    heard: list[tuple[str, int, int]] = []
    answer = Answer(lines({"status": "pulling"}, {"status": "pulling abc", "completed": 5, "total": 10}, {"status": "success"}))
    async with serve({PULL: answer}) as server:
        await pull(server.url, "gemma3:4b", lambda status, done, total: heard.append((status, done, total)))
        assert heard == [("pulling", 0, 0), ("pulling abc", 5, 10), ("success", 0, 0)]
        assert server.bodies(PULL)[0]["model"] == "gemma3:4b"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(lines({"status": "pulling"}, {"error": "file does not exist"})), ModelFetchFailed, "file does not exist"),
        (as_json({"error": "no such model"}, status=404), ModelFetchFailed, "no such model"),
        (Answer(lines({"status": "pulling"})), ModelFetchFailed, "before nope was complete"),
        (Answer(lines({"status": "pulling"}), then="break"), EngineFailed, "broke off"),
    ],
)
async def test_a_pull_that_fails_says_why(answer: Answer, kind: type[Exception], words: str) -> None:
    async with serve({PULL: answer}) as server:
        with pytest.raises(kind, match=words):
            await pull(server.url, "nope", lambda status, done, total: None)


async def test_a_pull_without_a_server() -> None:
    with pytest.raises(EngineUnavailable, match="does not answer"):
        await pull(await nobody(), "gemma3:4b", lambda status, done, total: None)


@pytest.mark.parametrize(
    ("wanted", "installed", "same"),
    [
        ("gemma3:4b", "gemma3:4b", True),
        ("gemma3", "gemma3:latest", True),
        ("gemma3:latest", "gemma3", True),
        ("gemma3", "gemma3:4b", False),
        ("gemma3:4b", "gemma3:4b-it-q8_0", False),
        ("host:5000/team/model", "host:5000/team/model:latest", True),
    ],
)
async def test_names(wanted: str, installed: str, same: bool) -> None:
    assert matches(wanted, installed) is same


async def test_importing_the_adapters_imports_no_vendor() -> None:
    adapters = "import multimodal_assistant.engines.llm.ollama, multimodal_assistant.engines.llm.openai_compatible"
    code = f"{adapters}, sys; sys.exit(any(name in sys.modules for name in ('ollama', 'openai', 'httpx')))"
    assert (await anyio.run_process([sys.executable, "-c", code], stderr=subprocess.PIPE)).returncode == 0


async def test_calls_come_whole_and_only_a_model_that_can_is_asked() -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Rome"}}}
    answer = {"model": "m", "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False}
    weather = Tool("weather", "Tells it.", {"type": "object", "properties": {"city": {"type": "string"}}})
    asked = (
        *MESSAGES,
        Message("assistant", "", calls=(ToolCall("1", "weather", '{"city": "Bern"}'),)),
        Message("tool", "rain", answers="1"),
    )
    async with serve({SHOW: shown("completion", "tools"), TAGS: LISTED, CHAT: Answer(lines(answer, DONE))}) as server:
        model = OllamaModel(host=server.url)
        async with aclosing(model.reply_or_call(asked, max_tokens=20, tools=[weather])) as deltas:
            told = [delta async for delta in deltas]
        await model.aclose()
    (made,) = [call for delta in told for call in delta.calls]
    assert (made.name, made.arguments) == ("weather", '{"city": "Rome"}')
    (body,) = server.bodies(CHAT)
    assert body["messages"][2]["tool_calls"] == [{"function": {"name": "weather", "arguments": {"city": "Bern"}}}]
    assert body["messages"][3] == {"role": "tool", "content": "rain", "tool_name": "weather"}
    async with running(Answer(lines(DONE))) as (_, unable):
        with pytest.raises(EngineUnavailable, match="cannot call functions"):
            async with aclosing(unable.reply_or_call(asked, max_tokens=20, tools=[weather])) as deltas:
                await anext(deltas)


async def test_a_picture_goes_along_as_ollama_wants_it_and_only_to_a_model_that_sees() -> None:
    async with running(Answer(lines(said("Red."), DONE))) as (server, model):
        shown_with = [Message("system", "Be brief."), Message("user", "What is this?", picture=Picture(b"\xff\xd8\xff", "image/jpeg"))]
        async with aclosing(model.reply(shown_with, max_tokens=20)) as deltas:
            assert "".join([delta.text async for delta in deltas]) == "Red."
        (body,) = server.bodies(CHAT)
        assert body["messages"][-1] == {"role": "user", "content": "What is this?", "images": ["/9j/"]}
        assert not await model.sees()
    async with serve({**PLAIN, SHOW: shown("completion", "vision")}) as server:
        model = OllamaModel(host=server.url)
        assert await model.sees()
        await model.aclose()
