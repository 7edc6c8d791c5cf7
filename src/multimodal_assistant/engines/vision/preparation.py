"""Pixels → the tensor that a vision transformer wants, as its `preprocessor_config.json` says."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.core.types import Pixels

from .pictures import image_of, middle, resized

_MOST = 4096


@dataclass(frozen=True, slots=True)
class Preparation:
    """The steps of transformers' CLIPImageProcessor, in its order."""

    shortest: int | None
    """The shorter side is brought to this length; None: the picture is brought to `exact`, or left as it is."""
    exact: tuple[int, int] | None
    """Height and width."""
    filter: int
    """Pillow's number of it: 2 bilinear, 3 bicubic."""
    crop: tuple[int, int] | None
    """Height and width of what is cut out of the middle."""
    scale: float
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]

    def tensor(self, pixels: Pixels) -> NDArray[np.float32]:
        """Shape [1, 3, height, width]. Raises `UnreadablePicture` for pixels that are none."""
        from PIL.Image import Resampling

        image = image_of(pixels)
        height, width = self.exact or (image.height, image.width)
        if self.shortest is not None:
            # Cut off and not rounded, as transformers does (image_transforms.py, get_resize_output_image_size).
            short = min(image.size)
            height, width = (int(self.shortest * side / short) for side in (image.height, image.width))
        if self.crop is not None and max(height, width) > _MOST:  # a splinter, of which all but the middle would be thrown away
            image, (height, width) = middle(image), self.crop
        if (width, height) != image.size:
            image = resized(image, width, height, Resampling(self.filter))
        if self.crop is not None:
            left, top = (width - self.crop[1]) // 2, (height - self.crop[0]) // 2
            image = image.crop((left, top, left + self.crop[1], top + self.crop[0]))  # black where it reaches beyond
        values = np.asarray(image, np.float32) * np.float32(self.scale)
        values = (values - np.array(self.mean, np.float32)) / np.array(self.spread, np.float32)
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def read_preparation(path: Path) -> Preparation:
    """Raises `ModelMissing`, or `EngineFailed` for a file that makes no sense."""
    if not path.is_file():
        raise ModelMissing(f"The file {path} is not there.", "It belongs to the model: put it beside its weights.")
    try:
        made = _from_table(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise EngineFailed(f"{path.name} does not say how pictures are prepared: {error}.", "Fetch it again with its model.") from error
    return made


def _from_table(table: dict[str, Any]) -> Preparation:
    size, crop = table.get("size", 224), table.get("crop_size", 224)
    size = {"shortest_edge": size} if isinstance(size, int) else size  # older files have a bare number
    crop = {"height": crop, "width": crop} if isinstance(crop, int) else crop
    resize = table.get("do_resize", True)
    normal = table.get("do_normalize", True)
    made = Preparation(
        shortest=_length(size["shortest_edge"]) if resize and "shortest_edge" in size else None,
        exact=(_length(size["height"]), _length(size["width"])) if resize and "shortest_edge" not in size else None,
        filter=int(table.get("resample", 3)),
        crop=(_length(crop["height"]), _length(crop["width"])) if table.get("do_center_crop", True) else None,
        scale=float(table.get("rescale_factor", 1 / 255)) if table.get("do_rescale", True) else 1.0,
        mean=_three(table["image_mean"]) if normal else (0.0, 0.0, 0.0),
        spread=_three(table["image_std"]) if normal else (1.0, 1.0, 1.0),
    )
    if made.filter not in range(6) or 0.0 in made.spread:
        raise ValueError("a filter that there is not, or a spread of zero")
    return made


def _length(value: Any) -> int:
    if not isinstance(value, int) or not 0 < value <= _MOST:
        raise ValueError(f"{value!r} is no number of pixels")
    return value


def _three(value: Any) -> tuple[float, float, float]:
    red, green, blue = (float(number) for number in cast("list[Any]", value))
    return red, green, blue
