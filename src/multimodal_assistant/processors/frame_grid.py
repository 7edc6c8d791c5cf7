"""Frame → a small grid of mean colours, and what of two such grids differs once the light is the same. Pure computation."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Box, Pixels

ROWS, COLUMNS = 36, 64
"""Of the grid. A thing of 4 % of the width covers a cell or more of it wholly, wherever it lies; of 32 x 18 cells it may cover none."""

Cells = NDArray[np.float32]
"""Mean colours, one plane each of red, green and blue from 0 to 255; shape [3, 36, 64]."""

Mask = NDArray[np.bool_]
"""Some of the cells; shape [36, 64]."""

_SAMPLES = 5  # points a side that a cell is the mean of: the noise of one point falls to a fifth
_INLIER = 24.0  # what differs more is another thing, not another light
_GAIN = (0.8, 1.25)
_OFFSET = 40.0
_WHITE = 245.0  # from here on a cell with noise in it is cut off
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_DARK = 40.0
_FLAT = 5.0


@lru_cache(maxsize=4)
def _points(height: int, width: int) -> NDArray[np.intp]:
    """Where in the flat picture the points of each band of cells are; shape [36, 25, 3 * 64]: what is added up lies side by side."""
    rows = ((np.arange(ROWS * _SAMPLES) + 0.5) * (height / (ROWS * _SAMPLES))).astype(np.intp)
    columns = ((np.arange(COLUMNS * _SAMPLES) + 0.5) * (width / (COLUMNS * _SAMPLES))).astype(np.intp)
    down = (3 * width) * rows.reshape(ROWS, _SAMPLES, 1, 1, 1)
    across = 3 * columns.reshape(COLUMNS, _SAMPLES).T[:, None, :] + np.arange(3)[:, None]
    return (down + across).reshape(ROWS, _SAMPLES**2, 3 * COLUMNS)


def cells_of(pixels: Pixels) -> Cells:
    """Any size of picture that is not empty; a picture's proportions are lost, which does not matter between frames of one source."""
    height, width, _ = pixels.shape
    points = np.ascontiguousarray(pixels).reshape(-1).take(_points(height, width))
    means = points.sum(axis=1, dtype=np.uint16) * np.float32(1.0 / _SAMPLES**2)
    return np.ascontiguousarray(means.reshape(ROWS, 3, COLUMNS).swapaxes(0, 1), np.float32)


def difference(old: Cells, new: Cells) -> Cells:
    """What `new` has more than `old` has in the same light; shape [3, 36, 64].

    Exposure and white balance shift every colour alike, things do not: one gain and one offset a plane, fitted to the cells that can
    be the same thing. Both are bounded: a lamp that goes out is a difference. Of what was or is too bright for the camera nobody knows
    how bright it is.
    """
    return np.stack([_difference(before, after) for before, after in zip(old, new, strict=True)])


def _difference(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.float32]:
    """One plane, by least squares."""
    gain, offset = _light(old.reshape(-1), new.reshape(-1))
    rest = np.minimum(new, _WHITE) - np.minimum(old * np.float32(gain) + np.float32(offset), _WHITE)
    rest[(old >= _WHITE) & (rest > 0)] = 0
    return rest


def _light(old: NDArray[np.float32], new: NDArray[np.float32]) -> tuple[float, float]:
    """Gain and offset from one to the other."""
    rise = new - old
    shift = float(np.clip(np.partition(rise, rise.size // 2)[rise.size // 2], -_OFFSET, _OFFSET))
    same = (np.abs(rise - shift) < _INLIER) & (old < _WHITE) & (new < _WHITE)
    things, rises = old[same], rise[same]
    if not len(things):
        return 1.0, shift
    middle = float(things.mean())
    apart = things - middle
    gain = float(apart @ rises) / (float(apart @ apart) + 1e3)
    gain = min(max(gain, _GAIN[0] - 1.0), _GAIN[1] - 1.0)
    return 1.0 + gain, float(rises.mean()) - gain * middle


def is_dark(cells: Cells) -> bool:
    """Whether nothing can be seen: a lid, a thumb, or a room without light. A night with a lamp in it has structure."""
    luma = np.tensordot(_LUMA, cells, 1)
    return bool(luma.mean() < _DARK and luma.std() < _FLAT)


def boxes(mask: Mask, most: int = 8) -> tuple[Box, ...]:
    """Around the cells that touch, corners included; the largest first."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    patches: list[list[tuple[int, int]]] = []
    while left:
        patch = [left.pop()]
        for row, column in patch:  # grows as it goes
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & left
            left -= near
            patch += near
        patches.append(patch)
    patches.sort(key=len, reverse=True)
    return tuple(_around(patch) for patch in patches[:most])


def _around(patch: list[tuple[int, int]]) -> Box:
    rows, columns = [row for row, _ in patch], [column for _, column in patch]
    return Box(
        min(columns) / COLUMNS,
        min(rows) / ROWS,
        (max(columns) - min(columns) + 1) / COLUMNS,
        (max(rows) - min(rows) + 1) / ROWS,
    )
