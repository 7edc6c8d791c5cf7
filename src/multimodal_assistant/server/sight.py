"""What a client shows: a picture that it has sent, or what its camera sees now."""

import base64
import binascii
import re

from multimodal_assistant.core.errors import UnreadablePicture
from multimodal_assistant.core.types import Glance, Picture
from multimodal_assistant.pipeline.sight import NoSight, ShownSight
from multimodal_assistant.seeing import still_view

from .camera import ClientCamera
from .vision import Vision

_URI = re.compile(r"data:(image/(?:jpeg|png|webp));base64,")
_BEGINNINGS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}


class ClientSight:
    """A `core.protocols.Sight`. camera: of a client that has a video track."""

    def __init__(self, vision: Vision, camera: ClientCamera | None = None) -> None:
        self._viewer = vision.viewer
        self._eyes = vision.eyes
        self._camera = camera
        self._live = camera or NoSight()
        self._shown: Picture | None = None
        self._still: ShownSight | None = None

    def show(self, uri: str) -> None:
        """A picture for the next answer. Raises `ValueError` for what is none."""
        self._shown, self._still = picture_of(uri), None

    def shows(self, what: str | None) -> None:
        """See `ClientCamera`."""
        if self._camera is not None:
            self._camera.shows(what)

    @property
    def live(self) -> bool:
        """See `core.protocols.Sight`."""
        return self._live.live

    async def look(self, said: str) -> Glance:
        """What the next answer is about: a picture, or what the camera sees."""
        if self._shown is None:
            return await self._live.look(said)
        if self._viewer.sees:
            return Glance(self._shown)
        try:
            if self._still is None:
                self._still = ShownSight(await still_view(self._shown, self._eyes), self._viewer)
            return await self._still.look(said)
        except UnreadablePicture as error:
            return Glance(answer=f"I cannot see the picture. {error.problem}")

    async def ahead(self) -> Picture | None:
        """See `core.protocols.Sight`."""
        if self._shown is not None:
            return self._shown if self._viewer.sees else None
        return await self._live.ahead()

    def speech_begins(self) -> None:
        """The user may speak about what is in view now."""
        if self._camera is not None:
            self._camera.speech_begins()

    def speech_ends(self) -> None:
        """Nobody speaks any more."""
        if self._camera is not None:
            self._camera.speech_ends()

    def answered(self) -> None:
        """The picture has been spoken about."""
        self._shown = self._still = None


def picture_of(uri: str) -> Picture:
    """The picture of a data URI. Raises `ValueError`, in words for a client."""
    known = _URI.match(uri)
    if known is None:
        raise ValueError("A picture is a data URI of a JPEG, PNG or WebP; nothing is fetched from elsewhere.")
    try:
        data = base64.b64decode(uri[known.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("The picture is not valid base64.") from None
    if not data.startswith(_BEGINNINGS[known[1]]):
        raise ValueError(f"The picture is no {known[1].removeprefix('image/').upper()}.")
    return Picture(data, known[1])
