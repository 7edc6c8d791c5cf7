"""Pictures as people have them: good, odd and broken ones."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from multimodal_assistant.core.errors import InvalidSetting, UnreadablePicture
from multimodal_assistant.core.types import Pixels
from multimodal_assistant.transports.pictures import LARGEST, StillSource, jpeg, picture_pixels, read_picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(width: int = 64, height: int = 32) -> Pixels:
    """Red, green over blue, white."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = RED
    pixels[: height // 2, width // 2 :] = GREEN
    pixels[height // 2 :, : width // 2] = BLUE
    pixels[height // 2 :, width // 2 :] = WHITE
    return pixels


def corners(pixels: Pixels) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters, in reading order; to full steps of what they should be."""
    height, width, _ = pixels.shape
    points = [(height // 4, width // 4), (height // 4, 3 * width // 4), (3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return [tuple(255 if value > 200 else 0 if value < 55 else int(value) for value in pixels[point]) for point in points]


def encoded(image: Image.Image, form: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def picture(form: str = "PNG", **how: Any) -> bytes:
    return encoded(Image.fromarray(quarters()), form, **how)


def refusal(data: bytes) -> UnreadablePicture:
    with pytest.raises(UnreadablePicture) as caught:
        picture_pixels(data, "NAME")
    check_words(caught.value, "NAME")
    return caught.value


def check_words(error: UnreadablePicture, name: str) -> None:
    """One sentence that names the picture, and a remedy."""
    assert type(error) is UnreadablePicture
    for text in (error.problem, error.remedy):
        assert text.endswith(".")
        assert not text.endswith("..")
        assert "\n" not in text
    assert name in error.problem
    assert ". " not in error.problem.replace(name, "")
    assert "Error" not in error.problem


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO"])
def test_every_format_is_read(form: str) -> None:
    pixels = picture_pixels(picture(form))
    assert pixels.dtype == np.uint8
    assert pixels.shape == (32, 64, 3)
    assert pixels.flags.c_contiguous
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(form: str) -> None:
    first, second = Image.fromarray(quarters()), Image.new("RGB", (64, 32), "black")
    assert corners(picture_pixels(encoded(first, form, save_all=True, append_images=[second]))) == [RED, GREEN, BLUE, WHITE]


def held(upright: Pixels, orientation: int) -> Pixels:
    """How a camera stores what it sees, by the EXIF standard's table of orientations."""
    turned = {5: 1, 6: 1, 7: -1, 8: -1, 3: 2, 4: 2}.get(orientation, 0)
    stored = np.rot90(upright, turned)
    return np.ascontiguousarray(stored[:, ::-1] if orientation in (2, 4) else stored[::-1] if orientation in (5, 7) else stored)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was_held(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(held(quarters(), orientation))
    pixels = picture_pixels(encoded(stored, form, exif=exif))
    assert pixels.shape == (32, 64, 3)
    assert corners(pixels) == [RED, GREEN, BLUE, WHITE]


def test_damaged_notes_on_a_picture_do_not_matter() -> None:
    assert picture_pixels(picture("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40)).shape == (32, 64, 3)


def test_printers_colours() -> None:
    image = Image.fromarray(quarters()).convert("CMYK")
    for data in (encoded(image, "JPEG"), encoded(image, "TIFF")):
        assert corners(picture_pixels(data)) == [RED, GREEN, BLUE, WHITE]


def test_palettes_and_bits() -> None:
    assert corners(picture_pixels(encoded(Image.fromarray(quarters()).quantize(8), "PNG"))) == [RED, GREEN, BLUE, WHITE]
    black_and_white = Image.fromarray(quarters().min(axis=2)).convert("1")
    assert corners(picture_pixels(encoded(black_and_white, "PNG"))) == [(0, 0, 0)] * 3 + [WHITE]
    assert corners(picture_pixels(encoded(Image.fromarray(quarters()[:, :, 2]), "JPEG"))) == [(0, 0, 0)] * 2 + [WHITE] * 2


def see_through() -> NDArray[np.uint8]:
    """Red solid, green at half, the lower half not there."""
    pixels = np.dstack([quarters(), np.full((32, 64), 255, np.uint8)])
    pixels[:16, 32:, 3] = 128
    pixels[16:, :, 3] = 0
    return pixels


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_lies_on_white(form: str) -> None:
    how = {"lossless": True} if form == "WEBP" else {}
    assert corners(picture_pixels(encoded(Image.fromarray(see_through()), form, **how))) == [RED, (127, 255, 127), WHITE, WHITE]


def test_transparent_colours_of_a_palette_lie_on_white() -> None:
    image = Image.new("P", (64, 32), 0)
    image.putpalette([*RED, *GREEN, *BLUE])
    image.paste(1, (32, 0, 64, 16))
    assert corners(picture_pixels(encoded(image, "PNG", transparency=1))) == [RED, WHITE, RED, RED]
    assert corners(picture_pixels(encoded(image, "PNG", transparency=bytes([255, 128, 0])))) == [RED, (127, 255, 127), RED, RED]
    assert corners(picture_pixels(encoded(image, "GIF", transparency=0))) == [WHITE, GREEN, WHITE, WHITE]


def test_grey_with_transparency_lies_on_white() -> None:
    layer = Image.fromarray(np.dstack([np.zeros((32, 64), np.uint8), see_through()[:, :, 3]]))
    assert corners(picture_pixels(encoded(layer, "PNG"))) == [(0, 0, 0), (127, 127, 127), WHITE, WHITE]


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_are_scaled(form: str) -> None:
    deep = np.linspace(0, 65_535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    pixels = picture_pixels(encoded(Image.fromarray(deep), form))
    assert (pixels[0, :, 0] == np.arange(256)).all()
    assert (pixels == pixels[:, :, :1]).all()


def test_grey_of_real_numbers_is_scaled_by_what_it_holds() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None, :].repeat(4, axis=0)
    for values in (ramp, ramp * 255, ramp * 1e6):
        assert (picture_pixels(encoded(Image.fromarray(values), "TIFF"))[0, :, 0] == np.arange(256)).all()
    whole = (ramp * 1e9).astype(np.int32)
    assert (picture_pixels(encoded(Image.fromarray(whole), "TIFF"))[0, :, 0] == np.arange(256)).all()
    assert not picture_pixels(encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF")).any()


# What cannot be read


def test_text_is_no_picture() -> None:
    assert refusal(b"Dear Madam,\nwith this letter").problem == "NAME is not a picture that can be read."
    assert refusal(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n").problem == "NAME is not a picture that can be read."


def test_formats_that_are_known_but_not_read_are_named() -> None:
    assert "HEIC" in refusal(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)).problem
    assert "looks like a video" in refusal(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(100)).problem


def test_no_bytes() -> None:
    assert refusal(b"").problem == "NAME is empty (0 bytes)."


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_half_a_picture_is_refused(form: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), form)
    for share in (0.05, 0.3, 0.6, 0.9):
        assert "cut short" in refusal(data[: int(len(data) * share)]).problem


DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]), DAMAGE)
def test_damage_anywhere_gives_a_picture_or_a_sentence(form: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(picture(form))
    for where, value in changes:
        data[int(where * (len(data) - 1))] = value
    try:
        pixels = picture_pixels(bytes(data), "NAME")
    except UnreadablePicture as error:
        check_words(error, "NAME")
    else:
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that would become width x height pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_001, 10_000, 15_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    """10,000² is more than Pillow warns of, 15,000² more than it opens."""
    assert refusal(png_that_claims(side, side)).problem == "NAME has more than 64 megapixels."


def test_what_is_just_small_enough_is_decoded() -> None:
    assert "cut short" in refusal(png_that_claims(LARGEST // 8_000, 8_000)).problem  # it was tried, and had no pixels


# Files


def refused(path: Path) -> str:
    with pytest.raises(UnreadablePicture) as caught:
        read_picture(path)
    check_words(caught.value, str(path))
    return caught.value.problem.replace(str(path), "FILE")


def test_a_file_is_read_whatever_its_name_says(tmp_path: Path) -> None:
    path = tmp_path / "a picture.txt"
    path.write_bytes(picture("WEBP", lossless=True))
    assert corners(read_picture(path)) == [RED, GREEN, BLUE, WHITE]


def test_files_that_are_none(tmp_path: Path) -> None:
    def fifo(path: Path) -> None:
        os.mkfifo(path)

    made: dict[str, tuple[Callable[[Path], Any], str]] = {
        "missing": (lambda _: None, "There is no file FILE."),
        "folder": (lambda path: path.mkdir(), "FILE is a folder, not a picture."),
        "empty": (lambda path: path.touch(), "FILE is empty (0 bytes)."),
        "pipe": (fifo, "FILE is a pipe or a device, not a picture."),
        "letter.jpg": (lambda path: path.write_text("Dear Madam,"), "FILE is not a picture that can be read."),
        "gone": (lambda path: path.symlink_to("nowhere"), "There is no file FILE."),
        "circle": (lambda path: path.symlink_to("circle"), "FILE cannot be read: Too many levels of symbolic links."),
    }
    for name, (make, problem) in made.items():
        make(tmp_path / name)
        assert refused(tmp_path / name) == problem


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(picture())
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser reads everything
        pytest.skip("runs as root")
    assert refused(path) == "FILE cannot be read: Permission denied."


# JPEG


def test_a_jpeg_is_as_large_as_it_is_looked_at() -> None:
    for size, expected in (((3000, 1500), (768, 384)), ((600, 1200), (384, 768)), ((100, 50), (100, 50)), ((5000, 1), (768, 1))):
        made = jpeg(quarters(*size))
        assert made.media_type == "image/jpeg"
        assert Image.open(io.BytesIO(made.data)).size == expected


def test_a_jpeg_shows_the_picture() -> None:
    made = jpeg(quarters(640, 320), long_side=320, quality=90)
    assert corners(picture_pixels(made.data)) == [RED, GREEN, BLUE, WHITE]
    assert len(jpeg(quarters(640, 320), long_side=320, quality=10).data) < len(made.data)


def test_the_same_pixels_give_the_same_bytes() -> None:
    assert jpeg(quarters(900, 700)) == jpeg(quarters(900, 700))


# A picture that stays


@pytest.mark.anyio
async def test_a_picture_stays_in_view(tmp_path: Path) -> None:
    path = tmp_path / "view.png"
    path.write_bytes(picture())
    source = StillSource(path, rate=100)
    assert source.name == "view.png"
    for _ in range(2):
        async with aclosing(source.frames()) as frames:
            seen = [await anext(frames) for _ in range(3)]
        assert all(corners(frame.pixels) == [RED, GREEN, BLUE, WHITE] for frame in seen)
        assert seen[1].at - seen[0].at > 0.005
        assert seen[2].at - seen[1].at > 0.0


@pytest.mark.anyio
async def test_a_change_of_rate_ends_a_long_wait(tmp_path: Path) -> None:
    path = tmp_path / "view.png"
    path.write_bytes(picture())
    source = StillSource(path, rate=0.001)
    async with aclosing(source.frames()) as frames:
        await anext(frames)
        source.rate = 120
        assert source.rate == 120
        await anext(frames)
    with pytest.raises(InvalidSetting):
        source.rate = 0


@pytest.mark.anyio
async def test_a_picture_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture):
        await anext(StillSource(tmp_path / "none.png").frames())
