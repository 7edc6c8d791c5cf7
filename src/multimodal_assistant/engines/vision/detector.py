"""Picture → things in it, by EfficientDet-Lite0 on COCO's 80 kinds (int8, Apache-2.0; Tan, Pang and Le 2020, arXiv:1911.09070)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details, Pixels, Sighting
from multimodal_assistant.core.worker import Worker

from .boxes import Boxes, boxed, once_each, overlaps
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


_FARTHER = 1.3
"""How much farther away the third look is."""
_SAME = 0.4
"""Overlap of two boxes that hold one thing, seen from two sides."""

Part = tuple[float, float, float, float]
"""Of the square that a picture fills: left, top, width and height, in fractions."""


class EfficientDetDetector:
    """`model` is the file that MediaPipe publishes as object_detector.tflite: raw outputs, labels inside.

    Picture of any size, shrunk whole into a square, and looked at three times: as it is, in a mirror, and from farther away. A thing is as
    probable as the least sure of the three looks has it: a fluke of one of them (a pencil that is an airplane, .66) is not told. Of 37
    photographs, 21 then have something named rightly and 8 something wrongly; after one look, at the best threshold for 21, it is 13.
    Things smaller than about a twentieth of the longer side are not seen.
    """

    def __init__(self, *, model: Path, least: float = 0.35, name: str = "efficientdet-lite0", threads: int = 1) -> None:
        """least: what is less probable is not told."""
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
        looks = [self._look(model, square, part) for square, part in views(pixels, model.side)]
        looks[1] = looks[1].mirrored()
        first, *others = looks
        found: list[Sighting] = []
        for row, kind in enumerate(first.kinds):
            label, box = self._labels[int(kind)], boxed(first.boxes[row])
            sure = min([float(first.scores[row]), *(other.best(first.boxes[row], int(kind)) for other in others)])
            if sure >= self._least and label != _NOTHING and box is not None:
                found.append(Sighting(label, sure, box))
        return sorted(found, key=lambda one: -one.probability)

    def _look(self, model: LiteModel, square: Pixels, part: "Part") -> "_Look":
        """What one view shows, each thing once, in fractions of the picture."""
        outputs = model.run(square)
        scores, raw = outputs[len(self._labels)], outputs[4]
        likely = np.flatnonzero(scores.max(axis=1) >= self._least)
        likely = likely[np.argsort(-scores[likely].max(axis=1), kind="stable")][:_MOST_CANDIDATES]
        left, top, width, height = part
        boxes = (decoded(raw[likely], self._anchors[likely]) - np.array([left, top, left, top])) / np.array([width, height, width, height])
        kinds = scores[likely].argmax(axis=1)
        kept = once_each(boxes, kinds)[:_MOST]
        return _Look(boxes[kept], kinds[kept], scores[likely[kept], kinds[kept]])

    def _load(self) -> LiteModel:
        if self._model is None:
            model, labels = LiteModel(self._path, threads=self._threads), labels_in(self._path)
            shapes = {length: values.shape for length, values in model.run(np.zeros((model.side, model.side, 3), np.uint8)).items()}
            if shapes != {4: self._anchors.shape, len(labels): (len(self._anchors), len(labels))}:
                raise EngineFailed(f"{self._path.name} is not EfficientDet-Lite0: its outputs are {sorted(shapes.values())}.")
            self._model, self._labels = model, labels
        return self._model


@dataclass(frozen=True, slots=True)
class _Look:
    """What one view shows."""

    boxes: Boxes
    kinds: NDArray[np.intp]
    """Index of the label; shape [n]."""
    scores: NDArray[np.float32]

    def mirrored(self) -> "_Look":
        """As it stands in the picture, where the view was in a mirror."""
        return _Look(
            np.stack([1 - self.boxes[:, 2], self.boxes[:, 1], 1 - self.boxes[:, 0], self.boxes[:, 3]], axis=1), self.kinds, self.scores
        )

    def best(self, box: NDArray[np.float64], kind: int) -> float:
        """Probability of a thing of that kind in that place; 0 where there is none."""
        same = self.scores[(self.kinds == kind) & (overlaps(box, self.boxes) > _SAME)]
        return float(same.max()) if len(same) else 0.0


def views(pixels: Pixels, side: int) -> list[tuple[Pixels, Part]]:
    """The squares that are looked at: the picture at the upper left, as the model was trained (google/automl, efficientdet/dataloader.py;
    squeezed, the cup of a photograph of 3 × 2 falls from .75 to .45), mirrored in its place, and smaller, with grey around it.
    """
    square, part = padded(pixels, side, _GREY)
    mirrored, columns = square.copy(), round(part[2] * side)
    mirrored[:, :columns] = square[:, :columns][:, ::-1]
    inner = round(side / _FARTHER)
    small, (_, _, width, height) = padded(pixels, inner, _GREY)
    edge = (side - inner) // 2
    farther = np.full_like(square, _GREY)
    farther[edge : edge + inner, edge : edge + inner] = small
    share = inner / side
    return [(square, part), (mirrored, part), (farther, (edge / side, edge / side, width * share, height * share))]


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
