"""What a caller's camera saw is remembered, and told to that caller alone: real recognizers, real index, a call over WebRTC."""

from contextlib import aclosing
from fractions import Fraction
from pathlib import Path

import anyio
import av
import numpy as np
import pytest
from aiortc import VideoStreamTrack
from photo_lab import photo

from calling import Caller, calling
from multimodal_assistant.app import settings_from
from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.seeing import eyes_of
from multimodal_assistant.visual_memory import Views, open_views
from running import serving

pytestmark = [pytest.mark.models, pytest.mark.anyio]


class Camera(VideoStreamTrack):
    """A cat, ten times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._sent = 0
        self._picture = np.ascontiguousarray(photo("chelsea")[:300, :448])

    async def recv(self) -> av.VideoFrame:
        await anyio.sleep(0.1)
        frame = av.VideoFrame.from_ndarray(self._picture, format="rgb24")
        frame.pts, frame.time_base = self._sent, Fraction(1, 10)
        self._sent += 1
        return frame


async def ask(caller: Caller, words: str) -> str:
    """What is said to that."""
    before = len(caller.events)
    written = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}
    caller.send(type="conversation.item.create", item=written)
    caller.send(type="response.create")
    await caller.until("response.done", since=before)
    return "".join(event["transcript"] for event in caller.events[before:] if event["type"] == "response.output_audio_transcript.done")


async def until_kept(views: Views, user: str) -> None:
    with anyio.fail_after(30):
        while not await views.memory.latest(user, 1):  # noqa: ASYNC110 - nothing tells that a view is kept
            await anyio.sleep(0.1)


async def test_what_was_shown_on_a_call_is_found_again_on_the_next_one(tmp_path: Path) -> None:
    settings = settings_from(memory={"folder": tmp_path}, vision={"remember": True})
    llm = ScriptedLlm()
    async with (
        aclosing(eyes_of(settings)) as eyes,
        open_views(settings) as views,
        serving(llm=llm, eyes=eyes, views=views, small=True) as server,
    ):
        await eyes.warm()
        async with calling(server.address, camera=Camera()) as caller:
            await until_kept(views, settings.memory.user)
        async with calling(server.address) as caller:
            assert "I saw a cat" in await ask(caller, "Where did you last see a cat?")
            assert "not seen" in await ask(caller, "When did you last see a bicycle?")
            assert await views.memory.latest("somebody else", 1) == []
            await ask(caller, "Forget what you have seen.")
            assert "not seen" in await ask(caller, "Where did you last see a cat?")
    assert llm.ledger.requests == []
