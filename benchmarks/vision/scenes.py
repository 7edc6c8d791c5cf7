"""Scenes that are filmed with noise and light that changes slowly, and things that are put into them; all of it by the seed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Box, Pixels

WIDTH, HEIGHT = 1280, 720

Scene = NDArray[np.float32]
"""What is before the camera: RGB from 0 to 255, shape [720, 1280, 3]."""

PHOTOS = ("fruits.jpg", "home.jpg", "stuff.jpg", "messi5.jpg", "board.jpg", "building.jpg", "aero1.jpg", "basketball1.png")
"""Of Debian's opencv-doc."""


class Film:
    """One camera: the noise of its sensor, and the light."""

    def __init__(self, seed: int, *, noise: float = 6.0, swing: float = 0.15, period: float = 300.0) -> None:
        """noise: standard deviation in steps of 255. swing: by which share the light rises and falls within `period` seconds."""
        self._random = np.random.default_rng(seed)
        self._grain: list[Scene] = [self._random.normal(0, noise, (HEIGHT, WIDTH, 3)).astype(np.float32) for _ in range(3)]
        self._swing = swing
        self._period = period

    def shot(self, scene: Scene, at: float) -> Pixels:
        """`scene` as it is filmed after `at` seconds."""
        light = 1.0 + self._swing * np.sin(2 * np.pi * at / self._period)
        down, right = self._random.integers(0, HEIGHT), self._random.integers(0, WIDTH)
        first, second = self._random.choice(len(self._grain), 2, replace=False)
        # Two of a few fields, shifted against each other: as good as new noise, at a tenth of the time.
        grain = np.roll(self._grain[int(first)], (int(down), int(right)), (0, 1)) + self._grain[int(second)]
        return np.ascontiguousarray(np.clip(scene * np.float32(light) + grain * np.float32(np.sqrt(0.5)) + 0.5, 0, 255), np.uint8)


def drawn(seed: int) -> Scene:
    """A made-up room: patches of light and shadow, texture, and a dozen things."""
    random = np.random.default_rng(seed)
    scene = np.ascontiguousarray(60 + 120 * _cloud(random, 3, 4) + 30 * (_cloud(random, 45, 80) - 0.5), np.float32)
    for _ in range(12):
        _put(scene, _thing(random, int(random.integers(60, 300))), random)
    return scene


def photographed(folder: Path) -> list[Scene]:
    """Photographs, cut and scaled to the size of the frame; those of PHOTOS that are there."""
    from PIL import Image, ImageOps

    found = [folder / name for name in PHOTOS if (folder / name).is_file()]
    fitted = [ImageOps.fit(Image.open(path).convert("RGB"), (WIDTH, HEIGHT)) for path in found]
    return [np.asarray(image, np.float32) for image in fitted]


def with_thing(scene: Scene, share: float, seed: int, photos: Sequence[Scene] = ()) -> tuple[Scene, Box]:
    """A thing of `share` of the width is put somewhere, and where: a made-up one, or one that is cut out of one of `photos`."""
    random = np.random.default_rng(seed)
    side = round(share * WIDTH)
    if photos:
        source = photos[int(random.integers(len(photos)))]
        thing = _cut(source, side, random)
    else:
        thing = _thing(random, side)
    copy = scene.copy()
    return copy, _put(copy, thing, random)


def _cloud(random: np.random.Generator, rows: int, columns: int) -> NDArray[np.float32]:
    """Smooth noise from 0 to 1 with so many hills; [720, 1280, 3]."""
    coarse = np.asarray(random.random((rows + 1, columns + 1, 3)), np.float32)
    y: NDArray[np.float32] = np.linspace(0, rows - 1e-3, HEIGHT).astype(np.float32)
    x: NDArray[np.float32] = np.linspace(0, columns - 1e-3, WIDTH).astype(np.float32)
    row, column = y.astype(np.intp), x.astype(np.intp)
    down, right = (y - row)[:, None, None], (x - column)[None, :, None]
    upper = coarse[row][:, column] * (1 - right) + coarse[row][:, column + 1] * right
    lower = coarse[row + 1][:, column] * (1 - right) + coarse[row + 1][:, column + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def _thing(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    """A box or a ball of any colour, with a stripe and a side in the shadow; RGB and whether it is there, [height, side, 4]."""
    height = max(int(side * random.uniform(0.6, 1.4)), 2)
    thing = np.ones((height, side, 4), np.float32)
    thing[:, :, :3] = random.uniform(10, 245, 3)
    stripe = int(random.integers(0, max(height * 3 // 4, 1)))
    thing[stripe : stripe + max(height // 4, 1), :, :3] = random.uniform(10, 245, 3)
    thing[:, :, :3] *= np.linspace(1.0, random.uniform(0.5, 1.0), side, dtype=np.float32)[None, :, None]
    if random.random() < 0.5:
        thing[:, :, 3] = _disc(height, side)
    return thing


def _cut(source: NDArray[np.float32], side: int, random: np.random.Generator) -> NDArray[np.float32]:
    """A round or square piece of a photograph."""
    height = min(side, HEIGHT)
    top, left = int(random.integers(0, HEIGHT - height + 1)), int(random.integers(0, WIDTH - side + 1))
    there = _disc(height, side) if random.random() < 0.5 else np.ones((height, side), np.float32)
    return np.concatenate([source[top : top + height, left : left + side], there[:, :, None]], axis=2)


def _disc(height: int, width: int) -> NDArray[np.float32]:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return (y**2 + x**2 <= 1).astype(np.float32)


def _put(scene: NDArray[np.float32], thing: NDArray[np.float32], random: np.random.Generator) -> Box:
    height, width = min(len(thing), HEIGHT), len(thing[0])
    top, left = int(random.integers(0, HEIGHT - height + 1)), int(random.integers(0, WIDTH - width + 1))
    place = scene[top : top + height, left : left + width]
    there: NDArray[np.float32] = thing[:height, :, 3:]
    place[:] = thing[:height, :, :3] * there + place * (1 - there)
    return Box(left / WIDTH, top / HEIGHT, width / WIDTH, height / HEIGHT)
