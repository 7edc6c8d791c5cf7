"""A conversation over a WebSocket with the stock OpenAI SDK, and what happens to those who do not keep to the rules."""

import base64
import json
from collections.abc import AsyncIterable
from typing import Any

import anyio
import httpx
import numpy as np
import openai
import pytest
from anyio.lowlevel import checkpoint
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.engines.scripted import Script, ScriptedLlm, ScriptedTts
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.stopgap import Patience, Phrases, Stopgaps
from running import Running, serving

pytestmark = pytest.mark.anyio

RATE = 24_000
KEY = "a-long-enough-secret"


def tone(seconds: float) -> str:
    """The user's voice, as far as a scripted detector is concerned."""
    samples = 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)
    return base64.b64encode((samples * 32767).astype("<i2").tobytes()).decode()


async def until(events: AsyncIterable[Any], kind: str) -> list[Any]:
    """The next events up to one of that kind."""
    seen: list[Any] = []
    with anyio.fail_after(15):
        async for event in events:
            seen.append(event)
            if event.type == kind:
                return seen
    pytest.fail(f"{kind} never came: {[event.type for event in seen]}")


def sound(events: list[Any]) -> np.ndarray:
    data = b"".join(base64.b64decode(event.delta) for event in events if event.type == "response.output_audio.delta")
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768


async def test_the_stock_client_asks_and_is_answered() -> None:
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        created = await connection.recv()
        assert created.type == "session.created"
        await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
        updated = await connection.recv()
        assert updated.type == "session.updated"
        assert '"instructions":"Be brief."' in updated.to_json(indent=None)
        await connection.input_audio_buffer.append(audio=tone(0.6))
        events = await until(connection, "response.done")
    kinds = [event.type for event in events]
    told = [kind for kind in dict.fromkeys(kinds) if not kind.endswith(".delta")]
    assert told == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    by_kind = {event.type: event for event in events}
    assert by_kind["conversation.item.input_audio_transcription.completed"].transcript == "What time is it?"
    assert by_kind["response.output_audio_transcript.done"].transcript == "It is nine."
    assert by_kind["response.done"].response.status == "completed"
    spoken = sound(events)
    assert len(spoken) / RATE == pytest.approx(0.75, abs=0.25)
    assert dbfs(spoken) > -30


async def test_every_event_is_what_the_sdk_says_it_is() -> None:
    """Strictly: the client itself takes anything."""
    check = TypeAdapter[Any](RealtimeServerEvent)
    async with serving() as server, plain(server) as socket:
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": tone(0.6)}))
        await socket.send(json.dumps({"type": "nonsense"}))
        kinds: list[str] = []
        with anyio.fail_after(15):
            while "response.done" not in kinds:
                event = json.loads(await socket.recv())
                check.validate_python(event)
                kinds.append(event["type"])
    assert "error" in kinds


async def test_an_interruption_cuts_the_answer_and_its_item() -> None:
    story = " ".join(f"word{number}" for number in range(40)) + "."
    async with serving(says=("Tell me a story.", "no wait, something else"), replies=(story, "Fine.")) as server:
        async with server.client() as client, client.realtime.connect(model="local") as connection:
            await connection.input_audio_buffer.append(audio=tone(0.6))
            await until(connection, "response.output_audio.delta")
            await anyio.sleep(1.5)
            await connection.input_audio_buffer.append(audio=tone(1.2))
            first = await until(connection, "conversation.item.truncated")
            second = await until(connection, "response.done")
    cancelled = next(event for event in first if event.type == "response.done")
    assert cancelled.response.status == "cancelled"
    assert cancelled.response.status_details.reason == "turn_detected"
    transcript = next(event.transcript for event in first if event.type == "response.output_audio_transcript.done")
    assert transcript.startswith("word0 word1")
    assert len(transcript.split()) < 20
    assert 1000 < first[-1].audio_end_ms < 4000
    assert second[-1].response.status == "completed"


async def test_a_question_in_writing_is_answered_by_voice() -> None:
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And in Rome?"}]}
        )
        await connection.response.create()
        events = await until(connection, "response.done")
    added = next(event.item for event in events if event.type == "conversation.item.added")
    assert (added.role, added.content[0].text) == ("user", "And in Rome?")
    assert not any(event.type.startswith("input_audio_buffer") for event in events)
    assert next(event.transcript for event in events if event.type == "response.output_audio_transcript.done") == "It is nine."
    assert len(sound(events)) / RATE > 0.5


async def test_the_assistant_greets_when_it_is_asked_to_and_one_answer_comes_at_a_time() -> None:
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.response.create(response={"instructions": "Greet the user."})
        await until(connection, "response.created")
        await connection.response.create()
        events = await until(connection, "error")
        assert events[-1].error.code == "conversation_already_has_active_response"
        events = await until(connection, "response.done")
        assert events[-1].response.status == "completed"


async def test_an_answer_is_cancelled_or_truncated_by_the_client() -> None:
    story = " ".join(f"word{number}" for number in range(40)) + "."
    async with serving(replies=(story,)) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.response.create()
        await until(connection, "response.output_audio.delta")
        await connection.response.cancel()
        events = await until(connection, "response.done")
        assert events[-1].response.status_details.reason == "client_cancelled"
        await connection.response.create()
        begun = await until(connection, "response.output_audio.delta")
        await anyio.sleep(1.2)
        await connection.conversation.item.truncate(item_id=begun[-1].item_id, content_index=0, audio_end_ms=600)
        events = await until(connection, "conversation.item.truncated")
        done = next(event.response for event in events if event.type == "response.done")
        assert (done.status, done.status_details.reason) == ("cancelled", "client_cancelled")
        assert (events[-1].item_id, events[-1].audio_end_ms) == (begun[-1].item_id, 600)


def plain(server: Running, **options: Any) -> connect:
    """A client that may say anything."""
    return connect(f"{server.address.replace('http', 'ws')}/v1/realtime", **options)


WRONG = [
    ("", "invalid_event"),
    ("no json", "invalid_event"),
    ("[1, 2]", "invalid_event"),
    (b"\xff\x00", "invalid_event"),
    ('{"type": 5}', "invalid_event"),
    ('{"type": "input_audio_buffer.append"}', "invalid_value"),
    ('{"type": "input_audio_buffer.append", "audio": "?"}', "invalid_value"),
    ('{"type": "input_audio_buffer.append", "audio": "AAAA"}', "invalid_value"),
    ('{"type": "session.update", "session": 1}', "invalid_value"),
    ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty"),
    ('{"type": "response.cancel"}', "response_cancel_not_active"),
    ('{"type": "response.create", "response": {"instructions": 5}}', "invalid_value"),
    ('{"type": "conversation.item.create", "item": {"type": "message", "role": "system", "content": []}}', "invalid_value"),
    ('{"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": []}}', "invalid_value"),
    ('{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 5}', "item_not_found"),
    ('{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": -5}', "invalid_value"),
    ('{"type": "made.up"}', "invalid_event"),
]


async def test_whatever_is_sent_the_conversation_goes_on() -> None:
    async with serving() as server, plain(server) as socket:
        assert json.loads(await socket.recv())["type"] == "session.created"
        for message, code in WRONG:
            await socket.send(message)
            answer = json.loads(await socket.recv())
            assert (answer["type"], answer["error"]["code"]) == ("error", code), message
        await socket.send('{"type": "made.up", "event_id": "mine"}')
        assert json.loads(await socket.recv())["error"]["event_id"] == "mine"
        await socket.send('{"type": "input_audio_buffer.clear"}')
        assert json.loads(await socket.recv())["type"] == "input_audio_buffer.cleared"


async def test_more_sound_than_can_wait_is_refused() -> None:
    async with serving() as server, plain(server) as socket:
        await socket.recv()
        quiet = base64.b64encode(bytes(2 * 11 * RATE)).decode()
        for _ in range(3):
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": quiet}))
        answer = json.loads(await socket.recv())
        assert answer["error"]["code"] == "rate_limit_exceeded"


async def test_a_message_too_large_ends_the_connection() -> None:
    async with serving() as server, plain(server) as socket:
        await socket.recv()
        await socket.send("x" * (2 << 20))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_one_conversation_too_many_is_told_to_come_back() -> None:
    async with serving(conversations=1) as server:
        async with plain(server) as first:
            await first.recv()
            async with plain(server) as second:
                with pytest.raises(ConnectionClosed) as closed:
                    await second.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1013
            async with httpx.AsyncClient() as web:
                assert (await web.get(f"{server.address}/readyz")).status_code == 503
        await gone(server)
        async with plain(server) as third:
            assert json.loads(await third.recv())["type"] == "session.created"


async def gone(server: Running) -> None:
    with anyio.fail_after(5):
        while server.host.live:
            await checkpoint()


async def test_a_client_that_vanishes_leaves_nothing_behind() -> None:
    async with serving(replies=(" ".join(["word"] * 60),)) as server:
        socket = await plain(server)
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": tone(0.6)}))
        with anyio.fail_after(10):
            while json.loads(await socket.recv())["type"] != "response.output_audio.delta":
                pass
        socket.transport.abort()
        await gone(server)


@pytest.mark.parametrize("key", ["", "wrong", KEY + "x"])
async def test_without_the_key_nobody_comes_in(key: str) -> None:
    async with serving(key=KEY) as server:
        with pytest.raises(InvalidStatus) as refused:
            await plain(server, additional_headers={"Authorization": f"Bearer {key}"})
        assert refused.value.response.status_code == 401
        async with server.client(key or "none") as client:
            with pytest.raises(openai.AuthenticationError):
                await client.models.list()


async def test_the_key_opens_by_header_and_by_subprotocol() -> None:
    async with serving(key=KEY) as server:
        async with server.client(KEY) as client:
            async with client.realtime.connect(model="local") as connection:
                assert (await connection.recv()).type == "session.created"
            assert [model.id async for model in client.models.list()] != []
        protocols: Any = ["realtime", f"openai-insecure-api-key.{KEY}"]
        async with plain(server, subprotocols=protocols) as socket:
            assert socket.subprotocol == "realtime"


async def test_a_page_from_elsewhere_is_turned_away() -> None:
    async with serving() as server:
        with pytest.raises(InvalidStatus) as refused:
            await plain(server, origin="https://elsewhere.example")
        assert refused.value.response.status_code == 403
        async with plain(server, origin=server.address) as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"


async def test_the_server_says_how_it_is() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.address) as web:
        assert (await web.get("/healthz")).json() == {"status": "ok"}
        assert (await web.get("/readyz")).json()["status"] == "ready"
        assert (await web.get("/docs")).status_code == 404


async def test_it_ends_with_conversations_open() -> None:
    async with serving() as server:
        socket: ClientConnection = await plain(server)
        await socket.recv()
    with pytest.raises(ConnectionClosed):
        await socket.recv()


async def test_an_answer_that_does_not_come_ends_as_failed_and_that_is_said() -> None:
    (sorry,) = [chunk async for chunk in ScriptedTts(word_seconds=0.5).speak("Sorry.")]
    manner = Manner(stopgaps=Stopgaps(Patience(0.3, 0.6), Phrases(sorry=[sorry])))
    async with serving(llm=ScriptedLlm(script=Script(delay=30)), manner=manner) as server, server.client() as client:
        async with client.realtime.connect(model="local") as connection:
            await connection.input_audio_buffer.append(audio=tone(0.6))
            events = await until(connection, "response.done")
    kinds = [event.type for event in events]
    assert kinds.index("error") < kinds.index("response.output_item.done")
    assert events[-1].response.status == "failed"
    assert len(sound(events)) / RATE == pytest.approx(0.5, abs=0.1)
