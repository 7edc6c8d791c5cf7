"""`assistant see`: what is in a picture."""

import json
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import click
from rich.text import Text

from multimodal_assistant.core.errors import UnreadablePicture, UsageError
from multimodal_assistant.core.types import Box

from .run import run

if TYPE_CHECKING:
    from multimodal_assistant.core.types import Pixels
    from multimodal_assistant.pipeline.describe import Eyes
    from multimodal_assistant.processors.scene import Seen


@dataclass(frozen=True, slots=True)
class Options:
    """The flags."""

    images: tuple[Path, ...]
    out: Path | None
    reads: bool
    as_json: bool


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Save a copy with a box around each thing: a picture file, or a folder for several."
)
@click.option("--read", "reads", is_flag=True, help="Read the writing too; it takes a second or more.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each picture, a line each, and nothing else.")
def command(images: tuple[Path, ...], out: Path | None, reads: bool, as_json: bool) -> None:
    """Say what is recognized in each IMAGE (JPEG, PNG, WebP, GIF, BMP, TIFF), and how surely.

    This is what a language model without eyes is told; to ask about a picture: assistant ask QUESTION.wav --image IMAGE.
    """
    options = Options(images, out, reads, as_json)
    run(lambda: _see(options), silent=True)


async def _see(options: Options) -> None:
    from multimodal_assistant.app import quiet_threads, settings_from
    from multimodal_assistant.seeing import eyes_of

    from .view import View

    places = _places(options)
    quiet_threads()
    view = View(quiet=options.as_json)
    async with aclosing(eyes_of(settings_from())) as eyes:
        with view.loading():
            await eyes.warm()
        unread = 0
        for image, place in zip(options.images, places, strict=True):
            try:
                await _one(image, place, options, eyes, view.out)
            except UnreadablePicture as error:
                if len(options.images) == 1:
                    raise
                unread += 1
                click.echo(f"assistant: {error}", err=True)
    if unread:
        raise UnreadablePicture(f"{unread} of {len(options.images)} pictures could not be read.", "The others are above.")


async def _one(image: Path, place: Path | None, options: Options, eyes: "Eyes", out: Any) -> None:
    from multimodal_assistant.pipeline.views import settled
    from multimodal_assistant.processors.scene import in_words
    from multimodal_assistant.transports.drawn import save_drawn
    from multimodal_assistant.transports.pictures import read_picture

    pixels = await anyio.to_thread.run_sync(read_picture, image)
    begun = time.perf_counter()
    seen = settled(await eyes.describe(pixels, reading=options.reads))
    milliseconds = round(1000 * (time.perf_counter() - begun), 1)
    if place is not None:
        await anyio.to_thread.run_sync(save_drawn, pixels, seen.sightings, place)
    if options.as_json:
        click.echo(json.dumps(_report(image, place, pixels, seen, milliseconds), ensure_ascii=False))
        return
    out.print(Text.assemble((f"{image}", "bold"), (f"  {pixels.shape[1]}x{pixels.shape[0]}, {milliseconds:.0f} ms", "dim")))
    out.print(f"  {in_words(seen)}", markup=False)
    for thing in seen.sightings:
        out.print(Text(f"  {thing.probability:4.0%}  {thing.label}", style="dim"))
    for guess in [one for one in seen.guesses if one.probability >= 0.1][:3]:
        out.print(Text(f"  {guess.probability:4.0%}  {guess.label} (the picture as a whole)", style="dim"))
    if place is not None:
        out.print(Text(f"  saved: {place}", style="dim"))


def _report(image: Path, place: Path | None, pixels: "Pixels", seen: "Seen", milliseconds: float) -> dict[str, Any]:
    from multimodal_assistant.processors.scene import in_words

    return {
        "file": str(image),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "words": in_words(seen),
        "things": [{"label": one.label, "probability": round(one.probability, 3), "box": _corners(one.box)} for one in seen.sightings],
        "guesses": [{"label": one.label, "probability": round(one.probability, 3)} for one in seen.guesses],
        "writing": [{"text": one.text, "probability": round(one.probability, 3), "box": _corners(one.box)} for one in seen.lines],
        "dark": seen.dark,
        "out": None if place is None else str(place),
        "ms": milliseconds,
    }


def _corners(box: Box) -> list[float]:
    """Left, top, width, height, in fractions of the picture."""
    return [round(value, 4) for value in (box.left, box.top, box.width, box.height)]


def _places(options: Options) -> Sequence[Path | None]:
    """Where the copies go, checked before any work is done."""
    from multimodal_assistant.transports.drawn import check_picture_name
    from multimodal_assistant.transports.file import check_writable

    out = options.out
    if out is None:
        return [None] * len(options.images)
    if out.is_dir():
        places = [out / f"{image.stem}-seen.jpg" for image in options.images]
        if len(set(places)) < len(places):
            raise UsageError("Two of the pictures have the same name; their copies would replace each other.", "See them one at a time.")
    elif len(options.images) > 1:
        raise UsageError(f"{out} is no folder, and there are {len(options.images)} pictures to save.", f"Create it: mkdir -p '{out}'.")
    else:
        check_picture_name(out)
        places = [out]
    for place in places:
        check_writable(place)
    return places
