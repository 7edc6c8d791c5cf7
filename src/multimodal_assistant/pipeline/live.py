"""Frames of a camera, a screen or a video → what is in view now, known before anybody asks."""

import logging
from collections.abc import AsyncIterable, Callable

import anyio

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import VideoSource
from multimodal_assistant.core.types import Box, Picture, VideoFrame
from multimodal_assistant.processors.frame_gate import FrameGate
from multimodal_assistant.processors.frame_ring import FrameRing
from multimodal_assistant.processors.scene import Scene, Seen

from .describe import Eyes
from .views import Encode, StillView

log = logging.getLogger(__name__)

STALE = 5.0
"""Seconds after which a frame is no longer what is in view."""


IDLE_RATE = 1.0
"""Frames a second, while nobody speaks."""
SPEECH_RATE = 3.0
"""While the user does, who may hold something up meanwhile."""
MOMENT = 0.5
"""Seconds that a frame is waited for."""


Keep = Callable[[VideoFrame, Seen, tuple[Box, ...]], None]
"""Takes a frame, what was recognized in it, and where it differs from the one before; returns at once."""


class LiveView:
    """eyes: None where it is only for a model that sees. `source` is made to show more while the user speaks.

    keep: is handed each frame that was worth looking at, once it is plain what is in it.
    """

    def __init__(self, source: VideoSource, encode: Encode, eyes: Eyes | None, keep: Keep | None = None) -> None:
        self._source = source
        self._encode = encode
        self._eyes = eyes
        self._keep = keep
        self.revision = 0
        """See `sight.View`."""
        self.forget()

    def forget(self) -> None:
        """Nothing of it is in view any more, or something else from now on."""
        self._new: tuple[Box, ...] | None = None
        self._gate = FrameGate()
        self._scene = Scene()
        self._ring = FrameRing()
        self._frame: VideoFrame | None = None
        self._kept: VideoFrame | None = None
        self._described: VideoFrame | None = None
        self._read: int | None = None
        self._picture: tuple[int, Picture] | None = None
        self._dark = False
        self._waiting = anyio.Event()
        """For the next frame."""
        self.revision += 1

    async def watch(self, frames: AsyncIterable[VideoFrame], *, busy: Callable[[], bool] = lambda: False) -> None:
        """Look at what the source shows until it ends; then there is nothing to see.

        busy: whether an answer is being made, which needs the machine. What comes into view meanwhile is recognized after that, or when
        somebody asks.
        """
        self._source.rate = IDLE_RATE
        async for frame in frames:
            if self._take(frame) and not busy():
                try:
                    await self._describe()
                except AssistantError as error:
                    log.warning("a frame was not recognized: %s", error)
            self._hand_over(frame)
        self._frame = None

    def speech_begins(self) -> None:
        """The frame that comes next may be what somebody speaks about."""
        self._gate.speech()
        self._waiting = anyio.Event()
        self._source.rate = SPEECH_RATE

    def speech_ends(self) -> None:
        """Nobody speaks any more."""
        self._source.rate = IDLE_RATE

    def _take(self, frame: VideoFrame) -> bool:
        """Whether there is something to recognize in it."""
        self._frame = frame
        verdict = self._gate.look(frame)
        self._dark = verdict.dark
        self._waiting.set()
        if verdict.kept:
            self._new = verdict.changed
        if verdict.kept and (verdict.change > 0 or self._kept is None):  # what shows the same is the same: a server may know its bytes
            self._kept = frame
            self._ring.add(frame)
            self.revision += 1
            if verdict.reason == "new scene":
                self._scene.clear()
        return self._behind or self._scene.unsure

    @property
    def _behind(self) -> bool:
        """What was kept last has not been recognized yet."""
        return self._kept is not None and (self._described is None or self._described.at < self._kept.at)

    @property
    def blind(self) -> str:
        """See `sight.View`."""
        if self._frame is None:
            return f"I cannot see anything: {self._source.name} shows nothing."
        age = anyio.current_time() - self._frame.at
        if age > STALE:
            return f"I cannot see anything: {self._source.name} has shown nothing for {age:.0f} seconds."
        return f"I cannot see anything: {self._source.name} shows only darkness." if self._dark else ""

    async def fresh(self, moment: float = MOMENT) -> None:
        """See `sight.View`. moment: seconds."""
        with anyio.move_on_after(moment):
            await self._waiting.wait()

    async def picture(self) -> Picture:
        """See `sight.View`."""
        frame, revision = self._kept or self._frame, self.revision
        if frame is None:
            raise RuntimeError("there is nothing to see")
        if self._picture is None or self._picture[0] != revision:
            self._picture = (revision, await self._encode(frame.pixels))
        return self._picture[1]

    def before(self) -> StillView | None:
        """See `sight.View`."""
        since = anyio.current_time() - self._ring.seconds
        earlier = [one for one in self._ring.since(since) if self._kept is not None and one.at < self._kept.at]
        return StillView(earlier[-1].pixels, self._encode, self._eyes) if earlier else None

    async def seen(self, *, reading: bool) -> Seen:
        """See `sight.View`."""
        if self._behind:
            await self._describe()
        if reading and self._read != self.revision and self._frame is not None and self._eyes is not None:
            self._read = self.revision
            self._scene.read(await self._eyes.reader.read(self._frame.pixels))
        return self._scene.seen

    def _hand_over(self, frame: VideoFrame) -> None:
        """What is in view is kept, unless another look at it may tell more; now and then again, so that it is known to be there still."""
        if self._keep is None or self._new is None or self._behind or self._scene.unsure:
            return
        if not self._dark:
            self._keep(frame, self._scene.seen, self._new)
        self._new = None

    async def _describe(self) -> None:
        frame = self._frame
        if frame is not None and self._eyes is not None:
            self._scene.see(await self._eyes.describe(frame.pixels), frame.at)
        self._described = frame
