"""Pixels → the size that a model wants, by Pillow, whose filters take the mean of what they shrink."""

from typing import TYPE_CHECKING

import numpy as np

from multimodal_assistant.core.errors import EngineUnavailable, UnreadablePicture
from multimodal_assistant.core.types import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

MOST_PIXELS = 1 << 26
"""64 megapixels: more than any camera of a computer; half a second for the slowest of what follows."""


def image_of(pixels: Pixels) -> "Image":
    """Raises `UnreadablePicture` for what is no RGB picture, is empty, or larger than `MOST_PIXELS`."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise UnreadablePicture(f"Pixels of the shape {list(pixels.shape)} and the type {pixels.dtype} are no picture in colour.")
    if pixels.size > 3 * MOST_PIXELS:
        raise UnreadablePicture(f"The picture is too large: {pixels.shape[1]} × {pixels.shape[0]}.", "Make it smaller first.")
    try:
        from PIL import Image
    except ImportError as error:
        raise EngineUnavailable("Pillow is not installed.", "Install it with `pip install pillow`.") from error
    return Image.fromarray(np.ascontiguousarray(pixels))


def resized(image: "Image", width: int, height: int, resample: "Resampling | None" = None) -> "Image":
    """To exactly this size, whatever becomes of its shape; bilinear unless told otherwise."""
    from PIL.Image import Resampling

    return image.resize((width, height), Resampling.BILINEAR if resample is None else resample)


def padded(pixels: Pixels, side: int, grey: int, *, centred: bool = False) -> tuple[Pixels, tuple[float, float, float, float]]:
    """The whole picture in a square of `side`, grey where it does not reach: at the upper left, or in the middle.

    Also the part of the square that it fills: left, top, width and height, in fractions of `side`.
    """
    image = image_of(pixels)
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    left, top = ((side - width) // 2, (side - height) // 2) if centred else (0, 0)
    square = np.full((side, side, 3), grey, np.uint8)
    square[top : top + height, left : left + width] = np.asarray(resized(image, width, height))
    return square, (left / side, top / side, width / side, height / side)


def middle(image: "Image", share: float = 1.0) -> "Image":
    """The square in the middle of a picture, as wide as `share` of its shorter side."""
    width, height = image.size
    side = max(1, round(min(width, height) * share))
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))
