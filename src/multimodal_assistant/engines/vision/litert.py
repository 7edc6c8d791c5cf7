"""Opening LiteRT (TensorFlow Lite) models, which take one picture."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

_FETCH = "Fetch it with `assistant models pull`."


class LiteModel:
    """An interpreter of one model. Not to be used by two threads at once."""

    def __init__(self, path: Path, *, threads: int) -> None:
        """Raises `EngineUnavailable`, `ModelMissing`, or `EngineFailed` for a file that is no model of a picture."""
        self._name = path.name
        self._interpreter = _open(path, threads)
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        shape = [int(length) for length in self._input["shape"]]
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
            raise EngineFailed(f"{path.name} takes an input of the shape {shape}, which is no square picture in colour.")
        self.side = shape[1]
        """Width and height of the picture it takes."""

    def run(self, picture: NDArray[Any]) -> dict[int, NDArray[np.float32]]:
        """All outputs without the batch, as real numbers, by the length of their last axis.

        picture: shape [side, side, 3], of the type that the input has.
        """
        try:
            self._interpreter.set_tensor(self._input["index"], picture[None])
            self._interpreter.invoke()
            outputs = [(self._interpreter.get_tensor(one["index"])[0], one["quantization"]) for one in self._outputs]
        except Exception as error:  # the library raises ValueError and RuntimeError, whatever it is
            raise EngineFailed(f"{self._name} could not be run: {error}.") from error
        return {values.shape[-1]: _real(values, scale, zero) for values, (scale, zero) in outputs}


def _open(path: Path, threads: int) -> "Interpreter":
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise EngineUnavailable("ai-edge-litert is not installed.", "Install it with `pip install ai-edge-litert`.") from error
    if not path.is_file():
        raise ModelMissing(f"The model file {path} is not there.", _FETCH)
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    except Exception as error:  # ValueError for a damaged file, RuntimeError for what it does not support
        raise EngineFailed(f"{path.name} is not a model that LiteRT can load.", "Check it with `assistant models verify`.") from error
    return interpreter


def _real(values: NDArray[Any], scale: float, zero: int) -> NDArray[np.float32]:
    """What the integers of a quantized output stand for (ai.google.dev/edge/litert/conversion/tensorflow/quantization)."""
    return (values.astype(np.float32) - zero) * np.float32(scale) if scale else values.astype(np.float32)


def labels_in(path: Path) -> list[str]:
    """What the outputs of a model stand for: the list that TensorFlow Lite's metadata appends to its file, as a zip archive.

    Raises `ModelMissing`, or `EngineFailed` for a file without one.
    """
    if not path.is_file():
        raise ModelMissing(f"The model file {path} is not there.", _FETCH)
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".txt")]
            return archive.read(name).decode().splitlines()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise EngineFailed(f"There is no list of labels in {path.name}.", "Check it with `assistant models verify`.") from error
