"""A picture → what the recognizers make of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from multimodal_assistant.core.protocols import ImageClassifier, ObjectDetector, TextReader
from multimodal_assistant.core.types import Pixels, Sighting
from multimodal_assistant.processors.colours import colour_of
from multimodal_assistant.processors.frame_grid import cells_of
from multimodal_assistant.processors.frame_grid import is_dark as cells_dark
from multimodal_assistant.processors.scene import Seen


@dataclass(frozen=True, slots=True)
class Eyes:
    """The engines that recognize what is in a picture."""

    detector: ObjectDetector
    classifier: ImageClassifier
    reader: TextReader

    async def warm(self) -> None:
        """Load what every picture needs; the reader of writing is loaded when somebody wants to know."""
        await self.detector.warm()
        await self.classifier.warm()

    async def aclose(self) -> None:
        """Free the models. Safe to call twice."""
        for engine in (self.detector, self.classifier, self.reader):
            await engine.aclose()

    async def describe(self, pixels: Pixels, *, reading: bool = False) -> Seen:
        """Name what is there. reading: the writing too, which takes a second or more."""
        if is_dark(pixels):
            return Seen(dark=True)
        sightings = await self.detector.detect(pixels)  # one after the other: both would take the cores that an answer needs
        guesses = await self.classifier.classify(pixels)
        lines = await self.reader.read(pixels) if reading else []
        return Seen(tuple(sightings), tuple(guesses), tuple(lines), _colours(pixels, sightings))


def _colours(pixels: Pixels, sightings: Sequence[Sighting]) -> dict[str, str]:
    surest = {one.label: one.box for one in reversed(sightings)}
    named = {label: colour_of(pixels, box) for label, box in surest.items()} | {"": colour_of(pixels)}
    return {label: colour for label, colour in named.items() if colour}


def is_dark(pixels: Pixels) -> bool:
    """Whether there is nothing but darkness."""
    return cells_dark(cells_of(pixels))
