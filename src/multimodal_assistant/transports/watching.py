"""A source of frames that may be lost and found → one stream of frames, the newest of which is always there."""

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from multimodal_assistant.core.errors import DeviceError, UnreadablePicture
from multimodal_assistant.core.protocols import VideoSource
from multimodal_assistant.core.types import VideoFrame

log = logging.getLogger(__name__)

FIRST_WAIT = 1.0
"""Seconds before a source that was lost is looked for."""

LONGEST_WAIT = 30.0
"""Seconds between two looks, at most."""


def waits(first: float = FIRST_WAIT, longest: float = LONGEST_WAIT) -> Iterator[float]:
    """How long to wait before one try and the next: twice as long each time."""
    wait = first
    while True:
        yield min(wait, longest)
        wait = min(2 * wait, longest)


class Outbox:
    """A stream of one frame: a newer one takes the place of one that nobody has read."""

    def __init__(self) -> None:
        self._send, self.receive = anyio.create_memory_object_stream[VideoFrame](1)
        self._drop = self.receive.clone()

    def put(self, frame: VideoFrame) -> None:
        try:
            self._send.send_nowait(frame)
        except anyio.WouldBlock:
            self._drop.receive_nowait()
            self._send.send_nowait(frame)

    def end(self) -> None:
        """Nothing more comes. Safe to call twice."""
        self._drop.close()
        self._send.close()


class Watch:
    """Keeps a source open for as long as it runs. `notice` is told in a sentence when it goes and when it is back."""

    def __init__(self, source: VideoSource, notice: Callable[[str], None], *, first: float = FIRST_WAIT, longest: float = LONGEST_WAIT):
        self._source = source
        self._notice = notice
        self._first = first
        self._longest = longest
        self._lost = False
        self.there = False
        """Whether frames come."""

    async def run(self, put: Callable[[VideoFrame], None]) -> None:
        """Until the source ends by itself, or is damaged."""
        again = waits(self._first, self._longest)
        while True:
            begun = anyio.current_time()
            try:
                await self._take(put)
            except UnreadablePicture as error:
                self._notice(str(error))
                return
            except DeviceError as error:
                self._tell_lost(error)
            else:
                return
            finally:
                self.there = False
            # One that comes and goes all the time is not looked for faster and faster.
            if anyio.current_time() - begun > self._longest:
                again = waits(self._first, self._longest)
            await anyio.sleep(next(again))

    async def _take(self, put: Callable[[VideoFrame], None]) -> None:
        async with aclosing(self._source.frames()) as frames:
            async for frame in frames:
                self.there = True
                if self._lost:
                    self._lost = False
                    name = self._source.name
                    self._notice(f"{name[:1].upper()}{name[1:]} is there again.")
                put(frame)

    def _tell_lost(self, error: DeviceError) -> None:
        if self._lost:
            log.debug("not back yet: %s", error)
            return
        self._lost = True
        self._notice(f"{error} Until it is there, nothing can be seen.")


@asynccontextmanager
async def watching(
    source: VideoSource, notice: Callable[[str], None], *, first: float = FIRST_WAIT, longest: float = LONGEST_WAIT
) -> AsyncGenerator[MemoryObjectReceiveStream[VideoFrame]]:
    """The frames of `source`, until it ends or the block does; whoever reads too slowly gets the newest only.

    A device that is not there, or goes, is looked for after `first` seconds, then ever less often, up to every `longest`.
    """
    outbox = Outbox()
    watch = Watch(source, notice, first=first, longest=longest)

    async def run() -> None:
        try:
            await watch.run(outbox.put)
        finally:
            outbox.end()

    async with outbox.receive as frames, anyio.create_task_group() as tasks:
        try:
            tasks.start_soon(run, name=f"watching {source.name}")
            yield frames
        finally:
            tasks.cancel_scope.cancel()
            outbox.end()
