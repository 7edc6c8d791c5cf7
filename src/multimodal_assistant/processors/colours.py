"""Pixels → the name of their colour, one of the eleven that English has plain words for (Berlin and Kay, 1969). Pure."""

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Box, Pixels

_NAMES = ("black", "grey", "white", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
_HUES = (
    (15.0, "red"),
    (42.0, "orange"),
    (70.0, "yellow"),
    (165.0, "green"),
    (255.0, "blue"),
    (290.0, "purple"),
    (338.0, "pink"),
    (360.0, "red"),
)
"""Degrees up to which a hue goes by a name."""
_CLEAR = 0.45
"""Share of the pixels that makes a colour the colour of a thing."""
_SECOND = 0.2
_INNER = 0.6  # of a box in each direction: its edges are mostly what is behind the thing
_SAMPLES = 64  # pixels in each direction, at most


def colour_of(pixels: Pixels, box: Box | None = None) -> str:
    """What colour the thing in the box is, or what is in the middle: "red", "black and white"; "" where no colour stands out."""
    part = _inner(pixels, box or Box(0.2, 0.2, 0.6, 0.6))
    names = _named(np.asarray(part.reshape(-1, 3) / 255, np.float32))
    shares = np.bincount(names, minlength=len(_NAMES)) / max(len(names), 1)
    order = np.argsort(-shares, kind="stable")
    first, second = int(order[0]), int(order[1])
    if shares[first] >= _CLEAR and shares[second] < _SECOND:
        return _NAMES[first]
    return f"{_NAMES[first]} and {_NAMES[second]}" if shares[first] + shares[second] >= 1.5 * _CLEAR else ""


def _inner(pixels: Pixels, box: Box) -> Pixels:
    height, width = pixels.shape[:2]
    edge = (1 - _INNER) / 2
    top, left = int((box.top + edge * box.height) * height), int((box.left + edge * box.width) * width)
    bottom, right = top + max(int(_INNER * box.height * height), 1), left + max(int(_INNER * box.width * width), 1)
    part = pixels[top:bottom, left:right]
    return part[:: max(part.shape[0] // _SAMPLES, 1), :: max(part.shape[1] // _SAMPLES, 1)]


def _named(rgb: NDArray[np.float32]) -> NDArray[np.intp]:
    """Index into the names for each colour; shape [n, 3] in [0, 1] → [n]."""
    high, low = rgb.max(axis=1), rgb.min(axis=1)
    spread = high - low
    saturation = spread / np.maximum(high, 1e-6)
    hue = _hue(rgb, high, np.maximum(spread, 1e-6))
    names = np.zeros(len(rgb), np.intp)
    for limit, name in reversed(_HUES):
        names[hue <= limit] = _NAMES.index(name)
    warm = (hue <= 50) | (hue >= 345)
    names[warm & (high < 0.6) & (hue > 10) & (hue < 50)] = _NAMES.index("brown")
    names[((hue >= 325) | (hue <= 15)) & (saturation < 0.5) & (high > 0.7)] = _NAMES.index("pink")
    pale = (saturation < 0.18) | (spread < 0.08)
    names[pale & (high >= 0.8)] = _NAMES.index("white")
    names[pale & (high < 0.8)] = _NAMES.index("grey")
    names[high < 0.2] = _NAMES.index("black")
    return names


def _hue(rgb: NDArray[np.float32], high: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """Degrees, as HSV has them (Smith 1978); shape [n]."""
    red, green, blue = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    sector = np.where(high == green, (blue - red) / spread + 2, (red - green) / spread + 4)
    sector = np.where(high == red, np.mod((green - blue) / spread, 6), sector)
    return np.asarray(60 * sector, np.float32)
