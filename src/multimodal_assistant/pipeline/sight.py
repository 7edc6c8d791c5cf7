"""What is in view, and the words of a question → what its answer is given to see."""

from typing import Protocol

from multimodal_assistant.core.types import Glance, Picture
from multimodal_assistant.processors.visual_intent import Bearing, bearing, wants_reading


class View(Protocol):
    """What a camera, a screen or a picture shows now."""

    @property
    def blind(self) -> str:
        """Why nothing can be seen, in a sentence that can be said; "" where something can."""
        ...

    @property
    def revision(self) -> int:
        """Another number as soon as there is something else to see."""
        ...

    async def picture(self) -> Picture:
        """The same bytes as long as the view is the same: a server may know them still."""
        ...

    async def words(self, *, reading: bool) -> str:
        """In words. reading: with the writing that is in view."""
        ...


class NoSight:
    """Nobody has opened a camera or shown a picture.

    blind: the sentence that says so, where words are surely about what is in view.
    """

    def __init__(self, blind: str = "I cannot see anything: no camera is on, and no picture is shown.") -> None:
        self._blind = blind

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        return Glance(blind=self._blind) if bearing(said) is Bearing.SURELY else Glance()


class LiveSight:
    """A view that goes on, and is looked at where words need it.

    sees: the language model takes pictures. Such a model gets one too when there is something new to see.
    """

    def __init__(self, view: View, *, sees: bool) -> None:
        self._view = view
        self._sees = sees
        self._shown = -1

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        needs = bearing(said)
        if self._view.blind:
            return Glance(blind=self._view.blind) if needs is Bearing.SURELY else Glance()
        if self._sees:
            if needs is Bearing.NONE and self._shown == self._view.revision:
                return Glance()
            self._shown = self._view.revision
            return Glance(await self._view.picture())
        if needs is Bearing.NONE:
            return Glance()
        return Glance(words=await self._view.words(reading=wants_reading(said)))


class ShownSight:
    """A picture that is shown with the words, whatever they are."""

    def __init__(self, view: View, *, sees: bool) -> None:
        self._view = view
        self._sees = sees

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        if self._sees:
            return Glance(await self._view.picture())
        return Glance(words=await self._view.words(reading=wants_reading(said)))
