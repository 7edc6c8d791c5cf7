"""What a caller's video track shows, a camera, a screen or a picture → what an answer is given to see of it."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from multimodal_assistant.core.types import Box, Glance, Picture, Pixels, VideoFrame
from multimodal_assistant.pipeline.live import MOMENT, Keep
from multimodal_assistant.pipeline.sight import LiveSight, NoSight
from multimodal_assistant.processors.scene import Seen
from multimodal_assistant.seeing import encoded, live_view
from multimodal_assistant.transports.camera_track import CameraTrack
from multimodal_assistant.transports.pictures import LONG_SIDE
from multimodal_assistant.visual_memory import Views

from .vision import Vision

_OPENING = 2.0  # seconds from the word that something is shown to the first picture of it, at most


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    kept: int
    """Pixels of the long side, for the recognizers."""
    sent: int
    """And for a model that sees."""


_KINDS = {
    "camera": _Kind("the camera", 1280, LONG_SIDE),
    "picture": _Kind("the picture", 1280, LONG_SIDE),
    "screen": _Kind("the screen", 1600, 1600),  # its writing is small
}


class ClientCamera:
    """A `core.protocols.Sight`, of one caller; `track` takes its pictures. user: whose memory keeps what is seen, if one does."""

    def __init__(self, vision: Vision, user: str = "") -> None:
        self.track = CameraTrack()
        self._shows: str | None = None
        self._kind = _KINDS["camera"]
        self._since = -_OPENING
        keep = None if vision.views is None else self._keep_in(vision.views, user)
        self._view = live_view(self.track, vision.viewer, vision.eyes, self._encoded, keep)
        self._sight = LiveSight(self._view, vision.viewer)

    def shows(self, what: str | None) -> None:
        """The caller says what it shows from now on: a kind, or "nothing". None: it does not say; then what comes is a camera's."""
        if what == self._shows:
            return
        self._shows, self._since = what, anyio.current_time()
        self._view.forget()
        if what == "nothing":
            self.track.put_away()
            return
        self._kind = _KINDS[what or "camera"]
        self.track.show(self._kind.name, self._kind.kept)

    async def watch(self, busy: Callable[[], bool]) -> None:
        """Look at it for ever. busy: see `LiveView.watch`."""
        async with aclosing(self.track.frames()) as frames:
            await self._view.watch(frames, busy=busy)

    @property
    def live(self) -> bool:
        """See `core.protocols.Sight`."""
        return self.track.open and self._sight.live

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        if not self.track.open:
            return await NoSight().look(said)
        await self._view.fresh(max(MOMENT, self._since + _OPENING - anyio.current_time()))
        return await self._sight.look(said)

    async def ahead(self) -> Picture | None:
        """See `core.protocols.Sight`."""
        return await self._sight.ahead() if self.track.open else None

    def speech_begins(self) -> None:
        """The user may speak about what is in view now."""
        self._view.speech_begins()

    def speech_ends(self) -> None:
        """Nobody speaks any more."""
        self._view.speech_ends()

    def _keep_in(self, views: Views, user: str) -> Keep:
        """By the name of what is shown at that time: a screen is not remembered as what the camera saw."""

        def keep(frame: VideoFrame, seen: Seen, changed: tuple[Box, ...]) -> None:
            views.keep(self.track.name, user)(frame, seen, changed)

        return keep

    async def _encoded(self, pixels: Pixels) -> Picture:
        return await encoded(pixels, self._kind.sent)
