"""CLIP through its real loader, on a toy with meaning (see toy_clip): the files of the hub, whatever folder they lie in."""

import json
import warnings
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photo_lab import photo
from toy_clip import DIMENSIONS, END, MEAN, PREPROCESSOR, SPREAD, START, clip_tokenizer, write_toy

from multimodal_assistant.app import settings_from
from multimodal_assistant.core.errors import AssistantError, EngineFailed, InvalidSetting, ModelMissing, UnreadablePicture
from multimodal_assistant.core.types import Pixels
from multimodal_assistant.engines.vision.clip import ClipEncoder
from multimodal_assistant.engines.vision.preparation import read_preparation
from multimodal_assistant.engines.vision.tags import PhraseTags, read_phrases
from multimodal_assistant.processors.scene import Seen, in_words
from multimodal_assistant.seeing import eyes_of

pytestmark = [pytest.mark.models, pytest.mark.anyio]

SHOWN = {
    "scissors": "a yellow desk with scissors",
    "pencil": "a pencil on dark blue cloth",
    "telephone": "a white table",
    "strawberries": "fruit before a turquoise wall",
    "coins": "grey, dark and grey again",
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("clip") / "toy")


@asynccontextmanager
async def opened(model: Path, **options: Any) -> AsyncGenerator[ClipEncoder]:
    engine = ClipEncoder(model=model, **options)
    try:
        yield engine
    finally:
        await engine.aclose()
        await engine.aclose()


def plain(red: int, green: int, blue: int, height: int = 30, width: int = 40) -> Pixels:
    return np.full((height, width, 3), (red, green, blue), np.uint8)


def test_the_tokenizer_is_clips_own() -> None:
    assert clip_tokenizer().encode("A photo  of a cat").ids == [START, 320, 1125, 539, 320, 2368, END]


async def test_a_text_is_near_the_pictures_that_it_describes(toy: Path) -> None:
    async with opened(toy) as engine:
        await engine.warm()
        images = await engine.encode_images([photo(name) for name in SHOWN])
        texts = await engine.encode_texts(list(SHOWN.values()))
    for vectors in (images, texts):
        assert vectors.shape == (len(SHOWN), DIMENSIONS)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    likeness = texts @ images.T
    assert likeness.argmax(axis=1).tolist() == list(range(len(SHOWN)))
    assert likeness.diagonal().min() > 0.8


async def test_a_text_or_picture_has_one_vector_whatever_it_comes_with(toy: Path) -> None:
    texts = ["red", "a very long and quite detailed description of something that is mostly blue", "", "green grass", "white"] * 9
    async with opened(toy) as engine:
        together = await engine.encode_texts(texts)
        for text, vector in zip(texts[:5], together, strict=False):
            assert np.allclose((await engine.encode_texts([text]))[0], vector, atol=1e-6), text
        pictures = [plain(255, 0, 0), plain(0, 0, 255, 500, 20)]
        both = await engine.encode_images(pictures)
        assert np.allclose((await engine.encode_images(pictures[1:]))[0], both[1], atol=1e-6)
        assert len(await engine.encode_texts([])) == len(await engine.encode_images([])) == 0


async def test_of_a_long_text_the_beginning_counts(toy: Path) -> None:
    async with opened(toy) as engine:
        long, short, late = await engine.encode_texts(["red " * 100_000, "red", "the " * 200 + "blue"])
    assert long @ short > 0.999
    assert not late.any()  # a text without a colour is nothing in this toy: blue came after the 77 tokens


@pytest.mark.parametrize("text", ["🙂", "日本語", "\0", " ", "مرحبا"])
async def test_whatever_the_text_there_is_a_vector(toy: Path, text: str) -> None:
    async with opened(toy) as engine:
        assert np.isfinite(await engine.encode_texts([text])).all()


async def test_texts_are_padded_where_the_model_wants_one_length(tmp_path: Path) -> None:
    async with opened(write_toy(tmp_path / "fixed", length=77)) as fixed, opened(write_toy(tmp_path / "free")) as free:
        texts = ["red", "an orange fruit", "word " * 200]
        assert np.allclose(await fixed.encode_texts(texts), await free.encode_texts(texts), atol=1e-6)


async def test_all_layouts_of_the_hub_are_known(toy: Path, tmp_path: Path) -> None:
    """Xenova's, with its weights in a subfolder, whole or quantized, and Qdrant's two folders."""

    def laid(files: dict[str, str]) -> Path:
        for place, name in files.items():
            path = tmp_path / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((toy / name).read_bytes())
        return tmp_path

    common = {"preprocessor_config.json": "preprocessor_config.json", "tokenizer.json": "tokenizer.json"}
    for kind in ("onnx/{}.onnx", "onnx/{}_quantized.onnx", "{}_quantized.onnx"):
        weights = {kind.format(half): f"{half}.onnx" for half in ("vision_model", "text_model")}
        folder = kind.replace("/", "-").format("x")
        laid({f"{folder}/{place}": name for place, name in (common | weights).items()})
        async with opened(tmp_path / folder) as engine:
            await engine.warm()
    laid({"seeing/model.onnx": "vision_model.onnx", "seeing/preprocessor_config.json": "preprocessor_config.json"})
    laid({"reading/model.onnx": "text_model.onnx", "reading/tokenizer.json": "tokenizer.json"})
    async with opened(tmp_path / "seeing", text=tmp_path / "reading", name="qdrant") as engine:
        await engine.warm()
        assert engine.details["model"] == "qdrant"
    async with opened(tmp_path / "seeing") as engine:  # pictures alone need no text half
        await engine.encode_images([plain(1, 2, 3)])
        with pytest.raises(ModelMissing, match="tokenizer"):
            await engine.encode_texts(["x"])


async def test_files_that_are_missing_damaged_or_others_are_named(toy: Path, tmp_path: Path) -> None:
    async def refused(damage: dict[str, bytes | None], error: type[AssistantError], match: str) -> None:
        async with opened(_damaged(toy, tmp_path, damage)) as engine:
            with pytest.raises(error, match=match) as caught:
                await engine.warm()
            assert "\n" not in caught.value.problem

    await refused({"vision_model.onnx": None}, ModelMissing, r"no vision_model\.onnx")
    await refused({"text_model.onnx": None}, ModelMissing, r"no text_model\.onnx")
    await refused({"preprocessor_config.json": None}, ModelMissing, "preprocessor_config")
    await refused({"vision_model.onnx": b"junk"}, EngineFailed, "not a model")
    await refused({"tokenizer.json": b"junk"}, EngineFailed, "not a tokenizer")
    await refused({"vision_model.onnx": (toy / "text_model.onnx").read_bytes()}, EngineFailed, "takes input_ids")
    await refused(
        {"text_model.onnx": (write_toy(tmp_path / "wide", dimensions=20) / "text_model.onnx").read_bytes()}, EngineFailed, "belong"
    )
    wrong = (
        b"",
        b"[]",
        b"{}",
        b'{"image_mean": [1, 2], "image_std": [1, 1, 1]}',
        _changed(size=0),
        _changed(size="x"),
        _changed(resample=17),
    )
    for text in (*wrong, _changed(crop_size=1 << 40), _changed(image_std=[0, 0, 0]), _changed(size={"longest": 3})):
        await refused({"preprocessor_config.json": text}, EngineFailed, "preprocessor_config")


def _damaged(toy: Path, into: Path, damage: dict[str, bytes | None]) -> Path:
    """A copy in which some files are others, or missing."""
    folder = into / f"damaged-{len(list(into.iterdir()))}"
    folder.mkdir()
    for path in toy.iterdir():
        data = damage.get(path.name, path.read_bytes())
        if data is not None:
            (folder / path.name).write_bytes(data)
    return folder


def _changed(**fields: Any) -> bytes:
    return json.dumps({**PREPROCESSOR, **fields}).encode()


async def test_what_is_no_picture_is_said_to_be_none(toy: Path) -> None:
    async with opened(toy) as engine:
        with pytest.raises(UnreadablePicture):
            await engine.encode_images([np.zeros((0, 4, 3), np.uint8)])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            splinters = [plain(255, 0, 0, 1, 1), plain(255, 0, 0, 1, 9000), plain(255, 0, 0, 9000, 1)]
            vectors = await engine.encode_images(splinters)
    assert np.allclose(vectors, vectors[0], atol=1e-3)


def prepared(tmp_path: Path, pixels: Pixels, **fields: Any) -> Any:
    path = tmp_path / "preprocessor_config.json"
    path.write_bytes(_changed(**fields))
    return read_preparation(path).tensor(pixels)


def test_a_picture_is_prepared_as_its_file_says(tmp_path: Path) -> None:
    tensor = prepared(tmp_path, plain(255, 128, 0))
    assert tensor.shape == (1, 3, 224, 224)
    assert tensor.dtype == np.float32
    expected = (np.array([1.0, 128 / 255, 0.0]) - MEAN) / SPREAD
    assert np.allclose(tensor, expected[None, :, None, None], atol=1e-5)
    assert np.allclose(prepared(tmp_path, plain(255, 128, 0), do_normalize=False)[0, :, 0, 0], [1.0, 128 / 255, 0.0])
    assert np.allclose(prepared(tmp_path, plain(255, 128, 0), do_normalize=False, do_rescale=False)[0, :, 0, 0], [255, 128, 0])
    assert prepared(tmp_path, plain(1, 2, 3), size={"height": 256, "width": 384}, do_center_crop=False).shape == (1, 3, 256, 384)
    assert prepared(tmp_path, plain(1, 2, 3), size=64, crop_size=48).shape == (1, 3, 48, 48)
    assert prepared(tmp_path, plain(1, 2, 3), do_resize=False, do_center_crop=False).shape == (1, 3, 30, 40)


def test_the_middle_is_cut_out(tmp_path: Path) -> None:
    """Of a picture three times as wide as high, the middle third."""
    stripes = np.concatenate([plain(255, 0, 0, 100, 100), plain(0, 255, 0, 100, 100), plain(0, 0, 255, 100, 100)], axis=1)
    tensor = prepared(tmp_path, stripes, do_normalize=False)
    assert tensor[0, 1, :, 8:-8].min() > 0.98
    assert tensor[0, 0, :, 8:-8].max() < 0.02


async def test_tags_are_the_likeliest_phrases_of_a_list_of_ones_own(toy: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("# mine\n\na yellow desk\na blue cloth\na white table\na yellow desk\na turquoise wall\n")
    async with opened(toy) as encoder:
        tags = PhraseTags(encoder=encoder, phrases=mine, most=3)
        await tags.warm()
        for name, phrase in (("scissors", "a yellow desk"), ("pencil", "a blue cloth"), ("telephone", "a white table")):
            guesses = await tags.classify(photo(name))
            assert guesses[0].label == phrase
            assert guesses[0].probability > 0.9
            assert len(guesses) == 3
            (vector,) = await encoder.encode_images([photo(name)])
            assert await tags.tags_of(vector) == guesses
        assert tags.details["model"] == "toy"
        every = await PhraseTags(encoder=encoder, phrases=mine, most=100).classify(photo("chelsea"))
        assert sum(one.probability for one in every) == pytest.approx(1.0)
        await tags.aclose()
        await tags.aclose()


async def test_a_clip_of_ones_own_says_what_a_picture_may_show(toy: Path, tmp_path: Path) -> None:
    """From the settings to the words, on the toy whose space is the mean colour."""
    mine = tmp_path / "mine.txt"
    mine.write_text("a yellow desk\nblue cloth\na white table\n")
    settings = settings_from(vision={"clip": toy, "phrases": mine})
    async with aclosing(eyes_of(settings)) as eyes:
        await eyes.warm()
        assert eyes.classifier.details["engine"] == "tags"
        seen = await eyes.describe(photo("pencil"))
        assert seen.guesses[0].label == "some blue cloth"
        assert "It looks like some blue cloth." in in_words(Seen(guesses=seen.guesses)).replace("The picture", "It")


def test_the_shipped_phrases_are_many_and_every_one_is_there_once() -> None:
    phrases = read_phrases()
    assert 200 <= len(phrases) <= 300
    assert {"a cup of coffee", "keys", "an empty room", "source code"} <= set(phrases)


@pytest.mark.parametrize("text", ["", "# nothing\n", "one\n", "x\n" + "y" * 500 + "\n", "\n".join(map(str, range(3000)))])
def test_a_list_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "phrases.txt").write_text(text)
    with pytest.raises(InvalidSetting, match=r"phrases\.txt"):
        read_phrases(tmp_path / "phrases.txt")
    with pytest.raises(InvalidSetting, match="cannot be read"):
        read_phrases(tmp_path / "nothing.txt")
