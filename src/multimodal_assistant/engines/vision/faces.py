"""Picture → faces in it, whosever they are, by BlazeFace of short range (Apache-2.0; Bazarevsky et al. 2019, arXiv:1907.05047)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details, Pixels, Sighting
from multimodal_assistant.core.worker import Worker

from .boxes import Boxes, boxed, once_each
from .litert import LiteModel
from .pictures import padded

_SAME_FACE = 0.3
"""Two boxes that overlap more are one face (MediaPipe, modules/face_detection/face_detection.pbtxt)."""

_COORDINATES = 16
"""Of a face: middle, size, and six points of it that nobody asks for here."""


class FaceDetector:
    """`model` is MediaPipe's face_detector.tflite. A face has to fill an eighth of the picture's longer side: two metres from a webcam."""

    def __init__(self, *, model: Path, least: float = 0.7, name: str = "blazeface", threads: int = 1) -> None:
        """least: what is less probable is not told. Below 0.7 a dahlia (.61) and a croissant (.51) are faces."""
        self._path = model
        self._least = least
        self._name = name
        self._threads = threads
        self._model: LiteModel | None = None
        self._anchors = anchors()
        self._worker = Worker("detect-faces")

    @property
    def details(self) -> Details:
        return {"engine": "blazeface", "model": self._name, "threads": str(self._threads)}

    async def warm(self) -> None:
        await self.detect(np.zeros((128, 128, 3), np.uint8))

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._model = None

    async def detect(self, pixels: Pixels) -> list[Sighting]:
        """See `core.protocols.ObjectDetector`: every label is "face". Raises `UnreadablePicture` for pixels that are none."""
        return await self._worker.call(lambda: self._detect(pixels))

    def _detect(self, pixels: Pixels) -> list[Sighting]:
        model = self._load()
        square, (left, top, width, height) = padded(pixels, model.side, 0, centred=True)
        outputs = model.run(square.astype(np.float32) / 127.5 - 1.0)
        scores = 1.0 / (1.0 + np.exp(-np.clip(outputs[1][:, 0], -80.0, 80.0)))
        likely = np.flatnonzero(scores >= self._least)
        likely = likely[np.argsort(-scores[likely], kind="stable")]
        boxes = decoded(outputs[_COORDINATES][likely], self._anchors[likely], model.side)
        boxes = (boxes - np.array([left, top, left, top])) / np.array([width, height, width, height])
        kept = once_each(boxes, np.zeros(len(boxes), np.intp), same_kind=_SAME_FACE)
        found = [(float(scores[likely[row]]), boxed(boxes[row])) for row in kept]
        return [Sighting("face", score, box) for score, box in found if box is not None]

    def _load(self) -> LiteModel:
        if self._model is None:
            model = LiteModel(self._path, threads=self._threads)
            shapes = {length: values.shape for length, values in model.run(np.zeros((model.side, model.side, 3), np.float32)).items()}
            if shapes != {1: (len(self._anchors), 1), _COORDINATES: (len(self._anchors), _COORDINATES)}:
                raise EngineFailed(f"{self._path.name} is not BlazeFace of short range: its outputs are {sorted(shapes.values())}.")
            self._model = model
        return self._model


def anchors() -> NDArray[np.float64]:
    """Middles of the cells that the model looks from, x and y in fractions of the square: two on 16 × 16, six on 8 × 8; shape [896, 2].

    Those of MediaPipe's modules/face_detection/face_detection_short_range.pbtxt: strides 8, 16, 16, 16 of 128, two anchors each.
    """
    levels: list[NDArray[np.float64]] = []
    for count, repeats in ((16, 2), (8, 6)):
        middles = (np.arange(count) + 0.5) / count
        x, y = np.meshgrid(middles, middles)
        levels.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), repeats, axis=0))
    return np.concatenate(levels)


def decoded(raw: NDArray[np.float32], places: NDArray[np.float64], side: int) -> Boxes:
    """Raw outputs, in pixels of the square and from their anchors, → boxes as left, top, right, bottom."""
    middle = raw[:, :2] / side + places
    half = raw[:, 2:4] / side / 2
    return np.concatenate([middle - half, middle + half], axis=1)
