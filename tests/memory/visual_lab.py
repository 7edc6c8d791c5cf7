"""Views in a memory of their own, on the real index, with a scripted encoder whose space is the mean colour."""

import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from opened import edge

from multimodal_assistant.core.protocols import ImageTextEncoder
from multimodal_assistant.core.types import Box, Picture, Pixels, Sighting
from multimodal_assistant.engines.scripted_vision import COLOURS, ScriptedImageEncoder
from multimodal_assistant.memory.visual.keeper import ViewKeeper
from multimodal_assistant.memory.visual.ranking import Trust
from multimodal_assistant.memory.visual.store import Limits, Pictures, VisualMemory, open_visual_memory
from multimodal_assistant.memory.visual.view import Shot
from multimodal_assistant.processors.scene import Seen

NOW = datetime(2026, 5, 7, 14, 37, tzinfo=UTC)
LEFT, MIDDLE, RIGHT = (Box(left, 0.4, 0.2, 0.2) for left in (0.05, 0.4, 0.75))
TRUST = Trust(0.9, parts=True)


def ago(minutes: float) -> float:
    return NOW.timestamp() - 60 * minutes


def plain(colour: str, patch: str = "", box: Box = MIDDLE) -> Pixels:
    """A picture of one colour, with a patch of another one in it; with a noise of its own, by which its bytes can be told."""
    noise = np.random.default_rng(zlib.crc32(colour.encode())).integers(-3, 4, (90, 160, 3))
    pixels = np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)
    if patch:
        top, left = round(box.top * 90), round(box.left * 160)
        pixels[top : top + round(box.height * 90), left : left + round(box.width * 160)] = COLOURS[patch]
    return pixels


def marks(colour: str) -> list[bytes]:
    """Some of its bytes, from the beginning, the middle and the end."""
    data = plain(colour).tobytes()
    return [data[at : at + 100] for at in (100, len(data) // 2, len(data) - 200)]


def thing(label: str, box: Box = MIDDLE, probability: float = 0.9) -> Sighting:
    return Sighting(label, probability, box)


def shot(minutes: float, colour: str, *things: Sighting, source: str = "camera 0", colours: dict[str, str] | None = None) -> Shot:
    """So many minutes before NOW."""
    return Shot(plain(colour), ago(minutes), source, Seen(things, colours=colours or {}))


async def small(pixels: Pixels) -> Picture:
    """No JPEG, but bytes that can be looked for, and turned back."""
    height, width = pixels.shape[:2]
    return Picture(b"PIX%d,%d;" % (height, width) + pixels.tobytes(), "image/jpeg")


async def pixels_of(picture: Picture) -> Pixels:
    head, _, data = picture.data.removeprefix(b"PIX").partition(b";")
    height, width = (int(side) for side in head.split(b","))
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


@asynccontextmanager
async def visual(
    folder: Path, encoder: ImageTextEncoder | None = None, *, looks: bool = True, limits: Limits | None = None
) -> AsyncGenerator[VisualMemory]:
    """looks: False, and there is no encoder."""
    chosen = (encoder or ScriptedImageEncoder()) if looks else None
    pictures = Pictures(small, pixels_of)
    async with open_visual_memory(folder, chosen, edge, pictures, limits=limits or Limits(), trust=TRUST, clock=lambda: NOW) as memory:
        yield memory


@asynccontextmanager
async def keeping(folder: Path) -> AsyncGenerator[ViewKeeper]:
    """One that writes what it is given only at the end, unless a test runs it."""
    async with visual(folder) as memory:
        keeper = ViewKeeper(memory)
        try:
            yield keeper
        finally:
            await keeper.finish()


def files_with(folder: Path, pieces: Sequence[bytes]) -> list[str]:
    """Files that hold any of these bytes."""
    found: list[str] = []
    for path in folder.rglob("*"):
        data = path.read_bytes().rstrip(b"\0") if path.is_file() else b""  # files of the index are mostly emptiness
        found += [f"{path}" for piece in pieces if piece in data]
    return found
