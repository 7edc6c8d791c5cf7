"""A caller's video track → the picture that is in view now.

Every frame is taken from the track, or they would pile up behind it; what is not the newest is thrown away. Twice a second the
newest becomes a JPEG, on a thread, so that an answer finds one ready.
"""

from fractions import Fraction
from typing import Any

import anyio
import anyio.to_thread
import av
from aiortc.mediastreams import MediaStreamError

from multimodal_assistant.core.types import Picture

_EVERY_SECONDS = 0.5
_STALE_SECONDS = 5.0
_LONG_SIDE = 768  # pixels: about what a vision model looks at (Gemma 3: 896)
_QUALITY = 5  # of MPEG's quantizer, 2 is best


class CameraTrack:
    """What one caller shows."""

    def __init__(self) -> None:
        self._newest: av.VideoFrame | None = None
        self._picture: Picture | None = None
        self._taken_at = 0.0

    def look(self) -> Picture | None:
        """What is in view; None where nothing has come for five seconds."""
        return self._picture if anyio.current_time() - self._taken_at < _STALE_SECONDS else None

    async def watch(self, track: Any) -> None:
        """Take the frames of `track` (aiortc's) until it ends."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._develop, name="pictures")
            while True:
                try:
                    frame = await track.recv()
                except MediaStreamError:
                    tasks.cancel_scope.cancel()
                    return
                if isinstance(frame, av.VideoFrame):
                    self._newest = frame

    async def _develop(self) -> None:
        while True:
            frame, self._newest = self._newest, None
            if frame is not None:
                taken_at = anyio.current_time()
                data = await anyio.to_thread.run_sync(jpeg, frame)
                self._picture, self._taken_at = Picture(data, "image/jpeg"), taken_at
            await anyio.sleep(_EVERY_SECONDS)


def jpeg(frame: av.VideoFrame) -> bytes:
    """The frame, at most 768 pixels on its long side."""
    scale = min(1.0, _LONG_SIDE / max(frame.width, frame.height))
    width, height = (max(round(side * scale) // 2 * 2, 2) for side in (frame.width, frame.height))
    small = frame.reformat(width=width, height=height, format="yuvj420p")
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1, 1)
    encoder.options = {"qmin": str(_QUALITY), "qmax": str(_QUALITY)}
    small.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])
