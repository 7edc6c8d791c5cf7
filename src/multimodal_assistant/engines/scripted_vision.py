"""Eyes without a model: deterministic, with delays and failures on demand (see `scripted`)."""

import re
import zlib
from collections.abc import Sequence
from typing import Generic, TypeVar

import anyio
import numpy as np

from multimodal_assistant.core.types import Box, Guess, Pixels, Sighting, Vectors, WrittenLine

from .scripted import Script, Scripted

T = TypeVar("T")

SOMEBODY = Sighting("person", 0.9, Box(0.25, 0.25, 0.5, 0.75))


class _Viewer(Scripted, Generic[T]):
    """Sees the next of `scenes` in every picture, whatever it shows; the last one again and again."""

    def __init__(self, scenes: Sequence[Sequence[T]], script: Script | None) -> None:
        super().__init__(script or Script())
        self._scenes = list(scenes)

    async def _view(self, pixels: Pixels) -> list[T]:
        scene = self._scenes[min(len(self.ledger.requests), len(self._scenes) - 1)]
        self.ledger.requests.append(f"{pixels.shape[1]}x{pixels.shape[0]}")
        try:
            await self._wait(0)
        except anyio.get_cancelled_exc_class():
            self.ledger.cancelled += 1
            raise
        self.ledger.completed += 1
        return list(scene)


class ScriptedDetector(_Viewer[Sighting]):
    """Things, picture after picture."""

    kind = "detect"

    def __init__(self, *, scenes: Sequence[Sequence[Sighting]] = ((SOMEBODY,),), script: Script | None = None) -> None:
        super().__init__(scenes, script)

    async def detect(self, pixels: Pixels) -> list[Sighting]:
        return await self._view(pixels)


class ScriptedClassifier(_Viewer[Guess]):
    """Labels, picture after picture."""

    kind = "classify"

    def __init__(self, *, scenes: Sequence[Sequence[Guess]] = ((Guess("desk", 0.8),),), script: Script | None = None) -> None:
        super().__init__(scenes, script)

    async def classify(self, pixels: Pixels) -> list[Guess]:
        return await self._view(pixels)


class ScriptedReader(_Viewer[WrittenLine]):
    """Writing, picture after picture."""

    kind = "read"

    def __init__(self, *, scenes: Sequence[Sequence[WrittenLine]] = ((),), script: Script | None = None) -> None:
        super().__init__(scenes, script)

    async def read(self, pixels: Pixels) -> list[WrittenLine]:
        return await self._view(pixels)


COLOURS = {
    "red": (255, 0, 0),
    "orange": (255, 128, 0),
    "yellow": (255, 255, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "purple": (128, 0, 255),
    "pink": (255, 128, 192),
    "brown": (128, 64, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}


class ScriptedImageEncoder(Scripted):
    """Pictures are near the colours that texts name: the space is the mean colour. A text without a colour is near nothing."""

    kind = "image"

    def __init__(self, *, script: Script | None = None) -> None:
        super().__init__(script or Script())

    async def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        self.ledger.requests += [f"{pixels.shape[1]}x{pixels.shape[0]}" for pixels in pictures]
        await self._wait(0)
        self.ledger.completed += 1
        return _unit([_of_colour(pixels.mean(axis=(0, 1))) for pixels in pictures])

    async def encode_texts(self, texts: Sequence[str]) -> Vectors:
        self.ledger.requests += texts
        await self._wait(0)
        self.ledger.completed += 1
        return _unit([_of_text(text) for text in texts])


_DIMENSIONS = 16


def _of_colour(colour: Sequence[float] | Vectors) -> Vectors:
    """Its distance from a middle grey in the first three places; a little of a fourth, so that grey has a direction too."""
    row = np.zeros(_DIMENSIONS, np.float32)
    row[:3] = np.asarray(colour, np.float32) / 127.5 - 1.0
    row[3] = 0.1
    return row


def _of_text(text: str) -> Vectors:
    named = [COLOURS[word] for word in re.findall(r"\w+", text.lower()) if word in COLOURS]
    if named:
        return _of_colour(np.mean(named, axis=0))
    row = np.zeros(_DIMENSIONS, np.float32)
    row[4:] = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(_DIMENSIONS - 4)
    return row


def _unit(rows: Sequence[Vectors]) -> Vectors:
    matrix = np.array(rows, np.float32).reshape(len(rows), _DIMENSIONS)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
