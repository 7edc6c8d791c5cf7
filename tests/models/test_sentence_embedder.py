"""The embedding model itself: what is near in meaning is near in angle, whatever else is asked in the same batch."""

from pathlib import Path

import numpy as np
import pytest
from speech_lab import weights

from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.engines.embed.sentence import SentenceEmbedder

pytestmark = [pytest.mark.models, pytest.mark.anyio]


def embedder() -> SentenceEmbedder:
    folder = weights("minilm")
    return SentenceEmbedder(model=folder / "model.onnx", tokenizer=folder / "tokenizer.json", name="minilm")


async def test_near_in_meaning_is_near_in_angle() -> None:
    engine = embedder()
    vectors = await engine.embed(
        ["Where does my sister live?", "Anna moved to Porto last spring.", "The soup needs more salt.", "Boil the eggs."]
    )
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2] + 0.1
    assert near[2, 3] > near[2, 0] + 0.1
    await engine.aclose()
    await engine.aclose()


async def test_a_text_has_one_vector_whatever_it_is_embedded_with() -> None:
    """Padding is masked; int8 activations have one scale for the batch, hence the tolerance."""
    engine = embedder()
    alone = (await engine.embed(["Good morning."]))[0]
    among = (await engine.embed(["Good morning.", "A much longer sentence about trains, planes and the weather in spring."]))[0]
    assert float(alone @ among) > 0.98
    await engine.aclose()


@pytest.mark.parametrize("text", ["", " ", "\0", "🙂", "日本語のテキスト", "مرحبا", "word " * 300_000])
async def test_whatever_the_text_there_is_a_vector(text: str) -> None:
    engine = embedder()
    (vector,) = await engine.embed([text])
    assert np.isfinite(vector).all()
    await engine.aclose()


async def test_no_texts_no_vectors() -> None:
    engine = embedder()
    assert len(await engine.embed([])) == 0
    await engine.aclose()


async def test_files_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    folder = weights("minilm")
    with pytest.raises(ModelMissing, match="tokenizer.json"):
        await SentenceEmbedder(model=folder / "model.onnx", tokenizer=tmp_path / "tokenizer.json").embed(["x"])
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(EngineFailed, match="not a tokenizer"):
        await SentenceEmbedder(model=folder / "model.onnx", tokenizer=tmp_path / "tokenizer.json").embed(["x"])
