"""Overlapping boxes → each thing once."""

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Box

Boxes = NDArray[np.float64]
"""One a row: left, top, right, bottom, in fractions of the picture; shape [n, 4]."""

SAME_KIND = 0.5
"""Two boxes of one kind that overlap more are one thing."""

ANY_KIND = 0.85
"""Two boxes that overlap more are one thing that goes by two names: the likelier is kept."""


def overlaps(box: NDArray[np.float64], others: Boxes) -> NDArray[np.float64]:
    """Intersection over union of one box with each of the others; shape [n]."""
    inner = np.maximum(0.0, np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return inner / np.maximum(areas - inner, 1e-12)


def once_each(boxes: Boxes, kinds: NDArray[np.intp], *, same_kind: float = SAME_KIND) -> list[int]:
    """Rows that are kept of boxes in falling probability (greedy non-maximum suppression)."""
    kept: list[int] = []
    left = np.ones(len(boxes), bool)
    for row in range(len(boxes)):
        if left[row]:
            kept.append(row)
            shares = overlaps(boxes[row], boxes)
            left &= ~((shares > ANY_KIND) | ((shares > same_kind) & (kinds == kinds[row])))
    return kept


def boxed(row: NDArray[np.float64]) -> Box | None:
    """What of a box lies in the picture; None where nothing does."""
    left, top, right, bottom = (float(min(1.0, max(0.0, value))) for value in row)
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None
