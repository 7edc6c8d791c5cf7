"""The classifier and the reader, on photographs and on writing that the tests draw."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from photo_lab import photo
from PIL import Image, ImageDraw, ImageFont
from speech_lab import only_file

from multimodal_assistant.core.errors import EngineFailed, ModelMissing, UnreadablePicture
from multimodal_assistant.core.types import Pixels, WrittenLine
from multimodal_assistant.engines.vision.classifier import EfficientNetClassifier
from multimodal_assistant.engines.vision.reader import RapidOcrReader

pytestmark = [pytest.mark.models, pytest.mark.anyio]


def classifier(most: int = 5) -> EfficientNetClassifier:
    return EfficientNetClassifier(model=only_file("efficientnet-lite0", "*.tflite"), most=most)


def drawn(lines: list[str], *, size: int = 24, width: int = 900) -> Pixels:
    """Black on white, one below the other."""
    image = Image.new("RGB", (width, 40 + len(lines) * 2 * size), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for number, line in enumerate(lines):
        pen.text((20, 20 + number * 2 * size), line, fill="black", font=font)
    return np.asarray(image)


def squeezed(lines: list[WrittenLine] | list[str]) -> list[str]:
    """Letters alone: how far words stand apart is a matter of taste."""
    return ["".join((line if isinstance(line, str) else line.text).lower().split()) for line in lines]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("chelsea", {"Egyptian cat", "tabby", "tiger cat"}),
        ("coffee", {"espresso"}),
        ("china", {"palace", "bell cote", "castle"}),
        ("motorcycle_left", {"moped", "motor scooter"}),
        ("cameras", {"reflex camera"}),
        ("tools", {"hammer"}),
        ("strawberries", {"strawberry"}),
        ("camera", {"tripod"}),
        ("croissant", {"bagel", "French loaf", "bakery"}),
        ("laptop", {"notebook", "laptop"}),
    ],
)
async def test_a_picture_is_named_as_a_whole(name: str, labels: set[str]) -> None:
    engine = classifier()
    guesses = await engine.classify(photo(name))
    await engine.aclose()
    assert guesses[0].label in labels
    assert guesses[0].probability > 0.15
    assert [one.probability for one in guesses] == sorted((one.probability for one in guesses), reverse=True)


async def test_probabilities_over_all_labels_are_one_but_for_the_smallest() -> None:
    """The model gives steps of 1/256, below which a label has none."""
    engine = classifier(most=1000)
    sure, unsure = [sum(one.probability for one in await engine.classify(photo(name))) for name in ("strawberries", "astronaut")]
    await engine.aclose()
    assert 0.85 < sure <= 1.01
    assert 0.5 < unsure <= 1.01


async def test_what_is_no_picture_is_not_classified(tmp_path: Path) -> None:
    engine = classifier()
    with pytest.raises(UnreadablePicture):
        await engine.classify(np.zeros((0, 0, 3), np.uint8))
    for pixels in (np.zeros((1, 1, 3), np.uint8), np.zeros((1, 500, 3), np.uint8), photo("chelsea")[::-1, ::-1]):
        assert await engine.classify(pixels)
    await engine.aclose()
    await engine.aclose()
    (tmp_path / "model.tflite").write_bytes(b"junk")
    for model, problem in ((tmp_path / "model.tflite", "not a model"), (only_file("blazeface", "*.tflite"), "no list of labels")):
        engine = EfficientNetClassifier(model=model)
        with pytest.raises(EngineFailed, match=problem):
            await engine.warm()
        await engine.aclose()


async def test_a_printed_page_is_read_from_the_top(capfd: pytest.CaptureFixture[str]) -> None:
    engine = RapidOcrReader()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lines = await engine.read(photo("page"))
    await engine.aclose()
    text = squeezed(lines)
    assert text[0] == "region-basedsegmentation"
    for expected in (
        "letusfirstdeterminemarkersofthecoinsandthe",
        "unambiguouslyaseitherobjectorbackground.here,",
        "histogramofgreyvalues:",
    ):
        assert expected in text
    assert [line.box.top for line in lines] == sorted(line.box.top for line in lines)
    assert all(0 <= line.box.left and line.box.left + line.box.width <= 1.001 and 0 < line.box.height < 0.25 for line in lines)
    assert capfd.readouterr() == ("", "")  # it has a logger with a handler of its own


@pytest.mark.parametrize("size", [14, 24, 48])
async def test_what_the_test_writes_it_reads(size: int) -> None:
    written = ["Meet me at 18:30 in room 204.", "Bring the yellow folder", "Total: 4,217.50 EUR"]
    engine = RapidOcrReader()
    lines = await engine.read(drawn(written, size=size))
    await engine.aclose()
    assert squeezed(lines) == squeezed(written)
    assert min(line.probability for line in lines) > 0.9


async def test_the_box_of_a_line_is_where_it_stands() -> None:
    picture = np.full((720, 1280, 3), 255, np.uint8)
    words = drawn(["Lower right corner"], size=28, width=400)
    picture[-words.shape[0] :, -400:] = words
    engine = RapidOcrReader()
    (line,) = await engine.read(picture)
    await engine.aclose()
    assert line.box.left > 0.68
    assert line.box.top > 0.85
    assert line.box.width < 0.3


async def test_where_nothing_is_written_nothing_is_read() -> None:
    engine = RapidOcrReader()
    noise = np.random.default_rng(1).integers(0, 256, (100, 500, 3)).astype(np.uint8)
    for pixels in (photo("chelsea"), photo("flower"), np.zeros((480, 640, 3), np.uint8), noise[:3], noise[:, :2], noise[:1, :1]):
        assert await engine.read(pixels) == []
    with pytest.raises(UnreadablePicture):
        await engine.read(np.zeros((0, 1, 3), np.uint8))
    await engine.aclose()
    await engine.aclose()


async def test_models_of_ones_own_have_to_be_there_and_whole(tmp_path: Path) -> None:
    engine = RapidOcrReader(folder=tmp_path)
    with pytest.raises(ModelMissing, match="PP-OCRv6_det_small"):
        await engine.warm()
    for name in ("PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"):
        (tmp_path / name).write_bytes(b"junk")
    with pytest.raises(EngineFailed):
        await engine.read(drawn(["Some words"]))
    await engine.aclose()
