"""Picture → the writing in it, by PP-OCRv6 small through RapidOCR (both Apache-2.0), whose package carries the models."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing
from multimodal_assistant.core.types import Box, Details, Pixels, WrittenLine
from multimodal_assistant.core.worker import Worker

from .boxes import boxed
from .pictures import image_of

if TYPE_CHECKING:
    from rapidocr import RapidOCR

_FINDS = "PP-OCRv6_det_small.onnx"
_READS = "PP-OCRv6_rec_small.onnx"

_LOWEST = 8
"""Pixels of the lowest letters that are found. A strip that is narrower leaves RapidOCR nothing to look at, and it fails."""


class RapidOcrReader:
    """Latin and Chinese writing, upright or slanted, not upside down.

    A look at a picture without writing takes 20 to 140 ms on one thread, and every line some 25 ms more: 0.2 s for a paragraph of seven
    lines, 0.6 s for 15 lines on a screen. Takes 100 MB when loaded and up to 330 MB while it reads. Not for every frame.
    """

    def __init__(self, *, folder: Path | None = None, longest: int = 960, least: float = 0.6, threads: int = 1) -> None:
        """folder: of the two model files; None: those that come with the package rapidocr.

        longest: writing is looked for in a copy whose longer side has no more pixels; letters lower than about eight of them are not
        found. They are read at full size. least: lines read with less certainty are not told: what is not writing ends there.
        """
        self._folder = folder
        self._longest = longest
        self._least = least
        self._threads = threads
        self._ocr: RapidOCR | None = None
        self._worker = Worker("read")

    @property
    def details(self) -> Details:
        return {"engine": "rapidocr", "model": "PP-OCRv6 small", "threads": str(self._threads), "longest": str(self._longest)}

    async def warm(self) -> None:
        await self.read(np.zeros((64, 256, 3), np.uint8))

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._ocr = None

    async def read(self, pixels: Pixels) -> list[WrittenLine]:
        """See `core.protocols.TextReader`. Raises `UnreadablePicture` for pixels that are none."""
        return await self._worker.call(lambda: self._read(pixels))

    def _read(self, pixels: Pixels) -> list[WrittenLine]:
        image_of(pixels)
        if self._ocr is None:
            self._ocr = self._load()
        height, width = pixels.shape[:2]
        if min(height, width) * min(1.0, self._longest / max(height, width)) < _LOWEST:
            return []
        try:
            # Blue first, as OpenCV has it: what the models were trained on.
            found = self._ocr(np.ascontiguousarray(pixels[:, :, ::-1]))
        except Exception as error:  # of OpenCV, onnxruntime and RapidOCR itself
            raise EngineFailed(f"The writing in the picture could not be read: {error}.") from error
        if found.boxes is None or found.txts is None or found.scores is None:
            return []
        lines = zip(found.txts, found.scores, found.boxes, strict=True)
        return [WrittenLine(text, float(score), _box(corners, width, height)) for text, score, corners in lines if score >= self._least]

    def _load(self) -> "RapidOCR":
        folder = self._folder or _bundled()
        for name in (_FINDS, _READS):
            if not (folder / name).is_file():
                raise ModelMissing(f"The model file {folder / name} is not there.", "Reinstall rapidocr, whose package carries it.")
        try:
            from rapidocr import RapidOCR

            return RapidOCR(params=self._parameters(folder))
        except ImportError as error:
            raise EngineUnavailable(f"rapidocr cannot be loaded: {error}.", "Install it with `pip install rapidocr`.") from error
        except Exception as error:  # whatever its configuration raises
            raise EngineFailed(f"RapidOCR cannot be set up: {error}.", "Reinstall rapidocr.") from error

    def _parameters(self, folder: Path) -> dict[str, str | int | float | bool]:
        """Names as in rapidocr/config.yaml. Models named by their path are never downloaded."""
        return {
            "Global.log_level": "critical",  # it has handlers of its own, which write to the terminal
            "Global.text_score": self._least,
            # The judge of what is upside down turns upright lines over: with it, four of the seven lines of scikit-image's page.png
            # become noise; without it all are right.
            "Global.use_cls": False,
            "Det.model_path": str(folder / _FINDS),
            "Rec.model_path": str(folder / _READS),
            "Rec.rec_batch_num": 1,  # six at once are padded to the longest: a third slower on one thread, and 150 MB more
            # Its own way enlarges small pictures until the shorter side has 736 pixels: 280 ms instead of 14 for page.png, and no gain.
            "Det.limit_type": "max",
            "Det.limit_side_len": self._longest,
            "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,  # its own choice is all cores, spinning
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }


def _bundled() -> Path:
    """Without importing it: that takes half a second."""
    found = find_spec("rapidocr")
    if found is None or found.origin is None:
        raise EngineUnavailable("rapidocr is not installed.", "Install it with `pip install rapidocr`.")
    return Path(found.origin).parent / "models"


def _box(corners: NDArray[np.float32], width: int, height: int) -> Box:
    """The upright box around four corners in pixels; shape [4, 2]."""
    low, high = corners.min(axis=0) / (width, height), corners.max(axis=0) / (width, height)
    return boxed(np.concatenate([low, high]).astype(np.float64)) or Box(0.0, 0.0, 1.0, 1.0)
