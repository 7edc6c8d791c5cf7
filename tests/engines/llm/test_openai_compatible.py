"""The adapter for OpenAI-compatible servers against a scripted server."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
import openai
import pytest
from servers import KEY, Answer, ModelServer, as_json, delta, events, nobody, serve

from multimodal_assistant.core.errors import EngineError, EngineFailed, EngineTimeout, EngineUnavailable, InvalidSetting
from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.core.types import Message, Picture, TextDelta, Tool, ToolCall
from multimodal_assistant.engines.llm.hosted import Deadlines
from multimodal_assistant.engines.llm.openai_compatible import OpenAICompatibleModel

pytestmark = pytest.mark.anyio

assert openai.AsyncOpenAI  # imported here, so that no deadline below pays for it

CHAT, MODELS = "/v1/chat/completions", "/v1/models"
MESSAGES = [Message("system", "Be brief."), Message("user", "Hi")]
TIGHT = Deadlines(first_token=0.2, idle=0.2, load=0.2)
STOP = delta(None, finish_reason="stop")
COUNTS = {"prompt_tokens": 21, "completion_tokens": 3, "total_tokens": 24, "prompt_tokens_details": {"cached_tokens": 16}}
USAGE: dict[str, Any] = {**STOP, "choices": [], "usage": COUNTS}
WHOLE = Answer(events(delta(""), delta("Good "), delta("day."), STOP, USAGE, b"[DONE]"))
LISTED = as_json({"object": "list", "data": [{"id": "first", "object": "model"}, {"id": "second", "object": "model"}]})


@asynccontextmanager
async def running(
    chat: Answer | list[Answer], name: str | None = "m", **options: Any
) -> AsyncGenerator[tuple[ModelServer, OpenAICompatibleModel]]:
    async with serve({MODELS: LISTED, CHAT: chat}) as server:
        model = OpenAICompatibleModel(base_url=f"{server.url}/v1", model=name, **options)
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
    async with running(WHOLE, api_key=KEY, temperature=0.3) as (server, model):
        deltas = await whole(model)
        assert [delta.text for delta in deltas] == ["Good ", "day.", ""]
        usage = deltas[-1].usage
        assert usage is not None
        assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (21, 16, 3)
        assert 0 < usage.first_token_seconds <= usage.seconds
        assert server.bodies(CHAT) == [
            {
                "model": "m",
                "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
                "stream": True,
                "stream_options": {"include_usage": True},
                "max_tokens": 20,
                "temperature": 0.3,
            }
        ]
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_server_that_counts_nothing_still_gets_a_usage() -> None:
    async with running(Answer(events(delta("Yes."), STOP))) as (_, model):
        usage = (await whole(model))[-1].usage
        assert usage is not None
        assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (0, 0, 0)


async def test_it_touches_no_network_before_it_is_used_and_closes_twice() -> None:
    async with serve({}) as server:
        model = OpenAICompatibleModel(base_url=server.url)
        assert model.details == {"engine": "openai", "model": "the first listed", "host": server.url}
        await model.aclose()
        await model.aclose()
        assert server.requests == []


async def test_without_a_name_the_first_listed_model_answers() -> None:
    async with running(WHOLE, None) as (server, model):
        await model.warm()
        await whole(model)
        assert [body["model"] for body in server.bodies(CHAT)] == ["first", "first"]
        assert len(server.bodies(MODELS)) == 1
        assert model.details["model"] == "first"


async def test_a_server_without_models() -> None:
    async with serve({MODELS: as_json({"object": "list", "data": []})}) as server:
        model = OpenAICompatibleModel(base_url=server.url)
        assert "lists no model" in (await failure(model)).problem
        await model.aclose()


async def test_it_warms_with_the_standing_instruction() -> None:
    async with running(WHOLE, system="Be kind.") as (server, model):
        await model.warm()
        body = server.bodies(CHAT)[0]
        assert body["messages"][0] == {"role": "system", "content": "Be kind."}
        assert body["max_tokens"] == 1


async def test_the_key_of_the_environment_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with running(WHOLE) as (server, model):
        await whole(model)
        assert KEY not in str(server.requests)


async def test_reasoning_is_dropped() -> None:
    async with running(Answer(events(delta(None, reasoning_content="Hmm."), delta("Yes."), STOP, b"[DONE]"))) as (_, model):
        assert [delta.text for delta in await whole(model)] == ["Yes.", ""]


async def test_a_strict_server_is_asked_in_simpler_words_from_then_on() -> None:
    rejections = [
        as_json({"error": {"message": "Unsupported parameter: 'max_tokens', use 'max_completion_tokens'."}}, status=400),
        as_json({"error": {"message": "Unsupported value: 'temperature'."}}, status=400),
        as_json({"detail": "extra fields not permitted"}, status=422),
    ]
    async with running([*rejections, WHOLE], temperature=0.3) as (server, model):
        await whole(model)
        await whole(model)
        plain = {"model", "messages", "stream", "max_completion_tokens"}
        assert [set(body) for body in server.bodies(CHAT)[3:]] == [plain, plain]


async def test_a_request_that_is_wrong_in_itself_fails_and_costs_no_usage_later() -> None:
    wrong = as_json({"error": {"message": "context length exceeded"}}, status=400)
    async with running([wrong, wrong, WHOLE]) as (server, model):
        error = await failure(model)
        assert isinstance(error, EngineFailed)
        assert "context length exceeded" in error.problem
        await whole(model)
        assert "stream_options" in server.bodies(CHAT)[-1]


async def test_leaving_early_closes_the_request_at_once() -> None:
    async with running(Answer(events(delta("One "), delta("two")), then="silence")) as (server, model):
        async with aclosing(model.reply(MESSAGES, max_tokens=20)) as deltas:
            assert (await anext(deltas)).text == "One "
            assert not server.left.is_set()
        with anyio.fail_after(5):
            await server.left.wait()


async def test_a_cancelled_reader_closes_the_request() -> None:
    async with running(Answer(events(delta("One")), then="silence")) as (server, model), anyio.create_task_group() as tasks:
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
        (Answer(events(delta("")), then="silence"), "no text"),
        (Answer(events(delta("One")), then="silence"), "stopped"),
    ],
)
async def test_silence_ends_at_the_deadline_and_closes_the_request(answer: Answer, words: str) -> None:
    async with running([WHOLE, answer], deadlines=TIGHT) as (server, model):
        await model.warm()
        error = await failure(model)
        assert isinstance(error, EngineTimeout)
        assert words in error.problem
        with anyio.fail_after(5):
            await server.left.wait()


async def test_a_server_that_never_gets_ready_is_given_up() -> None:
    async with running(Answer(then="silence", mute=True), deadlines=TIGHT) as (_, model):
        with pytest.raises(EngineTimeout, match="was not ready"):
            await model.warm()


async def test_no_server() -> None:
    host = await nobody()
    model = OpenAICompatibleModel(base_url=f"{host}/v1", model="m")
    error = await failure(model)
    assert isinstance(error, EngineUnavailable)
    assert str(error) == f"No language model server answers at {host}. Start it, or choose another model with --llm."
    await model.aclose()


async def test_a_model_that_is_not_there_names_those_that_are() -> None:
    async with running(as_json({"error": {"message": "no such model"}}, status=404)) as (server, model):
        error = await failure(model)
        assert isinstance(error, EngineUnavailable)
        assert error.problem == f"{server.url} has no model m. It has first, second."


FAILURES = [
    (as_json({"error": {"message": f"bad key {KEY}"}}, status=401), EngineUnavailable, "refuses the key"),
    (as_json({"error": {"message": f"bad key {KEY}"}}, status=403), EngineUnavailable, "refuses the key"),
    (as_json({"error": {"message": "slow down"}}, status=429), EngineUnavailable, "too many requests"),
    (as_json({"error": {"message": "loading"}}, status=503), EngineUnavailable, "not ready"),
    (as_json({"error": {"message": f"broken with {KEY}"}}, status=500), EngineFailed, "status 500"),
    (Answer((b"<html>oops",), status=502), EngineFailed, "status 502"),
    (Answer(events(delta("One"), {"error": {"message": f"lost {KEY}"}})), EngineFailed, "lost"),
    (Answer(events(delta("One"), b"{nonsense")), EngineFailed, "does not speak"),
    (Answer(events({"choices": 5})), EngineFailed, "does not speak"),
    (Answer(events(delta("One")), then="break"), EngineFailed, "broke off"),
    (Answer(events(delta("One"))), EngineFailed, "broke off"),
    (Answer(then="break", mute=True), EngineUnavailable, "No language model server"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), FAILURES)
async def test_failures_become_our_errors_and_no_key_shows(
    answer: Answer, kind: type[EngineError], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with running(answer, api_key=KEY) as (_, model):
        error = await failure(model)
        assert type(error) is kind
        assert words in str(error)
        assert error.remedy
        assert KEY not in f"{error!r} {error} {model!r} {dict(model.details)}"
        ours = [record.getMessage() for record in caplog.records if record.name.startswith("multimodal_assistant")]
        assert KEY not in "".join(ours)


async def test_no_key_shows_in_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with running(WHOLE, api_key=KEY) as (_, model):
        await whole(model)
    assert KEY not in caplog.text


async def test_a_server_that_wants_a_key_says_so() -> None:
    async with running(as_json({"error": {"message": "key"}}, status=401)) as (_, model):
        assert "wants a key" in (await failure(model)).problem


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://host/v1", "http://"])
async def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(InvalidSetting):
        OpenAICompatibleModel(base_url=address)


async def test_a_password_in_the_address_does_not_show() -> None:
    model = OpenAICompatibleModel(base_url=f"http://user:{KEY}@host:8000/v1")
    assert model.details["host"] == "http://host:8000"
    assert KEY not in repr(model)


async def test_a_call_comes_piece_by_piece_and_is_given_whole() -> None:
    named = {"index": 0, "id": "call_9", "type": "function", "function": {"name": "weather", "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"city"', ': "Rome"}')]
    pieces = [{**STOP, "choices": [{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}]} for piece in (named, *rest)]
    weather = Tool("weather", "Tells it.", {"type": "object", "properties": {"city": {"type": "string"}}})
    asked = (*MESSAGES, Message("assistant", "", calls=(ToolCall("call_1", "weather", "{}"),)), Message("tool", "", answers="call_1"))
    async with running(Answer(events(*pieces, STOP, USAGE, b"[DONE]"))) as (server, model):
        async with aclosing(model.reply_or_call(asked, max_tokens=20, tools=[weather], required=True)) as deltas:
            told = [delta async for delta in deltas]
        assert [call for delta in told for call in delta.calls] == [ToolCall("call_9", "weather", '{"city": "Rome"}')]
        (body,) = server.bodies(CHAT)
        assert body["tool_choice"] == "required"
        assert body["tools"][0]["function"]["name"] == "weather"
        assert body["messages"][2]["tool_calls"][0]["id"] == "call_1"
        assert body["messages"][3] == {"role": "tool", "content": "", "tool_call_id": "call_1"}


async def test_a_picture_comes_before_the_words() -> None:
    async with running(WHOLE, sees=True) as (server, model):
        assert await model.sees()
        shown = [Message("user", "What is this?", picture=Picture(b"\xff\xd8\xff", "image/jpeg"))]
        async with aclosing(model.reply(shown, max_tokens=20)) as deltas:
            assert "".join([delta.text async for delta in deltas]) == "Good day."
        (body,) = server.bodies(CHAT)
        assert body["messages"][-1]["content"] == [
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/"}},
            {"type": "text", "text": "What is this?"},
        ]
