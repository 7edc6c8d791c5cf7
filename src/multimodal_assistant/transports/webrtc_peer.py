"""One browser at the other end of a WebRTC connection: an offer in, an answer out, then sound and events both ways.

Built on aiortc. What is set differently from its defaults, and why: no STUN server of anybody else; packets of the microphone
are decoded as they arrive (its jitter buffer of 16 packets that waits for 4 costs 60 ms, and several hundred after a loss), and
pictures when they are whole, not when the next one begins.
"""

import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Any, Self

import anyio
from aiortc import RTCConfiguration, RTCDataChannel, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtpPacket
from av import AudioFrame

from multimodal_assistant.core.errors import UsageError

from .camera_track import CameraTrack
from .ice import IceServer
from .webrtc import VoiceTrack, WebRtcConnection, mono
from .whole_pictures import WholePictures

log = logging.getLogger(__name__)

CHANNEL = "oai-events"
"""Label of the data channel for events, as the OpenAI Realtime API has it."""

_MOST_SECTIONS = 4  # of an offer: each may cost a thread
_CONNECT_SECONDS = 10.0
_UNSENT = 256  # events for a client whose channel is not open
_UNREAD = 4096  # events of the client, which are read at a pace: many in a row have to wait
_UNREAD_BYTES = 8 << 20
_LARGEST_EVENT = 1 << 20  # bytes
_MOST_BUFFERED = 1 << 20  # bytes of events that a slow client has not taken
_SILENT_SECONDS = 6.0  # without a packet or an event of a client that sends them: it is gone
_CLOSE_SECONDS = 3.0


class BadOffer(UsageError):
    """An offer that cannot be answered."""


class Peer:
    """Use as a context manager; `gone` is set when the other side has left.

    connection: what its sound comes in by. voice: what goes out to it. camera: takes its pictures; None: they are not wanted.
    ice: who is asked for a way to it.
    """

    def __init__(
        self, connection: WebRtcConnection, voice: VoiceTrack, camera: CameraTrack | None = None, ice: Sequence[IceServer] = ()
    ) -> None:
        self.gone = anyio.Event()
        self._connection = connection
        self._voice = voice
        self._camera = camera
        self._video: MediaStreamTrack | None = None
        servers = [RTCIceServer(one.url, one.username or None, one.credential or None) for one in ice]
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._connected = anyio.Event()
        self._microphone: MediaStreamTrack | None = None
        self._channel: RTCDataChannel | None = None
        self._unsent: deque[str] = deque(maxlen=_UNSENT)  # until the channel is open; a caller may have none, and hear all the same
        self._heard_at: float | None = None
        self._inbox, self._outbox = anyio.create_memory_object_stream[str | bytes](_UNREAD)
        self._unread = 0  # bytes
        self._pc.on("connectionstatechange", self._changed)
        self._pc.on("track", self._came)
        self._pc.on("datachannel", self._opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
            await self._pc.close()
        self._voice.stop()
        self._inbox.close()
        self._outbox.close()

    async def answer(self, offer: str) -> str:
        """The SDP that answers `offer`. Raises `BadOffer`."""
        if offer.count("\nm=") > _MOST_SECTIONS:
            raise BadOffer(f"The offer has more than {_MOST_SECTIONS} media sections.", "Offer one of audio and a data channel.")
        try:
            if not offer.startswith("v="):
                raise ValueError
            await self._pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        except Exception as error:  # the parser raises whatever it stumbles over
            log.info("an offer was not understood: %s", type(error).__name__)
            raise BadOffer("The offer is not a session description (SDP) that can be answered.") from None
        audio = [transceiver for transceiver in self._pc.getTransceivers() if transceiver.kind == "audio"]
        if not audio:
            raise BadOffer("The offer has no audio.", "Add an audio track, or a transceiver that receives one.")
        video = [] if self._camera is None else [one for one in self._pc.getTransceivers() if one.kind == "video"]
        for transceiver in self._pc.getTransceivers():
            transceiver.direction = "sendrecv" if transceiver is audio[0] else "recvonly" if transceiver in video[:1] else "inactive"
        audio[0].sender.replaceTrack(self._voice)
        _buffer(audio[0].receiver, InOrder())
        for transceiver in video[:1]:
            _buffer(transceiver.receiver, WholePictures())
        try:
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except Exception as error:
            log.info("an offer could not be answered: %s", type(error).__name__)
            raise BadOffer("The offer has no codec, or no way of encryption, that this server knows.", "Offer Opus.") from None
        return self._pc.localDescription.sdp

    async def connect(self) -> bool:
        """Wait until the two have found each other; False where they do not."""
        with anyio.move_on_after(_CONNECT_SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._until_gone, tasks.cancel_scope)
                await self._connected.wait()
                tasks.cancel_scope.cancel()
        return self._connected.is_set() and not self.gone.is_set()

    async def _until_gone(self, scope: anyio.CancelScope) -> None:
        await self.gone.wait()
        scope.cancel()

    async def listen(self) -> None:
        """Hand the sound of the microphone to the connection, as long as there is any."""
        microphone: Any = self._microphone  # aiortc's track may give packets too, of a generic type; a decoder gives frames
        while microphone is not None:
            try:
                frame = await microphone.recv()
            except MediaStreamError:
                return
            if isinstance(frame, AudioFrame):
                self._heard_at = anyio.current_time()
                self._connection.hear(mono(frame), frame.pts or 0)

    async def events(self) -> AsyncGenerator[str | bytes]:
        """The client's, unparsed."""
        async for event in self._outbox:
            self._unread -= len(event)
            yield event

    async def look(self) -> None:
        """Take the pictures of the camera, as long as there are any."""
        if self._camera is not None and self._video is not None:
            await self._camera.take(self._video)

    async def watch(self) -> None:
        """Set `gone` when a client that was heard is not heard any more. Without this it takes 30 s to notice (RFC 7675)."""
        while not self.gone.is_set():
            await anyio.sleep(1.0)
            if self._heard_at is not None and anyio.current_time() - self._heard_at > _SILENT_SECONDS:
                log.info("a client has fallen silent")
                self.leave()

    def send(self, event: dict[str, Any]) -> None:
        """To the client, in order; one that does not take them is let go."""
        text = json.dumps(event, ensure_ascii=False)
        channel = self._channel
        if channel is None or channel.readyState == "connecting":
            self._unsent.append(text)
        elif channel.readyState == "open":
            channel.send(text)
            if channel.bufferedAmount > _MOST_BUFFERED:
                self.leave()

    def leave(self) -> None:
        """End it."""
        self.gone.set()
        self._connection.hang_up()

    # What aiortc tells, on the event loop

    def _changed(self) -> None:
        log.debug("peer connection: %s", self._pc.connectionState)
        if self._pc.connectionState == "connected":
            self._connected.set()
        elif self._pc.connectionState in {"failed", "closed"}:
            self.leave()

    def _came(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self._microphone is None:
            self._microphone = track
        elif track.kind == "video" and self._video is None:
            self._video = track

    def _opened(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.on("message", self._received)
        channel.on("close", self.leave)
        while self._unsent:
            channel.send(self._unsent.popleft())

    def _received(self, message: str | bytes) -> None:
        self._heard_at = anyio.current_time()
        if len(message) > _LARGEST_EVENT:
            self.leave()
            return
        try:
            if self._unread > _UNREAD_BYTES:
                raise anyio.WouldBlock
            self._inbox.send_nowait(message)
            self._unread += len(message)
        except anyio.WouldBlock:  # faster than they can be read: a flood
            log.warning("a client sent more events than can be read")
            self.leave()
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass


class InOrder:
    """Stands for aiortc's jitter buffer: a packet of audio is a frame, and is given at once unless a later one has been; `Arrivals`
    sees to the holes.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Whether a key frame is to be asked for (never), and the frame."""
        if self._last is not None and not 0 < (packet.sequence_number - self._last) % 65_536 < 32_768:
            return False, None
        self._last = packet.sequence_number
        data: bytes = vars(packet)["_data"]  # the payload without what belongs to the codec
        return False, JitterFrame(data=data, timestamp=packet.timestamp)


def _buffer(receiver: Any, buffer: InOrder | WholePictures) -> None:
    """aiortc has no setting for its buffer; this is the name that it keeps it under."""
    assert hasattr(receiver, "_RTCRtpReceiver__jitter_buffer")
    receiver._RTCRtpReceiver__jitter_buffer = buffer
