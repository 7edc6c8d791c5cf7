"""Pixels and what was seen in them → a picture file with a box around each thing."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

from multimodal_assistant.core.errors import UsageError
from multimodal_assistant.core.types import Pixels, Sighting

_COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#808000")
_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def check_picture_name(path: Path) -> None:
    """Raises `UsageError` for a name that no picture can be saved under."""
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path} does not say which kind of picture to save.", "End the name in .jpg, .png or .webp.")


def save_drawn(pixels: Pixels, things: Sequence[Sighting], path: Path) -> None:
    """Save a copy with the boxes drawn in, whole or not at all. Raises `UsageError` where that cannot be done. Blocks."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    height, width = pixels.shape[:2]
    line = max(round(min(width, height) / 200), 2)
    text = max(round(min(width, height) / 30), 12)
    for number, thing in enumerate(things):
        colour, box = _COLOURS[number % len(_COLOURS)], thing.box
        left, top = box.left * width, box.top * height
        draw.rectangle((left, top, left + box.width * width, top + box.height * height), outline=colour, width=line)
        label = f" {thing.label} {thing.probability:.0%} "
        where = draw.textbbox((left, max(top - text * 1.3, 0)), label, font_size=text)
        draw.rectangle(where, fill=colour)
        draw.text(where[:2], label, fill="white", font_size=text, anchor="lt")
    encoded = io.BytesIO()
    image.save(encoded, _FORMATS[path.suffix.lower()], quality=92)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(encoded.getvalue())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.", "Choose another place with --out.") from error
