"""A caller over WebRTC, by aiortc: plays what it is told to, keeps what it hears, and can lose packets."""

import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import anyio
import av
import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports import webrtc_peer as webrtc_peer  # it makes the loopback address a candidate

RATE = 48_000
PACKET = RATE // 50


class Microphone(MediaStreamTrack):
    """Twenty milliseconds at a time, in real time; silence where nothing is to be said."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._to_say: deque[Samples] = deque()
        self._said = anyio.Event()
        self._sent = 0
        self._due = 0.0

    def say(self, samples: Samples) -> None:
        """At 48 kHz, shape [n]."""
        padded = np.concatenate([samples, np.zeros(-len(samples) % PACKET, np.float32)])
        self._to_say.extend(padded.reshape(-1, PACKET))

    async def say_all(self, samples: Samples) -> None:
        """The same, to its end and a packet of silence further."""
        self._said = anyio.Event()
        self.say(samples)
        await self._said.wait()

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        self._due = max(self._due + 0.02, anyio.current_time() - 0.1)
        await anyio.sleep_until(self._due)
        if not self._to_say:
            self._said.set()
        samples = self._to_say.popleft() if self._to_say else np.zeros(PACKET, np.float32)
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = RATE
        frame.pts, frame.time_base = self._sent, Fraction(1, RATE)
        self._sent += PACKET
        return frame


class Caller:
    """See `calling`."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.microphone = Microphone()
        self.events: list[dict[str, Any]] = []
        self.heard: list[Samples] = []
        """Packets, at 48 kHz."""
        self._news = anyio.Event()
        self.channel: RTCDataChannel = self.pc.createDataChannel("oai-events")
        self.channel.on("message", self._told)
        self.pc.on("track", self._came)
        self._voice: MediaStreamTrack | None = None

    def _told(self, message: str) -> None:
        self.events.append(json.loads(message))
        self._news.set()

    def _came(self, track: MediaStreamTrack) -> None:
        self._voice = track

    def send(self, **event: Any) -> None:
        self.channel.send(json.dumps(event))

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.heard) if self.heard else np.zeros(0, np.float32)

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    async def until(self, kind: str, *, since: int = 0, seconds: float = 15.0) -> dict[str, Any]:
        """The first event of that kind, of those after the first `since`."""
        with anyio.fail_after(seconds):
            while True:
                for event in self.events[since:]:
                    if event["type"] == kind:
                        return event
                self._news = anyio.Event()
                await self._news.wait()

    async def listen(self) -> None:
        voice: Any = self._voice
        while voice is not None:
            try:
                frame = await voice.recv()
            except MediaStreamError:
                return
            self.heard.append(frame.to_ndarray().reshape(-1, 2).mean(axis=1, dtype=np.float32) / np.float32(32768))

    async def offer(
        self, address: str, *, key: str = "none", camera: MediaStreamTrack | None = None, session: str | None = None
    ) -> httpx.Response:
        """Call; the answer to the request, not yet used. session: wishes for it, JSON."""
        self.pc.addTrack(self.microphone)
        if camera is not None:
            self.pc.addTrack(camera)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        headers, sdp = {"authorization": f"Bearer {key}"}, self.pc.localDescription.sdp
        async with httpx.AsyncClient(headers=headers, timeout=10) as client:
            place = f"{address}/v1/realtime/calls"
            if session is not None:
                return await client.post(place, files={"sdp": (None, sdp), "session": (None, session)})
            return await client.post(place, content=sdp, headers={"content-type": "application/sdp"})


@asynccontextmanager
async def calling(
    address: str, *, key: str = "none", camera: MediaStreamTrack | None = None, lossy: Callable[[int], bool] | None = None
) -> AsyncGenerator[Caller]:
    """Inside, the call is up. lossy: whether the caller's packet of that number is lost."""
    caller = Caller()
    try:
        response = await caller.offer(address, key=key, camera=camera)
        assert response.status_code == 201, response.text
        await caller.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
        if lossy is not None:
            _lose(caller.pc, lossy)
        await caller.until("session.created")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller.listen)
            yield caller
            tasks.cancel_scope.cancel()
    finally:
        await caller.pc.close()


def _lose(pc: RTCPeerConnection, lossy: Callable[[int], bool]) -> None:
    """Drop packets of sound on their way out; there is no network between the two that could."""
    transport: Any = pc.getSenders()[0].transport
    send = transport._send_rtp
    sent = 0

    async def maybe(data: bytes) -> None:
        nonlocal sent
        sent += 1
        if not lossy(sent):
            await send(data)

    transport._send_rtp = maybe
