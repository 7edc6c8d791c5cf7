"""Twelve thousand events that make sense, nearly make sense, or make none: nobody is dropped, and each bad one is told once."""

import base64
import copy
import json
import logging
import random
from collections import Counter
from typing import Any, cast

import anyio
import pytest
from test_realtime import plain, tone
from websockets.asyncio.client import ClientConnection

from multimodal_assistant.core.types import ToolCall
from multimodal_assistant.engines.scripted import ScriptedLlm
from running import Running, serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

CONVERSATIONS = 8
EVENTS = 1500
"""In each: fewer than a client may send at once without being slowed down."""

FUNCTION: dict[str, Any] = {"type": "function", "name": "weather", "description": "…", "parameters": {"type": "object", "properties": {}}}
SAID: dict[str, Any] = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And now?"}]}
SOUND = tone(0.15)

EVENTS_OF_THE_API: list[dict[str, Any]] = [
    {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief.", "max_output_tokens": 3}},
    {"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}},
    {"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}}}}},
    {"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}}}},
    {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcmu"}}, "output": {"speed": 1.0}}}},
    {"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}}}},
    {"type": "session.update", "session": {"output_modalities": ["text"], "tools": [FUNCTION], "tool_choice": "auto"}},
    {"type": "session.update", "session": {"output_modalities": ["audio"], "audio": {"input": {"transcription": {"language": "en"}}}}},
    {"type": "input_audio_buffer.append", "audio": SOUND},
    {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(960)).decode()},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "output_audio_buffer.clear"},
    {"type": "conversation.item.create", "item": SAID},
    {"type": "conversation.item.create", "item": {**SAID, "id": "mine"}},
    {"type": "conversation.item.create", "item": {**SAID, "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}},
    {"type": "conversation.item.create", "item": {**SAID, "content": [{"type": "input_audio", "audio": SOUND}]}},
    {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "call_1", "output": "rain"}},
    {"type": "conversation.item.retrieve", "item_id": "mine"},
    {"type": "conversation.item.delete", "item_id": "mine"},
    {"type": "conversation.item.truncate", "item_id": "mine", "content_index": 0, "audio_end_ms": 100},
    {"type": "response.create"},
    {"type": "response.create", "response": {"output_modalities": ["text"], "input": [SAID], "metadata": {"a": "b"}}},
    {"type": "response.create", "response": {"tools": [FUNCTION], "tool_choice": "required", "max_output_tokens": "inf"}},
    {"type": "response.cancel"},
    {"type": "assistant.heartbeat", "playout_delay_ms": 20},
]
RAW: list[str | bytes] = [
    "",
    "null",
    "[]",
    "{",
    "{}",
    '"session.update"',
    b"\xff\xfe",
    '{"type": 1}',
    '{"type": "nonsense"}',
    "[" * 5000,
    "\x00",
]
JUNK: list[Any] = [
    None,
    -1,
    0,
    1.5,
    1e308,
    10**30,
    True,
    "",
    "x" * 300,
    "ü\u2028",
    [],
    [[]],
    {},
    {"type": "x"},
    ["text", "audio"],
    float("nan"),
]


def mutated(event: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same with one thing in it missing or of another kind."""
    event = copy.deepcopy(event)
    place: dict[Any, Any] | list[Any] = event
    while True:
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = chance.choice(keys)
        inner: Any = place[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.7:
            place = cast("dict[Any, Any] | list[Any]", inner)
            continue
        if chance.random() < 0.2:
            del place[key]
        else:
            place[key] = chance.choice(JUNK)
        return event


async def torment(server: Running, seed: int) -> list[dict[str, Any]]:
    """Send all of it over one connection; what the server said."""
    chance = random.Random(seed)
    said: list[dict[str, Any]] = []
    raw = 0
    async with plain(server) as socket, anyio.create_task_group() as tasks:
        tasks.start_soon(listen, socket, said)
        for number in range(EVENTS):
            kind = chance.random()
            if kind < 0.1:
                raw += 1
                await socket.send(chance.choice(RAW))
                continue
            event = chance.choice(EVENTS_OF_THE_API)
            event = mutated(event, chance) if kind < 0.6 else event
            marked = {**event, "event_id": f"e{number}"}
            await socket.send(json.dumps(marked))
        for last in (
            {"type": "input_audio_buffer.clear"},
            {"type": "response.cancel"},
            {"type": "conversation.item.retrieve", "item_id": "?"},
        ):
            await socket.send(json.dumps({**last, "event_id": "last"}))
    errors = Counter(event["error"]["event_id"] for event in said if event["type"] == "error")
    assert errors.pop(None) == raw
    assert errors.pop("last") in (1, 2)
    assert set(errors.values()) == {1}
    return said


async def listen(socket: ClientConnection, said: list[dict[str, Any]]) -> None:
    """Everything, up to the answer to the last event."""
    async for text in socket:
        event = json.loads(text)
        said.append(event)
        if event["type"] == "error" and event["error"]["event_id"] == "last" and event["error"]["code"] == "item_not_found":
            return


async def ask(server: Running) -> None:
    """Somebody else talks meanwhile."""
    async with server.client() as client, client.realtime.connect(model="local") as connection:
        for _ in range(20):
            await connection.response.create(response={"output_modalities": ["text"]})
            async for event in connection:
                assert event.type != "error"
                if event.type == "response.done":
                    assert event.response.status == "completed"
                    break


async def test_whatever_is_sent_nobody_is_dropped_and_each_bad_event_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    told: list[list[dict[str, Any]]] = []

    async def one(server: Running, seed: int) -> None:
        told.append(await torment(server, seed))

    llm = ScriptedLlm(replies=("One two three.", ToolCall("call_1", "weather", "{}"), "Four five."))
    with caplog.at_level(logging.ERROR):
        async with serving(llm=llm, conversations=CONVERSATIONS + 1) as server:
            with anyio.fail_after(55):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(ask, server)
                    for seed in range(CONVERSATIONS):
                        tasks.start_soon(one, server, seed)
            await server.emptied(5)
    assert len(told) == CONVERSATIONS
    assert not caplog.records
    created = done = 0
    for said in told:
        begun = [event["response"]["id"] for event in said if event["type"] == "response.created"]
        ended = [event["response"]["id"] for event in said if event["type"] == "response.done"]
        assert begun == ended
        created, done = created + len(begun), done + len(ended)
    assert created > CONVERSATIONS
