"""What a client shows reaches a language model that sees, once, and nothing of it stays."""

import base64
import io
import json
from fractions import Fraction
from typing import Any

import anyio
import av
import numpy as np
import pytest
from aiortc import VideoStreamTrack
from websockets.asyncio.client import ClientConnection, connect

from calling import Caller, calling
from multimodal_assistant.core.types import Box, Picture, Sighting
from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.engines.scripted_vision import ScriptedClassifier, ScriptedDetector, ScriptedReader
from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.server.sight import picture_of
from multimodal_assistant.transports import pictures
from running import Running, serving

pytestmark = pytest.mark.anyio


def red(width: int = 640, height: int = 480) -> av.VideoFrame:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = 230
    return av.VideoFrame.from_ndarray(pixels, format="rgb24")


def jpeg(frame: av.VideoFrame) -> bytes:
    return pictures.jpeg(frame.to_ndarray(format="rgb24").astype(np.uint8)).data


def uri(data: bytes, kind: str = "jpeg") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def pixels_of(picture: Picture) -> np.ndarray:
    with av.open(io.BytesIO(picture.data)) as opened:
        container: Any = opened
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


class Camera(VideoStreamTrack):
    """Ten red pictures a second."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0

    async def recv(self) -> av.VideoFrame:
        await anyio.sleep(0.1)
        frame = red()
        frame.pts, frame.time_base = self._sent, Fraction(1, 10)
        self._sent += 1
        return frame


def socket_of(server: Running, key: str = "") -> connect:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return connect(server.address.replace("http", "ws") + "/v1/realtime", additional_headers=headers)


async def say(socket: ClientConnection, *parts: dict[str, str]) -> list[dict[str, Any]]:
    """Send a message, ask for an answer; all events up to its end, or to an error."""
    await socket.send(json.dumps({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": parts}}))
    await socket.send(json.dumps({"type": "response.create"}))
    events: list[dict[str, Any]] = []
    with anyio.fail_after(10):
        while not events or events[-1]["type"] not in {"response.done", "error"}:
            events.append(json.loads(await socket.recv()))
    return events


async def test_a_picture_goes_with_the_next_answer_and_with_no_other() -> None:
    llm = ScriptedLlm(replies=["Something red.", "As I said."], sees=True)
    data = jpeg(red())
    async with serving(llm=llm) as server, socket_of(server) as socket:
        created = json.loads(await socket.recv())
        assert created["session"]["assistant"] == {"vision": True}
        await say(socket, {"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": uri(data)})
        await say(socket, {"type": "input_text", "text": "Are you sure?"})
    assert llm.shown == [Picture(data, "image/jpeg"), None]
    assert llm.ledger.requests == ["What is this?", "Are you sure?"]


async def test_a_picture_without_words_is_a_message_all_the_same() -> None:
    llm = ScriptedLlm(sees=True)
    async with serving(llm=llm) as server, socket_of(server) as socket:
        await say(socket, {"type": "input_image", "image_url": uri(jpeg(red()))})
    assert llm.shown[0] is not None
    assert llm.ledger.requests == ["(I show you a picture.)"]


async def test_a_model_that_does_not_see_is_shown_nothing() -> None:
    llm = ScriptedLlm()
    async with serving(llm=llm) as server, socket_of(server) as socket:
        assert "assistant" not in json.loads(await socket.recv())["session"]
        events = await say(socket, {"type": "input_image", "image_url": uri(jpeg(red()))})
    assert events[-1]["error"]["message"] == "This server cannot see pictures."


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("https://example.org/picture.jpg", "nothing is fetched from elsewhere"),
        ("data:image/svg+xml;base64,AAAA", "nothing is fetched from elsewhere"),
        ("data:image/png;base64,&&&", "not valid base64"),
        (uri(b"GIF89a", "png"), "The picture is no PNG"),
        (uri(b""), "The picture is no JPEG"),
    ],
)
async def test_what_is_no_picture_is_told(wrong: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        picture_of(wrong)
    llm = ScriptedLlm(sees=True)
    async with serving(llm=llm) as server, socket_of(server) as socket:
        events = await say(socket, {"type": "input_image", "image_url": wrong})
        assert said in events[-1]["error"]["message"]
        await say(socket, {"type": "input_text", "text": "Go on."})
    assert llm.shown == [None]


def said(caller: Caller) -> list[str]:
    """The answers of the assistant, as they were spoken."""
    return [event["transcript"] for event in caller.events if event["type"] == "response.output_audio_transcript.done"]


async def _ask(caller: Caller) -> None:
    written = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What do you see?"}]}
    before = len(caller.events)
    caller.send(type="conversation.item.create", item=written)
    caller.send(type="response.create")
    await caller.until("response.done", since=before)


async def test_what_the_camera_sees_goes_with_the_answer() -> None:
    llm = ScriptedLlm(sees=True)
    async with serving(llm=llm) as server, calling(server.address, camera=Camera()) as caller:
        with anyio.fail_after(15):
            while not any(llm.shown):
                await _ask(caller)
        (picture,) = [one for one in llm.shown if one is not None]
    assert picture.media_type == "image/jpeg"
    seen = pixels_of(picture)
    assert seen.shape == (480, 640, 3)
    assert np.allclose(seen.mean(axis=(0, 1)), (230, 0, 0), atol=12)


async def test_a_camera_before_a_model_that_does_not_see_is_not_looked_at() -> None:
    llm = ScriptedLlm()
    async with serving(llm=llm) as server, calling(server.address, camera=Camera()) as caller:
        await _ask(caller)
        directions = [transceiver.currentDirection for transceiver in caller.pc.getTransceivers() if transceiver.kind == "video"]
    assert directions == ["inactive"]
    assert llm.shown == []  # nobody is asked what they cannot know
    assert said(caller) == ["I cannot see anything: I have no eyes here."]


def test_a_large_picture_is_made_small() -> None:
    with av.open(io.BytesIO(jpeg(red(1920, 1080)))) as opened:
        container: Any = opened
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == (768, 432)


def eyes(*things: str) -> Eyes:
    seen = [Sighting(thing, 0.9, Box(0.4, 0.4, 0.2, 0.2)) for thing in things]
    return Eyes(ScriptedDetector(scenes=[seen]), ScriptedClassifier(scenes=[[]]), ScriptedReader(scenes=[[]]))


async def test_a_model_that_does_not_see_is_told_what_is_in_a_picture() -> None:
    llm = ScriptedLlm(replies=["Tea, perhaps.", "You are welcome."])
    async with serving(llm=llm, eyes=eyes("cup")) as server, socket_of(server) as socket:
        assert json.loads(await socket.recv())["session"]["assistant"] == {"vision": True}
        await say(socket, {"type": "input_text", "text": "What is in it?"}, {"type": "input_image", "image_url": uri(jpeg(red()))})
        await say(socket, {"type": "input_text", "text": "Thank you."})
    assert llm.shown == [None, None]
    assert llm.ledger.requests == ["(In view: A cup in the middle.)\n\nWhat is in it?", "Thank you."]


async def test_a_small_model_is_not_asked_what_a_rule_knows() -> None:
    llm = ScriptedLlm()
    async with serving(llm=llm, eyes=eyes("cup"), small=True) as server, socket_of(server) as socket:
        await socket.recv()
        events = await say(
            socket, {"type": "input_text", "text": "Is there a dog?"}, {"type": "input_image", "image_url": uri(jpeg(red()))}
        )
    assert any(event.get("transcript") == "No, I see no dog. I see a cup in the middle." for event in events)
    assert llm.ledger.requests == []


async def test_a_picture_that_is_none_inside_is_not_talked_about() -> None:
    llm = ScriptedLlm()
    async with serving(llm=llm, eyes=eyes("cup")) as server, socket_of(server) as socket:
        await socket.recv()
        broken = {"type": "input_image", "image_url": uri(jpeg(red())[:200])}
        events = await say(socket, {"type": "input_text", "text": "What is this?"}, broken)
    assert any(event.get("transcript", "").startswith("I cannot see the picture. The picture is ") for event in events)
    assert llm.ledger.requests == []


async def test_what_a_camera_sees_is_told_in_words() -> None:
    llm = ScriptedLlm(replies=["Yes."])
    async with serving(llm=llm, eyes=eyes("cat")) as server, calling(server.address, camera=Camera()) as caller:
        with anyio.fail_after(15):
            while not any("cat" in request for request in llm.ledger.requests):
                await _ask(caller)
    assert llm.ledger.requests[-1] == "(In view: A cat in the middle.)\n\nWhat do you see?"
    assert not any(llm.shown)


async def shows(caller: Caller, what: str) -> dict[str, Any]:
    """Say so; the session as it is then."""
    before = len(caller.events)
    caller.send(type="session.update", session={"type": "realtime", "assistant": {"shows": what}})
    return (await caller.until("session.updated", since=before))["session"]


async def test_what_is_put_away_is_not_seen_any_more_from_that_moment_on() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, calling(server.address, camera=Camera()) as caller:
        assert (await shows(caller, "screen"))["assistant"] == {"vision": True, "shows": "screen"}
        await _ask(caller)
        assert llm.shown[0] is not None
        await shows(caller, "nothing")  # its pictures go on coming
        await _ask(caller)
        assert said(caller)[-1] == "I cannot see anything: no camera is on, and no picture is shown."
        await shows(caller, "camera")
        await _ask(caller)
        assert len(llm.shown) == 2
        assert llm.shown[1] is not None


async def test_who_shows_what_is_no_kind_of_picture_is_told() -> None:
    async with serving(llm=ScriptedLlm(sees=True)) as server, socket_of(server) as socket:
        await socket.recv()
        await socket.send(json.dumps({"type": "session.update", "session": {"type": "realtime", "assistant": {"shows": "a film"}}}))
        event = json.loads(await socket.recv())
        assert "assistant.shows" in event["error"]["message"]
