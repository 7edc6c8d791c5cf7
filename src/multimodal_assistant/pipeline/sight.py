"""What is in view, and the words of a question → what its answer is given to see."""

from dataclasses import dataclass, replace
from typing import Protocol

from multimodal_assistant.core.types import Glance, Picture
from multimodal_assistant.processors.scene import Seen, in_words
from multimodal_assistant.processors.visual_answer import answered
from multimodal_assistant.processors.visual_intent import Bearing, bearing, looks_back, wants_reading


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

    async def fresh(self) -> None:
        """Wait until what was in view when the user began to speak has been taken, for a moment at most."""
        ...

    async def picture(self) -> Picture:
        """The same bytes as long as the view is the same: a server may know them still."""
        ...

    async def seen(self, *, reading: bool) -> Seen:
        """What is recognized in it. reading: with the writing that is in view."""
        ...

    def before(self) -> "View | None":
        """What it showed before the present view, as far as that was a moment ago."""
        ...


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who gets to see it: a language model."""

    sees: bool = False
    """It takes pictures."""
    small: bool = False
    """It gets told, and yet makes things up; what can be answered without it is."""

    async def read(self, view: View, said: str) -> Glance:
        """What this one is given, where words are about the view."""
        if self.sees:
            return Glance(await view.picture())
        seen = await view.seen(reading=wants_reading(said))
        return Glance(words=in_words(seen), answer=answered(said, seen) if self.small else "")


class NoSight:
    """Nobody has opened a camera or shown a picture.

    blind: the sentence that says so, where words are surely about what is in view.
    """

    def __init__(self, blind: str = "I cannot see anything: no camera is on, and no picture is shown.") -> None:
        self._blind = blind

    @property
    def live(self) -> bool:
        """See `core.protocols.Sight`."""
        return False

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        return Glance(answer=self._blind) if bearing(said) is Bearing.SURELY else Glance()

    async def ahead(self) -> Picture | None:
        """Nothing."""
        return None


class LiveSight:
    """A view that goes on, and is looked at where words need it; a model that sees gets it too when there is something new to see."""

    def __init__(self, view: View, viewer: Viewer) -> None:
        self._view = view
        self._viewer = viewer
        self._shown = -1

    @property
    def live(self) -> bool:
        """See `core.protocols.Sight`: also while the camera shows nothing, or what is declared to the model would come and go."""
        return self._viewer.sees

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        needs = max(bearing(said), Bearing.PERHAPS if looks_back(said) else Bearing.NONE)
        if self._view.blind:
            return Glance(answer=self._view.blind) if needs is Bearing.SURELY else Glance()
        if needs is Bearing.NONE and not (self._viewer.sees and self._shown != self._view.revision):
            return Glance()
        if looks_back(said) and (before := self._view.before()) is not None:
            return _past(await self._viewer.read(before, said))
        self._shown = self._view.revision
        return await self._viewer.read(self._view, said)

    async def ahead(self) -> Picture | None:
        """See `core.protocols.Sight`."""
        if not self._viewer.sees:
            return None
        await self._view.fresh()
        return None if self._view.blind else await self._view.picture()


class ShownSight:
    """A picture that is shown with the words, whatever they are."""

    def __init__(self, view: View, viewer: Viewer) -> None:
        self._view = view
        self._viewer = viewer

    @property
    def live(self) -> bool:
        """See `core.protocols.Sight`: there is nothing more to see."""
        return False

    async def look(self, said: str) -> Glance:
        """See `core.protocols.Sight`."""
        if self._view.blind:
            return Glance(answer=self._view.blind)
        return await self._viewer.read(self._view, said)

    async def ahead(self) -> Picture | None:
        """See `core.protocols.Sight`."""
        return await self._view.picture() if self._viewer.sees and not self._view.blind else None


def _past(glance: Glance) -> Glance:
    """As it is told of something that is gone."""
    words = f"A moment ago: {glance.words}" if glance.words else ""
    return replace(glance, words=words, answer=glance.answer.replace("I see", "I saw"))
