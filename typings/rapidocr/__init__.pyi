# What we use of rapidocr.
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

class RapidOCROutput:
    boxes: NDArray[np.float32] | None
    txts: tuple[str, ...] | None
    scores: tuple[float, ...] | None

class RapidOCR:
    def __init__(self, config_path: str | None = ..., params: Mapping[str, Any] | None = ...) -> None: ...
    def __call__(self, img_content: NDArray[np.uint8]) -> RapidOCROutput: ...
