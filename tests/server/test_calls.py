"""Calls over WebRTC, by a caller of aiortc; engines are scripted."""

import asyncio
import random
import threading
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
from aiortc import RTCSessionDescription

from calling import RATE, Caller, calling
from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.types import Samples
from running import serving

pytestmark = pytest.mark.anyio


def tone(seconds: float) -> Samples:
    """The user's voice, as far as a scripted detector is concerned."""
    return (0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


async def test_a_question_by_track_is_answered_by_track() -> None:
    async with serving() as server, calling(server.address) as caller:
        caller.microphone.say(tone(0.6))
        done = await caller.until("response.done")
    assert done["response"]["status"] == "completed"
    kinds = caller.kinds()
    assert "response.output_audio.delta" not in kinds
    assert kinds.index("output_audio_buffer.started") < kinds.index("output_audio_buffer.stopped") < kinds.index("response.done")
    text = next(event for event in caller.events if event["type"] == "response.output_audio_transcript.done")
    assert text["transcript"] == "It is nine."
    loud = [packet for packet in caller.heard if dbfs(packet) > -40]
    assert len(loud) / 50 == pytest.approx(0.75, abs=0.25)


async def test_silence_is_sent_where_nothing_is_said() -> None:
    async with serving() as server, calling(server.address) as caller:
        begun = len(caller.heard)
        await anyio.sleep(1.0)
        assert len(caller.heard) - begun == pytest.approx(50, abs=10)


async def test_an_interruption_silences_the_track() -> None:
    story = " ".join(f"word{number}" for number in range(40)) + "."
    async with serving(says=("Tell me a story.", "no wait, something else"), replies=(story, "Fine.")) as server:
        async with calling(server.address) as caller:
            caller.microphone.say(tone(0.6))
            await caller.until("output_audio_buffer.started")
            await anyio.sleep(1.0)
            caller.microphone.say(tone(1.2))
            await caller.until("output_audio_buffer.cleared")
            cut = await caller.until("conversation.item.truncated")
            assert 500 < cut["audio_end_ms"] < 3000
            answered = await caller.until("response.done", since=len(caller.events))
            assert answered["response"]["status"] == "completed"


async def test_what_is_lost_on_the_way_does_not_end_the_conversation() -> None:
    chance = random.Random(5)
    async with serving() as server, calling(server.address, lossy=lambda _: chance.random() < 0.05) as caller:
        caller.microphone.say(tone(1.0))
        assert (await caller.until("response.done"))["response"]["status"] == "completed"


async def test_the_client_tells_how_late_it_plays_and_is_told_where_the_time_went() -> None:
    async with serving() as server, calling(server.address) as caller:
        caller.send(type="assistant.heartbeat", playout_delay_ms=80)
        await caller.until("assistant.heartbeat")
        caller.microphone.say(tone(0.6))
        told = await caller.until("assistant.metrics")
        assert told["stages"]["stt"] is not None


async def test_more_events_at_once_than_are_read_in_a_second_have_to_wait() -> None:
    async with serving() as server, calling(server.address) as caller:
        for number in range(300):
            item = {"id": f"item_{number}", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "So."}]}
            caller.send(type="conversation.item.create", item=item)
        caller.send(type="response.create")
        assert (await caller.until("response.done"))["response"]["status"] == "completed"
        added = [event["item"]["id"] for event in caller.events if event["type"] == "conversation.item.added"]
        assert added[:300] == [f"item_{number}" for number in range(300)]


async def test_a_client_without_a_word_of_ours_gets_none() -> None:
    async with serving() as server, calling(server.address) as caller:
        caller.microphone.say(tone(0.6))
        await caller.until("response.done")
        assert not [kind for kind in caller.kinds() if kind.startswith("assistant.")]


async def test_a_caller_that_leaves_makes_room_for_the_next() -> None:
    async with serving(conversations=1) as server:
        async with calling(server.address):
            other = Caller()
            refused = await other.offer(server.address)
            assert refused.status_code == 503
            assert refused.json()["error"]["message"] == "All conversations are taken. Try again later."
            await other.pc.close()
        await server.emptied(8)


async def test_a_caller_that_dies_is_noticed() -> None:
    """It says nothing more, not even goodbye."""
    async with serving() as server, calling(server.address) as caller:
        transport: Any = caller.pc.getSenders()[0].transport
        sent = 0

        async def dead(data: bytes) -> None:
            nonlocal sent
            sent += 1

        transport._send_rtp = dead
        await server.emptied(8)
        assert sent


async def test_a_call_can_be_hung_up() -> None:
    async with serving() as server, calling(server.address):
        (name,) = server.host.live
        async with httpx.AsyncClient(base_url=server.address) as client:
            assert (await client.post("/v1/realtime/calls/nobody/hangup")).status_code == 404
            assert (await client.post(f"/v1/realtime/calls/{name}/hangup")).status_code == 200
        await server.emptied(5)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not a session description"),
        (b"hello", "not a session description"),
        (b"\xff\xfe", "not text"),
        (b"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", "no audio"),
        (b"v=0\r\n" + b"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 30, "media sections"),
        (b"x" * 70_000, "KiB"),
    ],
)
async def test_an_offer_that_is_none_is_refused_and_leaves_nothing(body: bytes, said: str) -> None:
    async with serving() as server:
        async with httpx.AsyncClient(base_url=server.address) as client:
            response = await client.post("/v1/realtime/calls", content=body, headers={"content-type": "application/sdp"})
        assert response.status_code == 400
        assert said in response.json()["error"]["message"]
        assert not server.host.live


async def test_an_offer_that_is_not_taken_up_is_forgotten() -> None:
    async with serving(conversations=1) as server:
        caller = Caller()
        assert (await caller.offer(server.address)).status_code == 201
        await caller.pc.close()
        assert server.host.full
        await server.emptied(13)


@pytest.mark.timeout(120)
async def test_thirty_callers_one_after_another_leave_nothing_behind() -> None:
    async with serving(conversations=1) as server:
        tasks = before = 0
        for number in range(31):
            async with calling(server.address) as caller:
                caller.microphone.say(tone(0.2))
                await caller.until("input_audio_buffer.speech_started")
            await server.emptied(8)
            if number == 0:
                tasks, before = len(asyncio.all_tasks()), len(_threads())
        assert len(asyncio.all_tasks()) == tasks
        assert len(_threads()) == before


def _threads() -> list[str]:
    """Those that belong to somebody; the event loop's own pool grows to its size and stays."""
    return [thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]


async def test_a_wish_with_the_offer_is_heeded_and_a_wrong_one_told() -> None:
    async with serving() as server:
        caller = Caller()
        caller.pc.addTrack(caller.microphone)
        await caller.pc.setLocalDescription(await caller.pc.createOffer())
        sdp = caller.pc.localDescription.sdp
        async with httpx.AsyncClient(base_url=server.address) as client:
            wrong = await client.post("/v1/realtime/calls", files={"sdp": (None, sdp), "session": (None, "{")})
            assert (wrong.status_code, "not JSON" in wrong.text) == (400, True)
            wish = '{"type": "realtime", "instructions": "Be brief."}'
            right = await client.post("/v1/realtime/calls", files={"sdp": (None, sdp), "session": (None, wish)})
        await caller.pc.setRemoteDescription(RTCSessionDescription(right.text, "answer"))
        assert (await caller.until("session.updated"))["session"]["instructions"] == "Be brief."
        await caller.pc.close()
