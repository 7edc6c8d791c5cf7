"""Pixels and the plain names of their colours."""

import numpy as np
import pytest

from multimodal_assistant.core.types import Box, Pixels
from multimodal_assistant.processors.colours import colour_of


def plain(*rgb: int) -> Pixels:
    return np.full((90, 160, 3), rgb, np.uint8)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((200, 20, 25), "red"),
        ((240, 130, 20), "orange"),
        ((250, 220, 40), "yellow"),
        ((30, 140, 50), "green"),
        ((30, 70, 200), "blue"),
        ((110, 40, 160), "purple"),
        ((250, 150, 190), "pink"),
        ((110, 65, 30), "brown"),
        ((10, 12, 11), "black"),
        ((128, 126, 130), "grey"),
        ((245, 244, 240), "white"),
    ],
)
def test_the_eleven(rgb: tuple[int, int, int], name: str) -> None:
    noisy = plain(*rgb).astype(int) + np.random.default_rng(1).integers(-8, 9, (90, 160, 3))
    assert colour_of(noisy.clip(0, 255).astype(np.uint8)) == name


def test_two_that_share_a_thing() -> None:
    pixels = plain(255, 255, 255)
    pixels[:, ::2] = 0
    pixels[:, 80:] = 255
    pixels[:, 120:] = 0
    assert set(colour_of(pixels, Box(0.5, 0.0, 0.5, 1.0)).split(" and ")) == {"white", "black"}


def test_a_box_tells_which() -> None:
    pixels = plain(30, 70, 200)
    pixels[:, :80] = (200, 20, 25)
    assert colour_of(pixels, Box(0.0, 0.0, 0.5, 1.0)) == "red"
    assert colour_of(pixels, Box(0.5, 0.0, 0.5, 1.0)) == "blue"


def test_a_motley_has_no_colour() -> None:
    assert colour_of(np.random.default_rng(2).integers(0, 256, (90, 160, 3)).astype(np.uint8)) == ""


def test_a_box_of_one_pixel() -> None:
    assert colour_of(plain(10, 10, 10), Box(0.999, 0.999, 0.001, 0.001)) in {"black", ""}
