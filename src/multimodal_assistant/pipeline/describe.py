"""A picture → what the recognizers make of it."""

from dataclasses import dataclass

import numpy as np

from multimodal_assistant.core.protocols import ImageClassifier, ObjectDetector, TextReader
from multimodal_assistant.core.types import Pixels
from multimodal_assistant.processors.scene import Seen

_DARK = 20.0
"""Of 255: the brightest of all but one in a hundred pixels is not brighter where a hand covers the lens."""
_SAMPLED = 16  # of so many pixels in each direction, one is looked at


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
        return Seen(tuple(sightings), tuple(guesses), tuple(lines))


def is_dark(pixels: Pixels) -> bool:
    """Whether there is nothing but darkness."""
    return float(np.percentile(pixels[::_SAMPLED, ::_SAMPLED].max(axis=2), 99)) <= _DARK
