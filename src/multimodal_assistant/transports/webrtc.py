"""A conversation over WebRTC: the microphone's track in, the voice's track out, both in packets of 20 ms.

The voice's track never pauses: where nothing is said it carries silence. A browser's jitter buffer takes missing packets for
a bad network and grows (measured with Chromium 156: a target of 1.3 s instead of 0.1 s).
"""

from collections import deque
from collections.abc import AsyncGenerator, Callable
from fractions import Fraction
from typing import Any

import anyio
import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from av.audio.codeccontext import AudioCodecContext

from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Samples

from .arrivals import BLOCK_SECONDS, Arrivals
from .realtime_formats import RATE
from .resampling import StreamResampler

OPUS_RATE = 48_000
"""Samples per second that the decoder gives."""

_Packet = tuple[bytes, int]
"""Opus data, and its time stamp in samples at `RATE`."""

_TIME_BASE = Fraction(1, RATE)
_BITS_PER_SECOND = 40_000
_LEAD = 2  # packets between the conversation and the network: what is more is thrown away, or a stopped voice would go on
_STALL_SECONDS = 0.1  # after a longer one, time is not made up for
_AGAIN_MOST = 25  # packets that are said again after a pause: half a second
_LIKELY_PLAYOUT_SECONDS = 0.1  # of a browser on the same network


class WebRtcConnection:
    """See `core.connection.Connection`. play: gets what goes out, 20 ms at a time, shape [480] at 24 kHz, when it is due."""

    def __init__(self, play: Callable[[Samples], None]) -> None:
        self._play = play
        self._arrivals = Arrivals(OPUS_RATE)
        self._arrived = anyio.Event()
        self._ended = False
        self._recent: deque[Samples] = deque(maxlen=_AGAIN_MOST)
        self._lost: list[Samples] = []
        self._again: deque[Samples] = deque()
        self.playout_delay = _LIKELY_PLAYOUT_SECONDS
        """Seconds from the arrival of a sound at the client to the ear, as far as it says."""

    @property
    def output_delay(self) -> float:
        """See `core.connection.Connection`."""
        return self.playout_delay

    def hear(self, samples: Samples, stamp: int) -> None:
        """The next packet of the microphone, decoded: shape [n] at 48 kHz, the first of them number `stamp`."""
        self._arrivals.push(samples, stamp, anyio.current_time())
        self._arrived.set()

    def hold(self, held: bool) -> None:
        """The client falls silent at once, and loses what is on its way; told that the answer goes on, it hears that again.

        The moment comes before the answer fades out, so that the last that was sent is still at its full loudness.
        """
        if held:
            count = min(round(self.playout_delay / BLOCK_SECONDS), len(self._recent))
            self._lost = [*reversed([self._recent.pop() for _ in range(count)]), *self._again]
            self._again.clear()
        else:
            self._again.extend(self._lost)
            self._lost = []

    def hang_up(self) -> None:
        """The client is gone: `blocks` ends."""
        self._ended = True
        self._arrived.set()

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`."""
        resampler = StreamResampler(rate, RATE)
        count = round(BLOCK_SECONDS * rate)
        due = anyio.current_time()
        while not self._ended:
            now = anyio.current_time()
            if now >= due:
                self._play(self._next(lambda: resampler.push(pull(count))))
                due = due + BLOCK_SECONDS if now - due < _STALL_SECONDS else now + BLOCK_SECONDS
            for block in self._arrivals.blocks(now):
                yield block
            await self._something(due)

    def _next(self, further: Callable[[], Samples]) -> Samples:
        """The next 20 ms: what was lost, before anything further."""
        sound = self._again.popleft() if self._again else further()
        self._recent.append(sound)
        return sound

    async def _something(self, due: float) -> None:
        """A packet has come, or the next is to go out."""
        with anyio.CancelScope(deadline=due):
            await self._arrived.wait()
        if self._arrived.is_set():
            self._arrived = anyio.Event()


def mono(frame: av.AudioFrame) -> Samples:
    """What a decoder gives, 16 bit and interleaved, as samples of one channel, shape [n]."""
    return frame.to_ndarray().reshape(-1, len(frame.layout.channels)).mean(axis=1, dtype=np.float32) / np.float32(32768)


class VoiceTrack(MediaStreamTrack):
    """The assistant's voice, as Opus, mono."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._encoder: Any = _opus()  # PyAV's packets are generic in what they belong to, which an encoder does not know
        self._said = 0
        self._began = 0.0
        self._send: MemoryObjectSendStream[_Packet]
        self._receive: MemoryObjectReceiveStream[_Packet]
        self._send, self._receive = anyio.create_memory_object_stream[_Packet](_LEAD)

    def say(self, samples: Samples) -> None:
        """The next 20 ms, shape [480] at 24 kHz. Encoded here: a tenth of a millisecond, less than a thread would take to be woken."""
        self._keep_time(len(samples))
        frame = av.AudioFrame.from_ndarray((np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = RATE
        frame.pts = self._said
        for packet in self._encoder.encode(frame):
            try:
                self._send.send_nowait((bytes(packet), self._said))
            except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass  # nobody takes it: not connected yet, or not any more
        self._said += len(samples)

    def _keep_time(self, count: int) -> None:
        """After a stall the time stamps go on where the clock is: the player fills a hole, where it would else have been late for good."""
        now = anyio.current_time()
        self._began = self._began or now
        behind = round((now - self._began) * RATE) - self._said
        if behind > _STALL_SECONDS * RATE:
            self._said += behind // count * count

    async def recv(self) -> "av.Packet[Any]":
        """Called by the sender, for ever."""
        try:
            data, stamp = await self._receive.receive()
            packet = av.Packet(data)
            packet.pts, packet.time_base = stamp, _TIME_BASE
            return packet
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            raise MediaStreamError from None

    def stop(self) -> None:
        """Nothing more will be said."""
        super().stop()
        self._send.close()
        self._receive.close()


def _opus() -> AudioCodecContext:
    """An encoder of 20 ms packets; Opus takes 24 kHz as it is."""
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, AudioCodecContext)
    codec.bit_rate = _BITS_PER_SECOND
    codec.format = "s16"
    codec.layout = "mono"
    codec.sample_rate = RATE
    codec.time_base = _TIME_BASE
    codec.options = {"application": "voip", "frame_duration": "20"}
    return codec
