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
from multimodal_assistant.core.types import Picture
from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.server.sight import picture_of
from multimodal_assistant.transports.camera_track import jpeg
from running import Running, serving

pytestmark = pytest.mark.anyio


def red(width: int = 640, height: int = 480) -> av.VideoFrame:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = 230
    return av.VideoFrame.from_ndarray(pixels, format="rgb24")


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


def socket_of(server: Running) -> connect:
    return connect(server.address.replace("http", "ws") + "/v1/realtime")


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
    assert events[-1]["error"]["message"] == "The language model of this server cannot see pictures."


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
    assert llm.shown == [None]


def test_a_large_picture_is_made_small() -> None:
    with av.open(io.BytesIO(jpeg(red(1920, 1080)))) as opened:
        container: Any = opened
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == (768, 432)
