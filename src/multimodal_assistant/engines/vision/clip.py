"""Pictures and texts → vectors of one space, by a CLIP exported to ONNX (Radford et al. 2021, arXiv:2103.00020; ViT-B/32: MIT)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.core.types import Details, Pixels, Vectors
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.onnx import open_session
from multimodal_assistant.engines.tokens import open_tokenizer

from .clip_folder import TEXT, VISION, onnx_file
from .clip_vectors import MOST_TOKENS, encode_by_length, token_rows, unit
from .preparation import Preparation, read_preparation

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer


class ClipEncoder:
    """`model` is a folder as of Xenova/clip-vit-base-patch32 on the Hugging Face hub, or of Qdrant/clip-ViT-B-32-vision.

    Pictures need `vision_model.onnx` (or its `_quantized` twin, in the folder or in its subfolder `onnx`; or `model.onnx`) and
    `preprocessor_config.json`; texts need `text_model.onnx` or its like, and `tokenizer.json`: in the same folder, or in `text`, as of
    Qdrant/clip-ViT-B-32-text.

    Each half is loaded when it is first needed. ViT-B/32 on one thread: 160 ms and 350 MB for a picture, 30 ms and 250 MB for a short text
    (measured on random weights of its architecture); a third less with the quantized files.
    """

    def __init__(self, *, model: Path, text: Path | None = None, name: str = "", threads: int = 1) -> None:
        self._folder = model
        self._text_folder = text or model
        self._name = name or model.name
        self._threads = threads
        self._looking: tuple[onnxruntime.InferenceSession, Preparation] | None = None
        self._reading: tuple[onnxruntime.InferenceSession, Tokenizer] | None = None
        self._worker = Worker("image")

    @property
    def details(self) -> Details:
        return {"engine": "clip", "model": self._name, "threads": str(self._threads)}

    async def warm(self) -> None:
        images = await self.encode_images([np.zeros((64, 64, 3), np.uint8)])
        texts = await self.encode_texts(["a photo"])
        if images.shape != texts.shape:
            raise EngineFailed(
                f"The halves of {self._name} do not belong together: pictures become {images.shape[1]} numbers, texts {texts.shape[1]}."
            )

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._looking = self._reading = None

    async def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """See `core.protocols.ImageTextEncoder`. Raises `UnreadablePicture` for pixels that are none."""
        return await self._worker.call(lambda: self._encode_images(pictures))

    async def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `core.protocols.ImageTextEncoder`. Of a text count the first 77 tokens."""
        return await self._worker.call(lambda: self._encode_texts(texts))

    def _encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        if self._looking is None:
            preparation = read_preparation(self._folder / "preprocessor_config.json")
            self._looking = _half(self._folder, VISION, "pixel_values", self._threads), preparation
        session, preparation = self._looking
        # One by one: on a CPU a batch is no faster, and takes as many times the memory.
        return unit([_run(session, "image_embeds", {"pixel_values": preparation.tensor(pixels)}) for pixels in pictures])

    def _encode_texts(self, texts: Sequence[str]) -> Vectors:
        if self._reading is None:
            tokenizer = open_tokenizer(self._text_folder / "tokenizer.json", most=MOST_TOKENS)
            self._reading = _half(self._text_folder, TEXT, "input_ids", self._threads), tokenizer
        session, tokenizer = self._reading
        rows = token_rows(tokenizer, texts)
        length = {one.name: one.shape for one in session.get_inputs()}["input_ids"][-1]
        if isinstance(length, int):  # exported for one length only: the rest is the mark of the end, the first of which counts
            rows = [row[:length] + row[-1:] * (length - len(row)) for row in rows]
        return encode_by_length(rows, lambda ids: _run(session, "text_embeds", {"input_ids": ids, "attention_mask": np.ones_like(ids)}))


def _half(folder: Path, name: str, wanted: str, threads: int) -> "onnxruntime.InferenceSession":
    """The half of a CLIP that takes `wanted`."""
    path = onnx_file(folder, name)
    if path is None:
        raise ModelMissing(f"There is no {name}.onnx in {folder}.", "docs/models.md says how to get a CLIP.")
    session = open_session(path, threads=threads)
    inputs = [one.name for one in session.get_inputs()]
    if wanted in inputs and set(inputs) <= {wanted, "attention_mask"}:
        return session
    raise EngineFailed(
        f"{path} is not one half of a CLIP: it takes {', '.join(inputs)}, and not {wanted} alone.", f"Put {name}.onnx beside it."
    )


def _run(session: "onnxruntime.InferenceSession", output: str, inputs: Mapping[str, NDArray[Any]]) -> Vectors:
    """The output of that name, or the first that has a vector for each input; shape [n, d]."""
    outputs = session.get_outputs()
    chosen = next((one.name for one in outputs if one.name == output), None)
    chosen = chosen or next((one.name for one in outputs if len(one.shape) == 2), outputs[0].name)
    try:
        vectors = session.run([chosen], {one.name: inputs[one.name] for one in session.get_inputs()})[0]
    except Exception as error:  # onnxruntime raises a dozen unrelated classes
        raise EngineFailed(f"CLIP could not be run: {error}.") from error
    if vectors.ndim != 2:
        raise EngineFailed(f"CLIP's output {chosen} has the shape {list(vectors.shape)}, which is not a vector for each input.")
    return vectors.astype(np.float32)
