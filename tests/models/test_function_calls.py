"""Functions and the default embedded model: what is asked for is called, what comes of it is told, and the rest is answered."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest
from speech_lab import only_file

from multimodal_assistant.core.types import Message, Tool, ToolCall
from multimodal_assistant.engines.llm.llama_cpp import LlamaCppModel
from multimodal_assistant.pipeline.respond import SPOKEN_STYLE

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

TEXT = {"type": "string"}
WEATHER = Tool("get_weather", "Tells the weather in a city now.", {"type": "object", "properties": {"city": TEXT}, "required": ["city"]})
LIGHT = Tool(
    "set_light",
    "Switches the light of a room on or off.",
    {"type": "object", "properties": {"room": TEXT, "on": {"type": "boolean"}}, "required": ["room", "on"]},
)


@pytest.fixture
async def model() -> AsyncGenerator[LlamaCppModel]:
    engine = LlamaCppModel(model=only_file("qwen2.5-0.5b", "*.gguf"), temperature=0.0, small=True)
    yield engine
    await engine.aclose()


async def answered(model: LlamaCppModel, question: str) -> tuple[str, Sequence[ToolCall]]:
    messages = [Message("system", SPOKEN_STYLE), Message("user", question)]
    async with aclosing(model.reply_or_call(messages, max_tokens=80, tools=[WEATHER, LIGHT])) as deltas:
        told = [delta async for delta in deltas]
    return "".join(delta.text for delta in told), [call for delta in told for call in delta.calls]


async def test_what_is_asked_for_is_called_and_the_rest_is_answered(model: LlamaCppModel) -> None:
    wanted = {
        "What is the weather in Rome?": ("get_weather", {"city": "Rome"}),
        "Is it raining in London?": ("get_weather", {"city": "London"}),
        "Turn on the light in the kitchen.": ("set_light", {"room": "kitchen", "on": True}),
        "Please switch off the bedroom light.": ("set_light", {"room": "bedroom", "on": False}),
    }
    for question, expected in wanted.items():
        text, (call,) = await answered(model, question)
        assert (call.name, json.loads(call.arguments)) == expected
        assert text == ""
    for question in ("What is the capital of France?", "Hello, how are you?"):
        text, calls = await answered(model, question)
        assert not calls
        assert text


async def test_what_comes_of_a_call_is_told_and_nothing_is_called_again(model: LlamaCppModel) -> None:
    outcomes = {
        "What is the weather in Rome?": ("get_weather", "It is raining, 12 degrees.", "rain"),
        "Is it sunny in London?": ("get_weather", "It is sunny, 25 degrees.", "sunny"),
    }
    for question, (name, outcome, word) in outcomes.items():
        call = ToolCall("call_1", name, "{}")
        messages = [
            Message("system", SPOKEN_STYLE),
            Message("user", question),
            Message("assistant", "", (call,)),
            Message("tool", outcome, answers="call_1"),
        ]
        async with aclosing(model.reply_or_call(messages, max_tokens=60, tools=[WEATHER, LIGHT])) as deltas:
            told = [delta async for delta in deltas]
        assert not [made for delta in told for made in delta.calls]
        assert word in "".join(delta.text for delta in told).lower()
