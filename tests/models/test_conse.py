"""The stand-in for CLIP on real weights: photographs are found by their descriptions, more often than chance by far."""

from pathlib import Path

import numpy as np
import pytest
from photo_lab import CAPTIONS, photo
from speech_lab import only_file, weights

from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.engines.embed.sentence import SentenceEmbedder
from multimodal_assistant.engines.scripted import Script, ScriptedEmbedder
from multimodal_assistant.engines.vision.conse import ConseEncoder
from multimodal_assistant.engines.vision.tags import PhraseTags

pytestmark = [pytest.mark.models, pytest.mark.anyio]

WANTED = (
    "chelsea",
    "coffee",
    "motorcycle_left",
    "china",
    "cameras",
    "tools",
    "strawberries",
    "laptop",
    "rocket",
    "croissant",
    "sea",
    "desk",
)


def minilm() -> SentenceEmbedder:
    folder = weights("minilm")
    return SentenceEmbedder(model=folder / "model.onnx", tokenizer=folder / "tokenizer.json", name="minilm")


def classifier() -> Path:
    return only_file("efficientnet-lite0", "*.tflite")


async def test_photographs_are_found_by_their_descriptions(tmp_path: Path) -> None:
    embedder = minilm()
    engine = ConseEncoder(model=classifier(), embedder=embedder, cache=tmp_path)
    await engine.warm()
    images = await engine.encode_images([photo(name) for name in CAPTIONS])
    texts = await engine.encode_texts(list(CAPTIONS.values()))
    assert images.shape == texts.shape == (len(CAPTIONS), 384)
    assert np.allclose(np.linalg.norm(images, axis=1), 1.0, atol=1e-5)
    likeness = texts @ images.T
    ranks = (likeness > likeness.diagonal()[:, None]).sum(axis=1)
    assert np.mean(ranks < 1) >= 0.3  # measured: .40; by chance .02
    assert np.mean(ranks < 3) >= 0.45  # .55; .06
    known = [list(CAPTIONS).index(name) for name in WANTED]
    few = likeness[np.ix_(known, known)]
    among = (few > few.diagonal()[:, None]).sum(axis=1)
    assert np.mean(among < 1) >= 0.75
    assert np.mean(among < 3) >= 0.9
    assert "stand-in" in engine.details["note"]
    await engine.aclose()
    await engine.aclose()
    assert len(await embedder.embed(["It is still open."])) == 1
    await embedder.aclose()


async def test_the_shipped_phrases_name_what_it_knows(tmp_path: Path) -> None:
    embedder = minilm()
    encoder = ConseEncoder(model=classifier(), embedder=embedder, cache=tmp_path)
    tags = PhraseTags(encoder=encoder, scale=20.0)
    for name, phrase in (("coffee", "a cup of coffee"), ("strawberries", "strawberries"), ("cameras", "a camera"), ("chelsea", "a cat")):
        assert phrase in [guess.label for guess in await tags.classify(photo(name))]
    await tags.aclose()
    await encoder.aclose()
    await embedder.aclose()


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def used(embedder: ScriptedEmbedder, cache: Path) -> int:
    """How many texts an engine has embedded after a picture and a text."""
    engine = ConseEncoder(model=classifier(), embedder=embedder, cache=cache)
    await engine.encode_texts(["a cat"])
    assert np.isfinite(await engine.encode_images([photo("chelsea")])).all()
    await engine.aclose()
    return len(embedder.ledger.requests)


async def test_labels_are_embedded_once_for_an_embedder(tmp_path: Path) -> None:
    assert await used(ScriptedEmbedder(), tmp_path) == 1001
    assert await used(ScriptedEmbedder(), tmp_path) == 1
    (kept,) = files_in(tmp_path)
    for damage in (b"", b"junk", kept.read_bytes()[:5000]):
        kept.write_bytes(damage)
        assert await used(ScriptedEmbedder(), tmp_path) == 1001
    assert await used(ScriptedEmbedder(), tmp_path) == 1


async def test_where_nothing_can_be_kept_it_works_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert await used(ScriptedEmbedder(), tmp_path / "file" / "cache") == 1001


async def test_its_parts_fail_in_their_own_words(tmp_path: Path) -> None:
    nowhere = ConseEncoder(model=tmp_path / "model.tflite", embedder=ScriptedEmbedder(), cache=tmp_path)
    with pytest.raises(ModelMissing, match=r"model\.tflite"):
        await nowhere.encode_texts(["x"])
    with pytest.raises(ModelMissing, match=r"model\.tflite"):
        await nowhere.encode_images([np.zeros((4, 4, 3), np.uint8)])
    await nowhere.aclose()
    failing = ConseEncoder(model=classifier(), embedder=ScriptedEmbedder(script=Script(fail_after=0)), cache=tmp_path)
    with pytest.raises(EngineFailed, match="scripted"):
        await failing.warm()
    assert files_in(tmp_path) == []
    await failing.aclose()
