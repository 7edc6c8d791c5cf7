"""Many callers in one process: python -m benchmarks.web.callers KIND ADDRESS COUNT SECONDS [LOSS]. Prints one line of JSON.

They send what was encoded beforehand and decode nothing, so that one core holds many of them. Kinds: webrtc and websocket are ours,
fastrtc and pipecat take the offers of those. LOSS: of the packets, in both directions, from 0 to 1.
"""

import base64
import json
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

import anyio
import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.client import connect

from benchmarks.crowd import SPEECH_SECONDS, turn_of_sound
from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.transports import webrtc_peer as webrtc_peer  # it makes the loopback address a candidate
from multimodal_assistant.transports.resampling import StreamResampler

from .packets import LATE_SECONDS, Arrivals

PACKET_SECONDS = 0.02
_OPUS, _PCM = 48_000, 24_000
_SPEECH_PACKETS = round(SPEECH_SECONDS / PACKET_SECONDS)
_LOUD_BYTES = 60  # silence takes 3 or 42, by the mode that the encoder is in
_STAGGER_SECONDS = 0.05  # between two calls: people do not come all at once


@dataclass(frozen=True, slots=True)
class Found:
    """What the callers met with."""

    callers: int
    connected: int
    packets: int
    late: int
    """More than `LATE_SECONDS` after they were due."""
    lateness_p99: float
    lateness_max: float
    """Seconds."""
    answers: int
    """Ours alone: answers that were finished."""
    waits: list[float]
    """Seconds from the last packet of speech that a caller sent to the first packet of an answer, by WebRTC."""


@dataclass(slots=True)
class Caller:
    """One of them."""

    arrivals: list[Arrivals] = field(default_factory=list[Arrivals])
    connected: bool = False
    answers: int = 0
    spoke_at: float | None = None
    """When its last packet of speech went out; None: answered since."""
    waits: list[float] = field(default_factory=list[float])


class Recording(MediaStreamTrack):
    """A turn of speech and the silence for its answer, again and again, as packets of Opus."""

    kind = "audio"

    def __init__(self, packets: Sequence[bytes], phase: float, caller: Caller) -> None:
        super().__init__()
        self._packets = packets
        self._caller = caller
        self._at = round(phase * len(packets))
        self._sent = 0
        self._due = 0.0

    async def recv(self) -> Any:
        """Called by the sender."""
        now = anyio.current_time()
        self._due = max(self._due + PACKET_SECONDS, now - 0.2) if self._due else now
        await anyio.sleep_until(self._due)
        place = (self._at + self._sent) % len(self._packets)
        if place == _SPEECH_PACKETS:
            self._caller.spoke_at = anyio.current_time()
        packet = av.Packet(self._packets[place])
        packet.pts, packet.time_base = self._sent * 960, Fraction(1, _OPUS)
        self._sent += 1
        return packet


def _encoded() -> list[bytes]:
    sound = StreamResampler(SPEECH_RATE, _OPUS).push(turn_of_sound())
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.format, encoder.layout, encoder.sample_rate, encoder.bit_rate = "s16", "mono", _OPUS, 40_000
    encoder.time_base = Fraction(1, _OPUS)
    packets: list[bytes] = []
    for index in range(len(sound) // 960):
        block = (sound[index * 960 : (index + 1) * 960] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block[None], "s16", "mono")
        frame.sample_rate, frame.pts = _OPUS, index * 960
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


async def _by_track(kind: str, address: str, caller: Caller, track: MediaStreamTrack, seconds: float, loss: float) -> None:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = pc.createDataChannel("oai-events")

    def told(message: str) -> None:
        caller.answers += '"response.done"' in message and '"completed"' in message

    channel.on("message", told)
    try:
        pc.addTrack(track)
        await pc.setLocalDescription(await pc.createOffer())
        answer = await _answer(kind, address, pc.localDescription.sdp)
        caller.arrivals.append(Arrivals())
        _note_arrivals(pc.getReceivers()[0], caller, loss)
        if loss:
            _lose(pc.getSenders()[0].transport, loss)
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await anyio.sleep(seconds)
        caller.connected = pc.connectionState == "connected"
    finally:
        with anyio.move_on_after(3, shield=True):
            await pc.close()


async def _answer(kind: str, address: str, offer: str) -> str:
    async with httpx.AsyncClient(timeout=20) as client:
        if kind == "webrtc":
            response = await client.post(f"{address}/v1/realtime/calls", content=offer, headers={"content-type": "application/sdp"})
            return response.raise_for_status().text
        path = {"fastrtc": "/webrtc/offer", "pipecat": "/api/offer"}[kind]
        body = {"sdp": offer, "type": "offer", "webrtc_id": os.urandom(8).hex()}
        return (await client.post(f"{address}{path}", json=body)).raise_for_status().json()["sdp"]


def _note_arrivals(receiver: Any, caller: Caller, loss: float) -> None:
    """Note packets of sound as they come, and do not decode them: silence takes few bytes."""
    chance = random.Random(1)

    async def note(packet: Any, arrival_time_ms: int) -> None:
        if chance.random() < loss:
            return
        now = anyio.current_time()
        caller.arrivals[0].add(now, packet.timestamp / _OPUS)
        if caller.spoke_at is not None and len(packet.payload) > _LOUD_BYTES:
            caller.waits.append(now - caller.spoke_at)
            caller.spoke_at = None

    receiver._handle_rtp_packet = note


def _lose(transport: Any, loss: float) -> None:
    """Drop packets on their way out; there is no network between the two that could."""
    chance, send = random.Random(2), transport._send_rtp

    async def maybe(data: bytes) -> None:
        if chance.random() >= loss:
            await send(data)

    transport._send_rtp = maybe


async def _by_socket(address: str, caller: Caller, sound: Sequence[str], phase: float, seconds: float) -> None:
    at = round(phase * len(sound))
    async with connect(address.replace("http", "ws") + "/v1/realtime", open_timeout=20) as socket:
        caller.connected = True

        async def hear() -> None:
            said = 0
            async for received in socket:
                now, message = anyio.current_time(), str(received)
                if '"response.output_audio.delta"' in message[:60]:
                    caller.arrivals[-1].add(now, said / _PCM)
                    said += len(base64.b64decode(json.loads(message)["delta"])) // 2
                elif '"response.created"' in message[:60]:
                    caller.arrivals.append(Arrivals())
                    said = 0
                elif '"response.done"' in message[:60]:
                    caller.answers += '"completed"' in message

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hear)
            begin = anyio.current_time()
            for index in range(round(seconds / PACKET_SECONDS)):
                await anyio.sleep_until(begin + index * PACKET_SECONDS)
                await socket.send(sound[(at + index) % len(sound)])
            tasks.cancel_scope.cancel()


def _events() -> list[str]:
    sound = StreamResampler(SPEECH_RATE, _PCM).push(turn_of_sound())
    blocks = (sound * 32767).astype("<i2")[: len(sound) // 480 * 480].reshape(-1, 480)
    return [json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(block.tobytes()).decode()}) for block in blocks]


async def call(kind: str, address: str, count: int, seconds: float, loss: float = 0.0) -> Found:
    """All of them at once."""
    callers = [Caller() for _ in range(count)]
    events, packets = (_events(), []) if kind == "websocket" else ([], _encoded())
    async with anyio.create_task_group() as tasks:
        for index, caller in enumerate(callers):
            if kind == "websocket":
                tasks.start_soon(_by_socket, address, caller, events, index / count, seconds)
            else:
                tasks.start_soon(_by_track, kind, address, caller, Recording(packets, index / count, caller), seconds, loss)
            await anyio.sleep(_STAGGER_SECONDS)
    streams = [stream for caller in callers for stream in caller.arrivals]
    measured = Arrivals.lateness_of_answer if kind == "websocket" else Arrivals.lateness_of_track
    lateness = np.asarray([late for stream in streams for late in measured(stream)] or [0.0])
    return Found(
        callers=len(callers),
        connected=sum(caller.connected for caller in callers),
        packets=len(lateness),
        late=int(np.sum(lateness > LATE_SECONDS)),
        lateness_p99=float(np.percentile(lateness, 99)),
        lateness_max=float(np.max(lateness)),
        answers=sum(caller.answers for caller in callers),
        waits=[wait for caller in callers for wait in caller.waits],
    )


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    _, wanted, where, many, long, *lost = sys.argv
    print(json.dumps(asdict(anyio.run(call, wanted, where, int(many), float(long), float(lost[0]) if lost else 0.0))))
