"""Frames as they come → those of the last half minute, for a question about what was in view a moment ago."""

from collections import deque

from multimodal_assistant.core.types import VideoFrame

SECONDS = 30.0
"""How far back."""

BYTES = 64_000_000
"""Of pixels, at most: 23 frames of 1280 x 720."""


class FrameRing:
    """Bounded in time and in memory; the newest frame is there whatever its size and age."""

    def __init__(self, *, seconds: float = SECONDS, most_bytes: int = BYTES) -> None:
        self._seconds = seconds
        self._most = most_bytes
        self._frames: deque[VideoFrame] = deque()
        self._bytes = 0

    @property
    def seconds(self) -> float:
        """How far back it goes."""
        return self._seconds

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: VideoFrame) -> None:
        """The next frame. One that is older than the newest begins a new recording: nothing before it is kept."""
        if self._frames and frame.at < self._frames[-1].at:
            self.clear()
        self._frames.append(frame)
        self._bytes += frame.pixels.nbytes
        while len(self._frames) > 1 and (self._bytes > self._most or self._frames[0].at < frame.at - self._seconds):
            self._bytes -= self._frames.popleft().pixels.nbytes

    def clear(self) -> None:
        """Forget all."""
        self._frames.clear()
        self._bytes = 0

    @property
    def newest(self) -> VideoFrame | None:
        return self._frames[-1] if self._frames else None

    def at(self, moment: float) -> VideoFrame | None:
        """What was in view at `moment`: the last frame that is not younger; None where that is no longer known."""
        return next((frame for frame in reversed(self._frames) if frame.at <= moment), None)

    def since(self, moment: float) -> list[VideoFrame]:
        """Those that are younger, the oldest first."""
        return [frame for frame in self._frames if frame.at > moment]
