"""What there is to see: a picture that stays as it is."""

from collections.abc import Awaitable, Callable

from multimodal_assistant.core.types import Picture, Pixels
from multimodal_assistant.processors.scene import Scene, Seen

from .describe import Eyes, is_dark

Encode = Callable[[Pixels], Awaitable[Picture]]
"""Pixels → what a language model is sent."""


class StillView:
    """One picture, shown once. eyes: None where it is only for a model that sees."""

    def __init__(self, pixels: Pixels, encode: Encode, eyes: Eyes | None) -> None:
        self._pixels = pixels
        self._encode = encode
        self._eyes = eyes
        self._seen: Seen | None = None
        self._read = False
        self._picture: Picture | None = None

    @property
    def blind(self) -> str:
        """See `sight.View`."""
        return "" if self._eyes is not None or not is_dark(self._pixels) else "I cannot see anything: the picture is dark."

    @property
    def revision(self) -> int:
        """It never changes."""
        return 0

    async def fresh(self) -> None:
        """It is what it is."""

    async def picture(self) -> Picture:
        """See `sight.View`."""
        if self._picture is None:
            self._picture = await self._encode(self._pixels)
        return self._picture

    def before(self) -> None:
        """See `sight.View`: it has always been so."""
        return None

    async def seen(self, *, reading: bool) -> Seen:
        """See `sight.View`."""
        if self._eyes is None:
            return Seen()
        if self._seen is None or reading and not self._read:
            seen = await self._eyes.describe(self._pixels, reading=reading)
            self._seen, self._read = settled(seen), reading
        return self._seen


def settled(seen: Seen) -> Seen:
    """As many frames of the same picture would have it: nothing is left to wait for."""
    scene = Scene()
    for second in (0.0, 0.5):
        scene.see(seen, second)
    return scene.seen
