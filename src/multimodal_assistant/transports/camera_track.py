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

from .pacing import Pace

_LONG_SIDE = 1280  # pixels: what is larger is made smaller before anybody looks


class CameraTrack:
    """What one caller shows. A `core.protocols.VideoSource`."""

    name = "the camera"

    def __init__(self, *, rate: float = 1.0) -> None:
        self._newest: tuple[av.VideoFrame, float] | None = None
        self._pace = Pace(rate)

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
                return
            if isinstance(frame, av.VideoFrame):
                self._newest = (frame, anyio.current_time())

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        """What is new, for ever: a caller may show something later. See `core.protocols.VideoSource`."""
        last = anyio.current_time()
        while True:
            newest, self._newest = self._newest, None
            if newest is not None:
                frame, at = newest
                yield VideoFrame(await anyio.to_thread.run_sync(pixels_of, frame), at)
            last = await self._pace.next(last)


def pixels_of(frame: av.VideoFrame) -> Pixels:
    """The frame, at most 1280 pixels on its long side."""
    scale = min(1.0, _LONG_SIDE / max(frame.width, frame.height))
    width, height = (max(round(side * scale), 1) for side in (frame.width, frame.height))
    return np.ascontiguousarray(frame.reformat(width=width, height=height, format="rgb24").to_ndarray(), dtype=np.uint8)
