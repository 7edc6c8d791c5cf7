"""A picture → what the recognizers make of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    faces: ObjectDetector | None = None
    """Finds somebody of whom only the face is in view, which a detector of things often misses."""

    async def warm(self) -> None:
        """Load what every picture needs; the reader of writing is loaded when somebody wants to know."""
        await self.detector.warm()
        await self.classifier.warm()
        if self.faces is not None:
            await self.faces.warm()

    async def aclose(self) -> None:
        """Free the models. Safe to call twice."""
        for engine in (self.detector, self.classifier, self.reader, self.faces):
            if engine is not None:
                await engine.aclose()

    async def describe(self, pixels: Pixels, *, reading: bool = False) -> Seen:
        """Name what is there. reading: the writing too, which takes a second or more."""
        if is_dark(pixels):
            return Seen(dark=True)
        sightings = await self.detector.detect(pixels)  # one after the other: both would take the cores that an answer needs
        if self.faces is not None and not any(one.label == "person" for one in sightings):
            sightings += [replace(face, label="person") for face in await self.faces.detect(pixels)]
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
