"""Picture → things in it, by EfficientDet-Lite0 on COCO's 80 kinds (int8, Apache-2.0; Tan, Pang and Le 2020, arXiv:1911.09070)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details, Pixels, Sighting
from multimodal_assistant.core.worker import Worker

from .boxes import Boxes, boxed, once_each
from .litert import LiteModel, labels_in
from .pictures import padded

_CELLS = (40, 20, 10, 5, 3)
"""Rows and columns of the feature maps of levels 3 to 7 for a picture of 320 × 320."""

_GREY = 127
"""What the model takes for zero: the zero point of its input."""

_MOST = 100
_MOST_CANDIDATES = 400
_NOTHING = "???"
"""A label of nothing: COCO left out ten of its 90 numbers."""


class EfficientDetDetector:
    """`model` is the file that MediaPipe publishes as object_detector.tflite: raw outputs, labels inside.

    Picture of any size, shrunk whole into a square. Things smaller than about a twentieth of its longer side are not seen.
    """

    def __init__(self, *, model: Path, least: float = 0.4, name: str = "efficientdet-lite0", threads: int = 1) -> None:
        """least: what is less probable is not told. Below 0.4 false sightings are common (a bottle beside the astronaut, .32)."""
        self._path = model
        self._least = least
        self._name = name
        self._threads = threads
        self._model: LiteModel | None = None
        self._labels: list[str] = []
        self._anchors = anchors()
        self._worker = Worker("detect")

    @property
    def details(self) -> Details:
        return {"engine": "efficientdet", "model": self._name, "quantization": "int8", "threads": str(self._threads)}

    async def warm(self) -> None:
        await self.detect(np.zeros((320, 320, 3), np.uint8))

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._model = None

    async def detect(self, pixels: Pixels) -> list[Sighting]:
        """See `core.protocols.ObjectDetector`. Raises `UnreadablePicture` for pixels that are none."""
        return await self._worker.call(lambda: self._detect(pixels))

    def _detect(self, pixels: Pixels) -> list[Sighting]:
        model = self._load()
        # Shrunk and not squeezed, at the upper left, as it was trained (google/automl, efficientdet/dataloader.py). Squeezed, the cup of a
        # photograph of 3 × 2 falls from .75 to .45.
        square, (_, _, width, height) = padded(pixels, model.side, _GREY)
        outputs = model.run(square)
        scores, raw = outputs[len(self._labels)], outputs[4]
        likely = np.flatnonzero(scores.max(axis=1) >= self._least)
        likely = likely[np.argsort(-scores[likely].max(axis=1), kind="stable")][:_MOST_CANDIDATES]
        boxes = decoded(raw[likely], self._anchors[likely]) / np.array([width, height, width, height])
        kinds = scores[likely].argmax(axis=1)
        found: list[Sighting] = []
        for row in once_each(boxes, kinds)[:_MOST]:
            label, box = self._labels[int(kinds[row])], boxed(boxes[row])
            if label != _NOTHING and box is not None:
                found.append(Sighting(label, float(scores[likely[row], kinds[row]]), box))
        return found

    def _load(self) -> LiteModel:
        if self._model is None:
            model, labels = LiteModel(self._path, threads=self._threads), labels_in(self._path)
            shapes = {length: values.shape for length, values in model.run(np.zeros((model.side, model.side, 3), np.uint8)).items()}
            if shapes != {4: self._anchors.shape, len(labels): (len(self._anchors), len(labels))}:
                raise EngineFailed(f"{self._path.name} is not EfficientDet-Lite0: its outputs are {sorted(shapes.values())}.")
            self._model, self._labels = model, labels
        return self._model


def anchors(cells: Sequence[int] = _CELLS) -> NDArray[np.float64]:
    """Where the model expects boxes, one a row: middle x and y, width, height, in fractions of the square; shape [19206, 4] by default.

    Three cells wide, at three sizes within an octave and three shapes, on every cell of every level (google/automl,
    efficientdet/tf2/anchors.py, `anchor_scale` 3 of the lite models). The same numbers stand in the metadata of the model file,
    equal to 2e-7.
    """
    levels: list[NDArray[np.float64]] = []
    for count in cells:
        middles = (np.arange(count) + 0.5) / count
        sizes = 3.0 / count * 2.0 ** (np.arange(3) / 3)
        shapes = [(size * ratio**0.5, size / ratio**0.5) for size in sizes for ratio in (1.0, 2.0, 0.5)]
        level = np.empty((count, count, len(shapes), 4))
        level[..., 0] = middles[None, :, None]
        level[..., 1] = middles[:, None, None]
        level[..., 2:] = shapes
        levels.append(level.reshape(-1, 4))
    return np.concatenate(levels)


def decoded(raw: NDArray[np.float32], places: NDArray[np.float64]) -> Boxes:
    """Raw outputs at their anchors → boxes as left, top, right, bottom.

    y, x, height, width in units of the anchor, sizes as logarithms (MediaPipe, calculators/tensor/tensors_to_detections_calculator.cc,
    with the options that the file's own metadata gives: all scales 1, exponential sizes, scores that need no sigmoid).
    """
    middle = raw[:, 1::-1] * places[:, 2:] + places[:, :2]
    half = np.exp(np.minimum(raw[:, :1:-1], 10.0)) * places[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)
