"""An answer about what was seen before brings its picture to clients that show it, and to no others."""

import base64
import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from PIL import Image
from test_sight import Camera, eyes, say, shows, socket_of
from websockets.asyncio.client import ClientConnection

from calling import calling
from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.types import AudioChunk, Box, Picture, Pixels, RememberedView, Sighting, SpokenChunk
from multimodal_assistant.engines.scripted import Script, ScriptedLlm, ScriptedTts
from multimodal_assistant.engines.scripted_vision import ScriptedImageEncoder
from multimodal_assistant.memory.qdrant_edge import EdgeIndex
from multimodal_assistant.memory.visual.keeper import ViewKeeper
from multimodal_assistant.memory.visual.ranking import Trust
from multimodal_assistant.memory.visual.store import Pictures, open_visual_memory
from multimodal_assistant.memory.visual.view import Shot
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.stopgap import Patience, Phrases, Stopgaps
from multimodal_assistant.processors.scene import Seen
from multimodal_assistant.server.keys import KeyFile
from multimodal_assistant.transports.pictures import jpeg, picture_pixels
from multimodal_assistant.transports.realtime_beyond import shown
from multimodal_assistant.visual_memory import Views
from running import serving

pytestmark = pytest.mark.anyio

WHERE = {"type": "input_text", "text": "Where did you last see my cup?"}


async def small(pixels: Pixels) -> Picture:
    return jpeg(pixels, 320, 75)


async def pixels_of(picture: Picture) -> Pixels:
    return picture_pixels(picture.data)


def edge(folder: Path, dimensions: int) -> EdgeIndex:
    return EdgeIndex(folder, dimensions=dimensions)


@asynccontextmanager
async def seen_before(folder: Path) -> AsyncGenerator[tuple[Views, float]]:
    """A cup on a red ground, five minutes ago; and when that was."""
    async with (
        open_visual_memory(folder, ScriptedImageEncoder(), edge, Pictures(small, pixels_of), trust=Trust(0.9, parts=True)) as memory,
        anyio.create_task_group() as tasks,
    ):
        keeper = ViewKeeper(memory)
        tasks.start_soon(keeper.run)
        at = datetime.now(UTC).timestamp() - 300
        red = np.full((480, 640, 3), (230, 0, 0), np.uint8)
        await memory.keep("me", Shot(red, at, "the camera", Seen((Sighting("cup", 0.9, Box(0.05, 0.4, 0.2, 0.2)),))))
        yield Views(keeper, 7.0, "me"), at
        tasks.cancel_scope.cancel()


async def beat(socket: ClientConnection) -> None:
    """Show that this client knows this server's own events."""
    await socket.send('{"type": "assistant.heartbeat"}')


def of_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


async def test_the_picture_comes_with_the_answer_over_a_websocket(tmp_path: Path) -> None:
    llm = ScriptedLlm()
    async with seen_before(tmp_path) as (views, at), serving(llm=llm, views=views, small=True) as server, socket_of(server) as socket:
        await beat(socket)
        events = await say(socket, WHERE)
        (view,) = of_kind(events, "assistant.view.shown")
        done = events[-1]["response"]
        (message,) = done["output"]
        assert "I saw a cup on the left at" in message["content"][0]["transcript"]
        assert (view["response_id"], view["item_id"]) == (done["id"], message["id"])
        assert datetime.fromisoformat(view["seen_at"]) == datetime.fromtimestamp(int(at), UTC)
        assert (view["source"], view["text"]) == ("the camera", "A cup on the left.")
        head, _, data = view["image_url"].partition(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert picture.size == (320, 240)
            assert np.allclose(np.asarray(picture).mean(axis=(0, 1)), (230, 0, 0), atol=4)
        kinds = [event["type"] for event in events]
        assert kinds.index("response.output_item.added") < kinds.index("assistant.view.shown")
        await socket.send(json.dumps({"type": "conversation.item.retrieve", "item_id": message["id"]}))
        with anyio.fail_after(5):
            while (event := json.loads(await socket.recv()))["type"] != "conversation.item.retrieved":
                pass
        assert "image" not in json.dumps(event)
    assert llm.ledger.requests == []


async def test_it_comes_with_an_answer_in_writing(tmp_path: Path) -> None:
    async with seen_before(tmp_path) as (views, _), serving(views=views, small=True) as server, socket_of(server) as socket:
        await beat(socket)
        await socket.send(json.dumps({"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}))
        events = await say(socket, WHERE)
        (view,) = of_kind(events, "assistant.view.shown")
        assert view["item_id"] == events[-1]["response"]["output"][0]["id"]


async def test_it_comes_over_webrtc(tmp_path: Path) -> None:
    async with seen_before(tmp_path) as (views, _), serving(views=views, small=True) as server, calling(server.address) as caller:
        caller.send(type="assistant.heartbeat")
        caller.send(type="conversation.item.create", item={"type": "message", "role": "user", "content": [WHERE]})
        caller.send(type="response.create")
        done = await caller.until("response.done")
        (view,) = of_kind(caller.events, "assistant.view.shown")
        assert view["item_id"] == done["response"]["output"][0]["id"]
        assert view["image_url"].startswith("data:image/jpeg;base64,/9j/")


@pytest.mark.parametrize("what", ["camera", "screen"])
async def test_it_is_known_what_showed_it(what: str, tmp_path: Path) -> None:
    async with (
        seen_before(tmp_path) as (views, _),
        serving(views=views, eyes=eyes("dog"), small=True) as server,
        calling(server.address, camera=Camera()) as caller,
    ):
        caller.send(type="assistant.heartbeat")
        await shows(caller, what)
        dog = {"type": "input_text", "text": "Where did you last see a dog?"}
        with anyio.fail_after(30):
            while not (told := of_kind(caller.events, "assistant.view.shown")):
                before = len(caller.events)
                caller.send(type="conversation.item.create", item={"type": "message", "role": "user", "content": [dog]})
                caller.send(type="response.create")
                await caller.until("response.done", since=before)
        assert (told[0]["source"], told[0]["text"]) == (f"the {what}", "A dog in the middle.")


async def test_a_client_of_the_api_alone_is_answered_in_words(tmp_path: Path) -> None:
    async with seen_before(tmp_path) as (views, _), serving(views=views, small=True) as server, socket_of(server) as socket:
        events = await say(socket, WHERE)
        assert "I saw a cup" in events[-1]["response"]["output"][0]["content"][0]["transcript"]
        events += await say(socket, {"type": "input_text", "text": "Forget what you have seen."})
        assert not [event for event in events if event["type"].startswith("assistant.")]


async def test_nothing_is_shown_that_was_not_found_or_is_in_no_answer(tmp_path: Path) -> None:
    tone = SpokenChunk(AudioChunk(np.full(SPEECH_RATE // 5, 0.1, np.float32), SPEECH_RATE), "Sorry.")
    manner = Manner(stopgaps=Stopgaps(Patience(0.2, 0.6), Phrases(sorry=[tone])))
    async with seen_before(tmp_path) as (views, _), serving(views=views, small=True) as server, socket_of(server) as socket:
        await beat(socket)
        events = await say(socket, {"type": "input_text", "text": "When did you last see my phone?"})
        assert not of_kind(events, "assistant.view.shown")
    late = ScriptedTts(script=Script(delay=30.0))
    async with (
        seen_before(tmp_path) as (views, _),
        serving(views=views, small=True, tts=late, manner=manner) as server,
        socket_of(server) as socket,
    ):
        await beat(socket)
        events = await say(socket, WHERE)
        while events[-1]["type"] != "response.done":  # that it is given up is told before
            events.append(json.loads(await socket.recv()))
        assert events[-1]["response"]["status"] == "failed"
        assert not of_kind(events, "assistant.view.shown")


async def test_what_is_forgotten_is_taken_away_and_not_shown_again(tmp_path: Path) -> None:
    async with seen_before(tmp_path) as (views, _), serving(views=views, small=True) as server, socket_of(server) as socket:
        await beat(socket)
        assert of_kind(await say(socket, WHERE), "assistant.view.shown")
        events = await say(socket, {"type": "input_text", "text": "Forget what you have seen."})
        assert len(of_kind(events, "assistant.views.forgotten")) == 1
        events = await say(socket, WHERE)
        assert "I have not seen your cup" in events[-1]["response"]["output"][0]["content"][0]["transcript"]
        assert not [event for event in events if event["type"].startswith("assistant.view")]


async def test_what_is_forgotten_is_taken_away_in_every_conversation_of_its_user(tmp_path: Path) -> None:
    async with (
        seen_before(tmp_path) as (views, _),
        serving(views=views, small=True) as server,
        socket_of(server) as socket,
        socket_of(server) as other,
    ):
        for one in (socket, other):
            await beat(one)
            assert of_kind(await say(one, WHERE), "assistant.view.shown")
        await say(socket, {"type": "input_text", "text": "Forget what you have seen."})
        assert json.loads(await other.recv())["type"] == "assistant.views.forgotten"


async def test_what_one_user_forgets_is_no_business_of_another(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    mine, other = keys.add("me"), keys.add("other")
    async with (
        seen_before(tmp_path / "seen") as (views, _),
        serving(views=views, small=True, keys=keys) as server,
        socket_of(server, mine) as socket,
        socket_of(server, other) as stranger,
    ):
        for one in (socket, stranger):
            await beat(one)
        await say(stranger, WHERE)
        assert of_kind(await say(socket, WHERE), "assistant.view.shown")
        assert of_kind(await say(socket, {"type": "input_text", "text": "Forget what you have seen."}), "assistant.views.forgotten")
        assert not of_kind(await say(stranger, WHERE), "assistant.views.forgotten")


def test_a_picture_that_is_too_large_for_an_event_is_not_sent() -> None:
    def view(size: int) -> RememberedView:
        return RememberedView(1, 0.0, "the camera", "", Picture(bytes(size), "image/jpeg"))

    there = shown(view(48 << 10))
    assert there is not None
    assert len(json.dumps(there)) < 1 << 17
    assert there["seen_at"] == "1970-01-01T00:00:00+00:00"
    assert shown(view((48 << 10) + 1)) is None
