"""A caller's video track → frames: what is in view now, as often as somebody wants to look.

Every frame is taken from the track, or they would pile up behind it; what is not the newest is thrown away undecoded to pixels.
"""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import anyio.to_thread
import av
import numpy as np
from aiortc.mediastreams import MediaStreamError

from multimodal_assistant.core.types import Pixels, VideoFrame

from .changeover import Changeover
from .pacing import Pace

LONG_SIDE = 1280
"""Pixels: what is larger is made smaller before anybody looks."""


class CameraTrack:
    """What one caller shows. A `core.protocols.VideoSource`."""

    def __init__(self, *, rate: float = 1.0) -> None:
        self.name = "the camera"
        """What it is, for people."""
        self.open = False
        """Something is shown, or about to be."""
        self._away = False
        self._long_side = LONG_SIDE
        self._newest: tuple[av.VideoFrame, float] | None = None
        self._came = anyio.Event()
        self._pace = Pace(rate)
        self._changeover = Changeover()
        self._shown = 0
        self._pause = anyio.CancelScope()

    def show(self, name: str, long_side: int = LONG_SIDE) -> None:
        """Another thing is shown from now on, and kept no larger than that."""
        self.put_away()
        self.name, self._long_side = name, long_side
        self.open, self._away = True, False
        self._shown += 1
        self._pause.cancel()

    def put_away(self) -> None:
        """Nothing is shown any more; what was is still on its way for a moment."""
        if self.open:
            self._changeover.over(anyio.current_time())
        self.open, self._away, self._newest = False, True, None

    @property
    def rate(self) -> float:
        """Frames a second; may be changed at any time."""
        return self._pace.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._pace.rate = rate

    async def take(self, track: Any) -> None:
        """Take the frames of `track` (aiortc's) until it ends."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                self.put_away()
                return
            now = anyio.current_time()
            late = frame.time is not None and self._changeover.late(frame.time, now)
            if isinstance(frame, av.VideoFrame) and not late and not self._away:
                self.open = True
                self._newest = (frame, now)
                self._came.set()

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        """What is new, for ever: a caller may show something later. See `core.protocols.VideoSource`."""
        last = anyio.current_time()
        while True:
            await self._came.wait()
            self._came = anyio.Event()
            newest, self._newest = self._newest, None
            if newest is None:
                continue
            shown, (frame, at) = self._shown, newest
            pixels = await anyio.to_thread.run_sync(pixels_of, frame, self._long_side)
            if shown == self._shown and self.open:
                yield VideoFrame(pixels, at)
            if shown == self._shown:  # the first picture of another thing is not kept waiting
                with anyio.CancelScope() as self._pause:
                    last = await self._pace.next(last)


def pixels_of(frame: av.VideoFrame, long_side: int = LONG_SIDE) -> Pixels:
    """The frame, with no side longer than that."""
    scale = min(1.0, long_side / max(frame.width, frame.height))
    width, height = (max(round(side * scale), 1) for side in (frame.width, frame.height))
    return np.ascontiguousarray(frame.reformat(width=width, height=height, format="rgb24").to_ndarray(), dtype=np.uint8)
