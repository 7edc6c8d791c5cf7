"""Microphone and loudspeaker of this machine as one connection, which outlives them: what is unplugged is waited for."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import AudioChunk, Samples

from .capture import Capture
from .duplex import Open, Stream
from .echo import FRAME, EchoCanceller
from .handover import Handover, Troubles
from .level import LevelMeter
from .playback import Playback

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.5
_DEAD_SECONDS = 3.0  # without a block a stream is gone, also where nobody says so (Core Audio); a Bluetooth headset takes 1 to 2 s to start
_FRAME_SECONDS = FRAME / SPEECH_RATE


class _Line:
    """One open stream with what belongs to it."""

    def __init__(self, stream: Stream, handover: Handover, canceller: EchoCanceller | None) -> None:
        self.stream = stream
        self.handover = handover
        self.capture = Capture(stream.rate, canceller)
        self.playback: Playback | None = None

    def top_up(self, pull: Pull, voice: int) -> None:
        """Keep enough ahead of the loudspeaker."""
        if self.playback is None:
            self.playback = Playback(voice, self.stream.rate, self.handover)
        self.playback.top_up(pull)


class LocalConnection:
    """A conversation through this machine's own devices; made by `local_connection`."""

    def __init__(self, open_stream: Open, *, cancels_echo: bool, notice: Callable[[str], None]) -> None:
        self._open_stream = open_stream
        self._cancels_echo = cancels_echo
        self._notice = notice
        self._line: _Line | None = None
        self._lost = anyio.Event()
        self._awake = anyio.Event()
        self._ended = False
        self._position = 0
        self._due = 0.0  # when the next frame of silence is, on the event loop's clock; 0 while there are devices
        self.muted = False
        """Silence goes in instead of the microphone."""
        self.level = LevelMeter(SPEECH_RATE)
        """Of what goes in."""
        self.troubles = Troubles()

    @property
    def output_delay(self) -> float:
        """See `core.connection.Connection`."""
        line = self._line
        if line is None or line.playback is None:
            return 0.0
        return line.playback.delay + line.stream.latency[1]

    @property
    def devices(self) -> str:
        """What is open, for a person to read; empty while there is nothing."""
        stream = None if self._line is None else self._line.stream
        return f"microphone {stream.microphone.name!r}, speaker {stream.speaker.name!r}" if stream else ""

    def hang_up(self) -> None:
        """End the conversation: `blocks` ends."""
        self._ended = True
        self._awake.set()

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`. While a device is away silence comes in, and what was to be played waits for it."""
        if self._line is not None:
            self._line.handover.forget()
        try:
            while not self._ended:
                line = self._line
                if line is None:
                    await self._pass_a_frame()
                    yield self._chunk(np.zeros(FRAME, np.float32))
                    continue
                taken = line.handover.take()
                if taken is None:
                    await self._wait_for_block(line)
                    continue
                line.top_up(pull, rate)
                for frame in line.capture.hear(*taken):
                    yield self._chunk(frame)
        finally:
            if self._line is not None:
                self._line.handover.leave()

    def _chunk(self, frame: Samples) -> AudioChunk:
        if self.muted:
            frame = np.zeros_like(frame)
        self.level.hear(frame)
        chunk = AudioChunk(frame, SPEECH_RATE, self._position)
        self._position = chunk.end
        return chunk

    async def _pass_a_frame(self) -> None:
        """Without a device the event loop's clock counts the time; without drift, as every frame has its own deadline."""
        self._due = (self._due or anyio.current_time()) + _FRAME_SECONDS
        await anyio.sleep_until(self._due)

    async def _wait_for_block(self, line: _Line) -> None:
        self._due = 0.0
        self._awake = anyio.Event()
        with anyio.move_on_after(_DEAD_SECONDS) as scope:
            await self._awake.wait()
        # A loop that was busy for so long finds the blocks there: it is the loop that was late, not the device.
        if scope.cancelled_caught and not line.handover.pending and line is self._line:
            self._lost.set()

    # The devices

    async def open(self) -> None:
        """Open the devices for the first time; raises `DeviceError`."""
        self._line = await self._opened()

    async def keep_open(self) -> None:
        """For as long as the conversation lasts: when the devices go, say so, and open them again when they are back."""
        while True:
            await self._lost.wait()
            self._notice("The microphone or the speaker is gone. The conversation waits for it; plug it in again, or quit with q.")
            await self._close()
            while self._line is None:
                await anyio.sleep(_RETRY_SECONDS)
                try:
                    self._line = await self._opened()
                except DeviceError as error:
                    log.debug("not back yet: %s", error)
            self._notice(f"Sound is back: {self.devices}.")

    async def close(self) -> None:
        """Let go of the devices."""
        self._ended = True
        await self._close()

    async def _opened(self) -> _Line:
        loop = asyncio.get_running_loop()
        lost = self._lost = anyio.Event()  # of this stream: the one before reports its own end a second time when it is closed
        handover = Handover(lambda: _tell(loop, self._wake), self.troubles)
        stream = await anyio.to_thread.run_sync(self._open_stream, handover.exchange, lambda: _tell(loop, lost.set))
        canceller = EchoCanceller(sum(stream.latency)) if self._cancels_echo else None
        return _Line(stream, handover, canceller)

    def _wake(self) -> None:
        self._awake.set()

    async def _close(self) -> None:
        line, self._line = self._line, None
        self._awake.set()
        if line is not None:
            await anyio.to_thread.run_sync(line.stream.close)


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    """Have `what` called on the loop, from another thread, without waiting."""
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:  # the loop has ended a moment before the stream
        log.debug("a block came after the end")


@asynccontextmanager
async def local_connection(
    open_stream: Open, *, cancels_echo: bool = True, notice: Callable[[str], None]
) -> AsyncGenerator[LocalConnection]:
    """The devices, open until the end of the block. `notice` is told in a sentence when they go and when they are back.

    Raises `DeviceError` when they cannot be opened to begin with.
    """
    connection = LocalConnection(open_stream, cancels_echo=cancels_echo, notice=notice)
    try:
        await connection.open()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.keep_open, name="devices")
            yield connection
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await connection.close()
