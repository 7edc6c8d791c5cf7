"""What a client shows: a picture that it has sent, or what its camera sees now."""

import base64
import binascii
import re
from collections.abc import Callable

from multimodal_assistant.core.types import Picture

_URI = re.compile(r"data:(image/(?:jpeg|png|webp));base64,")
_BEGINNINGS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}


class Sight:
    """camera: what it sees, if there is one."""

    def __init__(self, camera: Callable[[], Picture | None] = lambda: None) -> None:
        self._camera = camera
        self._shown: Picture | None = None

    def show(self, uri: str) -> None:
        """A picture for the next answer. Raises `ValueError` for what is none."""
        self._shown = picture_of(uri)

    def look(self) -> Picture | None:
        """What the next answer is about."""
        return self._shown or self._camera()

    def answered(self) -> None:
        """The picture has been spoken about."""
        self._shown = None


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
