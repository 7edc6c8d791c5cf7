"""Pictures and texts → vectors of one space, by a CLIP as transformers loads it, on torch (the extra `clip`)."""
# pyright: basic, reportMissingImports=false

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing
from multimodal_assistant.core.types import Details, Pixels, Vectors
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.tokens import open_tokenizer

from .clip_folder import holds_checkpoint
from .clip_vectors import MOST_TOKENS, encode_by_length, token_rows, unit
from .preparation import Preparation, read_preparation

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import CLIPModel

_INSTALL = (
    'Install them with `pip install "multimodal-assistant[clip]"`. On Linux that brings CUDA, several GB: the CPU build of PyTorch,'
    " installed before, does as well."
)
_AGAIN = "Fetch them again, with the config.json beside them."


class TransformersClip:
    """`model` is a folder as of openai/clip-vit-base-patch32 on the Hugging Face hub: config.json, model.safetensors or
    pytorch_model.bin, preprocessor_config.json and tokenizer.json.

    Pictures and texts are prepared as for `ClipEncoder`, and it all runs on the CPU. `threads` holds for torch in the whole process. Both
    halves are loaded when one is first needed.
    """

    def __init__(self, *, model: Path, name: str = "", threads: int = 1) -> None:
        self._folder = model
        self._name = name or model.name
        self._threads = threads
        self._loaded: _Loaded | None = None
        self._worker = Worker("image")

    @property
    def details(self) -> Details:
        return {"engine": "clip-torch", "model": self._name, "threads": str(self._threads)}

    async def warm(self) -> None:
        await self.encode_images([np.zeros((64, 64, 3), np.uint8)])
        await self.encode_texts(["a photo"])

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._loaded = None

    async def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """See `core.protocols.ImageTextEncoder`. Raises `UnreadablePicture` for pixels that are none."""
        return await self._worker.call(lambda: self._encode_images(pictures))

    async def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `core.protocols.ImageTextEncoder`. Of a text count the first 77 tokens."""
        return await self._worker.call(lambda: self._encode_texts(texts))

    def _encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        clip = self._open()
        features = clip.model.get_image_features
        # One by one, as in `ClipEncoder`.
        return unit([_run(features, pixel_values=clip.preparation.tensor(pixels)) for pixels in pictures])

    def _encode_texts(self, texts: Sequence[str]) -> Vectors:
        clip = self._open()
        return encode_by_length(token_rows(clip.tokenizer, texts), lambda ids: _run(clip.model.get_text_features, input_ids=ids))

    def _open(self) -> "_Loaded":
        if self._loaded is None:
            _check(self._folder)
            _import(self._threads)
            preparation = read_preparation(self._folder / "preprocessor_config.json")
            model = _model(self._folder)
            self._loaded = _Loaded(model, preparation, _tokenizer(self._folder, model))
        return self._loaded


@dataclass(frozen=True, slots=True)
class _Loaded:
    model: "CLIPModel"
    preparation: Preparation
    tokenizer: "Tokenizer"


def _check(folder: Path) -> None:
    """That it holds the checkpoint of a CLIP, before anything large is loaded or asked for."""
    if not holds_checkpoint(folder):
        raise ModelMissing(
            f"There is no config.json with model.safetensors or pytorch_model.bin in {folder}.", "docs/models.md says how to get a CLIP."
        )
    path = folder / "config.json"
    try:
        kind = json.loads(path.read_text("utf-8"))["model_type"]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise EngineFailed(f"{path} does not say what model it belongs to.", "Fetch it again with its weights.") from error
    if kind != "clip":
        raise EngineFailed(f"{folder} holds no CLIP: its config.json says {kind!r}.", "docs/models.md says how to get one.")


def _import(threads: int) -> None:
    try:
        import torch
        from transformers import CLIPModel  # noqa: F401 - its import brings most of transformers
    except (ImportError, OSError) as error:  # OSError: torch's own libraries
        raise EngineUnavailable(f"This CLIP needs torch and transformers, which cannot be loaded: {_line(error)}.", _INSTALL) from error
    torch.set_num_threads(threads)


def _model(folder: Path) -> "CLIPModel":
    """With every weight from the checkpoint: transformers gives random values to those that it does not find."""
    import torch
    from transformers import CLIPModel

    # `weights_only` is their default: a pickle of weights can run no code. Said all the same, for it has not always been.
    options = {"local_files_only": True, "weights_only": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
    try:
        with _quiet():
            model, info = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa", **options)
    except UnpicklingError as error:  # its own words say how to open it all the same
        raise EngineFailed(f"The weights in {folder} are damaged, or more than weights, and are not opened.", _AGAIN) from error
    except Exception as error:  # transformers, torch and safetensors raise a dozen unrelated classes
        raise EngineFailed(f"The weights in {folder} cannot be loaded: {_line(error)}.", _AGAIN) from error
    # Both would be random now.
    absent, other = sorted(info["missing_keys"]), sorted(str(key) for key, *_ in info["mismatched_keys"])
    if absent or other:
        counts = f"{len(absent)} are missing and {len(other)} have another shape, {(absent + other)[0]} among them"
        raise EngineFailed(f"The weights in {folder} are not those of its config.json: {counts}.", _AGAIN)
    return model


def _tokenizer(folder: Path, model: "CLIPModel") -> "Tokenizer":
    sizes = model.config.text_config
    tokenizer = open_tokenizer(folder / "tokenizer.json", most=min(MOST_TOKENS, sizes.max_position_embeddings))
    words = tokenizer.get_vocab_size()
    if words > sizes.vocab_size:
        raise EngineFailed(
            f"The tokenizer.json in {folder} is another model's: it has {words} words, and the model {sizes.vocab_size}.",
            "Fetch it again with the model.",
        )
    return tokenizer


@contextmanager
def _quiet() -> Generator[None]:
    """Neither progress bars nor reports on the terminal: what matters of them is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _run(features: Callable[..., Any], **inputs: NDArray[Any]) -> Vectors:
    """The projected features of a batch; shape [n, d]."""
    import torch

    try:
        with torch.inference_mode():
            return features(**{name: torch.from_numpy(values) for name, values in inputs.items()}).pooler_output.numpy()
    except Exception as error:  # torch raises a dozen unrelated classes
        raise EngineFailed(f"CLIP could not be run: {_line(error)}.") from error


def _line(error: BaseException) -> str:
    """The first line of what a library says, to be put into a sentence."""
    return next((line.strip().rstrip(".:") for line in str(error).splitlines() if line.strip()), type(error).__name__)
