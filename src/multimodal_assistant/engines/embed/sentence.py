"""Sentences → unit vectors, by a sentence-transformers encoder exported to ONNX (all-MiniLM-L6-v2, Apache-2.0)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details, Vectors
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.onnx import open_session
from multimodal_assistant.engines.tokens import open_tokenizer

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

_MOST_TOKENS = 256  # what the model was trained on; the rest of a longer text is not in its vector
_MOST_CHARACTERS = 20 * _MOST_TOKENS  # no need to cut a megabyte into tokens for that
_BATCH = 16


class SentenceEmbedder:
    """`model` is an ONNX file with inputs `input_ids`, `attention_mask` and perhaps `token_type_ids`, first output [b, s, d]."""

    def __init__(self, *, model: Path, tokenizer: Path, name: str = "", threads: int = 1) -> None:
        self._path = model
        self._tokenizer_path = tokenizer
        self._name = name or model.parent.name
        self._threads = threads
        self._session: onnxruntime.InferenceSession | None = None
        self._tokenizer: Tokenizer | None = None
        self._worker = Worker("embed")

    @property
    def details(self) -> Details:
        return {"engine": "sentence", "model": self._name, "threads": str(self._threads)}

    async def warm(self) -> None:
        await self.embed(["Hello."])

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._session = self._tokenizer = None

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See `core.protocols.TextEmbedder`."""
        return await self._worker.call(lambda: self._embed(texts))

    def _embed(self, texts: Sequence[str]) -> Vectors:
        session, tokenizer = self._load()
        try:
            parts = [_vectors(session, tokenizer, texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            raise EngineFailed(f"The text could not be embedded: {error}.") from error
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def _load(self) -> "tuple[onnxruntime.InferenceSession, Tokenizer]":
        if self._session is None or self._tokenizer is None:
            self._tokenizer = open_tokenizer(self._tokenizer_path, most=_MOST_TOKENS)
            self._tokenizer.enable_padding()  # pyright: ignore[reportUnknownMemberType]
            self._session = open_session(self._path, threads=self._threads)
        return self._session, self._tokenizer


def _vectors(session: "onnxruntime.InferenceSession", tokenizer: "Tokenizer", texts: Sequence[str]) -> Vectors:
    """Mean of the token vectors under the mask, at length one (sentence-transformers' pooling)."""
    encodings = tokenizer.encode_batch([text[:_MOST_CHARACTERS] for text in texts])
    ids = np.array([one.ids for one in encodings], np.int64)
    mask = np.array([one.attention_mask for one in encodings], np.int64)
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    wanted = {one.name for one in session.get_inputs()}
    hidden = session.run(None, {name: value for name, value in inputs.items() if name in wanted})[0]
    weights = mask[..., None].astype(np.float32)
    means = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
    return (means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)).astype(np.float32)
