"""The detectors of things and of faces, on photographs: what they see, where, and what they do with what is no picture."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from photo_lab import photo
from speech_lab import only_file

from multimodal_assistant.core.errors import AssistantError, EngineFailed, ModelMissing, UnreadablePicture
from multimodal_assistant.core.protocols import ObjectDetector
from multimodal_assistant.core.types import Box, Pixels, Sighting
from multimodal_assistant.engines.vision.boxes import boxed, once_each, overlaps
from multimodal_assistant.engines.vision.detector import EfficientDetDetector, anchors
from multimodal_assistant.engines.vision.faces import FaceDetector

pytestmark = [pytest.mark.models, pytest.mark.anyio]


def things() -> EfficientDetDetector:
    return EfficientDetDetector(model=only_file("efficientdet-lite0", "*.tflite"))


def faces() -> FaceDetector:
    return FaceDetector(model=only_file("blazeface", "*.tflite"))


def overlap(one: Box, other: Box) -> float:
    first, second = (np.array([[box.left, box.top, box.left + box.width, box.top + box.height]]) for box in (one, other))
    return float(overlaps(first[0], second)[0])


async def seen(engine: ObjectDetector, pixels: Pixels) -> list[Sighting]:
    """What it sees, with the promises of the contract kept."""
    found = await engine.detect(pixels)
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    for one in found:
        assert 0.0 < one.probability <= 1.0
        assert min(one.box.left, one.box.top) >= 0.0
        assert min(one.box.width, one.box.height) > 0.0
        assert max(one.box.left + one.box.width, one.box.top + one.box.height) <= 1.0 + 1e-6
    return found


@pytest.mark.parametrize(
    ("name", "label", "box"),
    [
        ("chelsea", "cat", Box(0.0, 0.0, 0.9, 1.0)),
        ("coffee", "cup", Box(0.29, 0.04, 0.4, 0.7)),
        ("motorcycle_left", "motorcycle", Box(0.13, 0.1, 0.77, 0.78)),
        ("horse", "horse", Box(0.03, 0.04, 0.94, 0.92)),
        ("astronaut", "person", Box(0.0, 0.0, 0.7, 1.0)),
        ("camera", "person", Box(0.0, 0.1, 0.63, 0.9)),
        ("laptop", "laptop", Box(0.145, 0.43, 0.42, 0.52)),
    ],
)
async def test_things_are_named_and_placed(name: str, label: str, box: Box) -> None:
    engine = things()
    found = await seen(engine, photo(name))
    await engine.aclose()
    assert found[0].label == label
    assert found[0].probability > 0.6
    assert overlap(found[0].box, box) > 0.6


async def test_each_thing_is_seen_once_and_as_many_as_there_are() -> None:
    engine = things()
    cups = [one for one in await seen(engine, photo("cups")) if one.label == "cup"]
    await engine.aclose()
    assert 6 <= len(cups) <= 8  # of eight
    assert max(overlap(one.box, other.box) for index, one in enumerate(cups) for other in cups[:index]) <= 0.5


async def test_the_place_of_a_thing_follows_the_picture() -> None:
    """A cat at the right end of a wide picture, and at the lower end of a tall one: the padding is taken off again."""
    engine = things()
    cat = photo("chelsea")
    height, width = cat.shape[:2]
    wide = np.full((height, 2 * width, 3), 90, np.uint8)
    wide[:, width:] = cat
    tall = np.full((3 * height, width, 3), 90, np.uint8)
    tall[2 * height :] = cat
    for picture, whole in ((wide, Box(0.5, 0.0, 0.5, 1.0)), (tall, Box(0.0, 2 / 3, 1.0, 1 / 3))):
        cats = [one for one in await seen(engine, picture) if one.label == "cat"]
        assert len(cats) == 1
        assert overlap(cats[0].box, whole) > 0.6
    await engine.aclose()


@pytest.mark.parametrize(
    ("name", "box"),
    [
        ("astronaut", Box(0.35, 0.16, 0.18, 0.18)),
        ("laughing", Box(0.29, 0.33, 0.4, 0.4)),
        ("cap", Box(0.27, 0.29, 0.43, 0.43)),
        ("texting", Box(0.47, 0.15, 0.24, 0.24)),
    ],
)
async def test_faces_are_found(name: str, box: Box) -> None:
    engine = faces()
    (face,) = await seen(engine, photo(name))
    await engine.aclose()
    assert face.label == "face"
    assert face.probability > 0.85
    assert overlap(face.box, box) > 0.6


async def test_where_is_no_face_none_is_seen() -> None:
    engine = faces()
    for name in ("chelsea", "coffee", "flower", "cups", "telephone", "page", "brick"):
        assert await seen(engine, photo(name)) == [], name
    await engine.aclose()


@pytest.mark.parametrize("make", [things, faces])
async def test_darkness_noise_and_splinters_are_pictures_too(make: type[ObjectDetector]) -> None:
    engine = make()
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pixels in (np.zeros((480, 640, 3), np.uint8), noise, noise[:1, :1], noise[:1], noise[:, :1], noise[::-1, ::2]):
            await seen(engine, pixels)
    await engine.aclose()
    await engine.aclose()


@pytest.mark.parametrize("make", [things, faces])
@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3), (5, 5), (5, 5, 4), (5, 5, 3, 1)])
async def test_what_is_no_picture_is_said_to_be_none(make: type[ObjectDetector], shape: tuple[int, ...]) -> None:
    engine = make()
    with pytest.raises(UnreadablePicture, match="no picture"):
        await engine.detect(np.zeros(shape, np.uint8))
    with pytest.raises(UnreadablePicture, match="float"):
        await engine.detect(np.zeros((5, 5, 3), np.float32))  # pyright: ignore[reportArgumentType]
    await engine.aclose()


@pytest.mark.parametrize("made", [EfficientDetDetector, FaceDetector])
async def test_files_that_are_missing_damaged_or_others_are_named(
    made: type[EfficientDetDetector] | type[FaceDetector], tmp_path: Path
) -> None:
    async def refused(model: Path, error: type[AssistantError], match: str) -> None:
        engine = made(model=model)
        with pytest.raises(error, match=match):
            await engine.warm()
        await engine.aclose()

    await refused(tmp_path / "nothing.tflite", ModelMissing, r"nothing\.tflite")
    whole = only_file("efficientdet-lite0", "*.tflite").read_bytes()
    for damage in (b"", b"junk", whole[:100_000], whole[: len(whole) // 2], bytes(len(whole))):
        (tmp_path / "damaged.tflite").write_bytes(damage)
        await refused(tmp_path / "damaged.tflite", EngineFailed, r"damaged\.tflite is not a model")
    await refused(only_file("efficientnet-lite0", "*.tflite"), EngineFailed, r"image_classifier\.tflite")


def test_the_anchors_are_those_of_the_models_own_metadata() -> None:
    """Each stands in the file as a table of four floats, height first (object_detector_metadata_schema.fbs)."""
    data = only_file("efficientdet-lite0", "*.tflite").read_bytes()
    numbers = {tuple(struct.unpack_from("<4f", data, at)) for at in range(0, 464_000, 4)}
    rounded = {tuple(round(value, 4) for value in row[::-1]) for row in numbers if all(0 < value < 3 for value in row)}
    computed = anchors()
    assert computed.shape == (19_206, 4)
    assert all(tuple(round(float(value), 4) for value in row) in rounded for row in computed[::37])


def test_of_boxes_that_overlap_the_likeliest_is_kept() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 1, 0.6], [0, 0, 1, 0.95], [0.5, 0.5, 0.6, 0.6]], np.float64)
    kinds = np.array([0, 0, 1, 1, 0])
    assert once_each(boxes, kinds) == [0, 2, 4]  # the second is the first; the fourth is the first by another name
    assert once_each(boxes[:0], kinds[:0]) == []


def test_what_of_a_box_is_outside_is_cut_off() -> None:
    assert boxed(np.array([-0.5, 0.25, 0.5, 2.0])) == Box(0.0, 0.25, 0.5, 0.75)
    assert boxed(np.array([1.5, 0.0, 2.0, 1.0])) is None
