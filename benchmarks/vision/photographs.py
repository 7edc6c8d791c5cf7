"""The photographs of the tests, which benchmarks use too (tests/photographs.toml)."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from multimodal_assistant.core.types import Pixels

sys.path.append(str(Path(__file__).parents[2] / "tests" / "models"))

from photo_lab import CAPTIONS, names, photo

__all__ = ["CAPTIONS", "fitted", "names", "photo"]


def fitted(name: str, width: int, height: int) -> Pixels:
    """A photograph that fills a frame, what is too much of it cut off."""
    image = Image.fromarray(photo(name))
    scale = max(width / image.width, height / image.height)
    image = image.resize((max(round(image.width * scale), width), max(round(image.height * scale), height)))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return np.asarray(image.crop((left, top, left + width, top + height)))
