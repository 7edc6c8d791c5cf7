"""Photographs for the tests, by name: `photo("chelsea")`. Run as a program it fetches them all, so that no test has to wait."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image

from multimodal_assistant.app import settings_from
from multimodal_assistant.core.types import Pixels
from multimodal_assistant.models import ModelStore, load_manifest

TABLE = Path(__file__).parents[1] / "photographs.toml"

LONGEST = 1280
"""Pixels of the longer side: what a camera delivers. Larger ones are shrunk."""

CAPTIONS = {
    "astronaut": "a woman in an orange space suit in front of a flag",
    "brick": "a brick wall",
    "camera": "a man filming with a camera on a tripod",
    "chelsea": "the face of a cat",
    "clock_motion": "a blurred clock",
    "coffee": "a cup of coffee on a saucer",
    "coins": "old coins",
    "grass": "grass from close by",
    "gravel": "gravel, small stones",
    "horse": "a horse seen from the side",
    "hubble_deep_field": "stars and galaxies",
    "moon": "the surface of the moon",
    "motorcycle_left": "a red motorbike in a garage",
    "page": "a page of a printed book",
    "rocket": "a rocket before its launch",
    "china": "a Chinese temple",
    "flower": "an orange flower",
    "quokka": "a small furry animal",
    "desk": "a computer on a desk, and a chair",
    "collection": "books, a camera and other things laid out on a table",
    "notebook": "a pile of printed notebooks",
    "cameras": "two old photo cameras",
    "old-book": "an old book beside a pan, knives and spices",
    "pens": "a row of pens in front of a wooden box",
    "tools": "a hammer, an axe and gloves",
    "sea": "the open sea",
    "smartphone": "a black mobile phone",
    "code": "source code on a screen",
    "laptop": "hands typing on a laptop",
    "laughing": "a laughing woman",
    "cap": "a man with a cap",
    "texting": "a woman writing on her phone",
    "map": "a travel map with a bag and a camera",
    "telephone": "an old black telephone",
    "blank-page": "a phone beside an empty exercise book",
    "space-walk": "an astronaut working on a space station",
    "for-sale": "an astronaut holding up a sign",
    "cafe": "people sitting in a café",
    "beans": "roasted coffee beans",
    "barista": "a shop assistant behind the counter",
    "cups": "cups in a circle on a round table",
    "croissant": "a pastry held in a hand",
    "sacks": "a heap of full sacks",
    "scissors": "scissors and envelopes",
    "notes": "coloured sheets of paper and a pencil",
    "pencil": "a white pencil on a blue ground",
    "strawberries": "strawberries in a bowl",
}
"""What somebody might look for who wants to see one of them again."""


@functools.cache
def _store() -> ModelStore:
    settings = settings_from()
    return ModelStore(settings.home, load_manifest(TABLE), settings.models_dir)


def names() -> list[str]:
    """All photographs there are."""
    rows = _store().manifest.models.values()
    return [Path(file.path).stem for model in rows if model.kind == "photographs" for file in model.files]


def place(name: str) -> Path:
    """The file that is called so but for its ending. What is missing is fetched, with what else is in its package."""
    for model in _store().manifest.models.values():
        for file in model.files:
            if Path(file.path).name.partition(".")[0] == name:
                if _store().status(model.name).state != "ready":
                    _store().pull(model.name)
                return _store().path(model.name) / file.path
    raise KeyError(name)


@functools.cache
def photo(name: str) -> Pixels:
    """A photograph as a camera would deliver it; the same array each time, and not to be written to."""
    with Image.open(place(name)) as image:
        image = image.convert("RGB")
    image.thumbnail((LONGEST, LONGEST))
    pixels = np.asarray(image)
    pixels.flags.writeable = False
    return pixels


if __name__ == "__main__":
    for row in _store().manifest.models:
        _store().pull(row)
