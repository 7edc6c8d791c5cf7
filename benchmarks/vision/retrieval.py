"""Pictures by words: how often a photograph is found by its description, and how often something is found that was never there.

`run` uses the CLIP of the settings ([vision] clip), or the stand-in.
"""

import tempfile
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np

from benchmarks.machine import Section
from multimodal_assistant.app import settings_from
from multimodal_assistant.config import Settings
from multimodal_assistant.memory.visual.ranking import wanted
from multimodal_assistant.memory.visual.view import Shot
from multimodal_assistant.pipeline.views import settled
from multimodal_assistant.seeing import eyes_of
from multimodal_assistant.visual_memory import Views, encoder_of, open_views

from .photographs import CAPTIONS, photo

ABSENT = (
    "dog",
    "bicycle",
    "elephant",
    "bus",
    "pizza",
    "airplane",
    "zebra",
    "microwave",
    "boat",
    "banana",
    "guitar",
    "piano",
    "ladder",
    "hamster",
    "snake",
    "bridge",
    "penguin",
    "fountain",
    "candle",
    "violin",
    "tractor",
    "wheelchair",
    "keys",
    "wallet",
    "passport",
    "glasses",
    "headphones",
    "dinosaur",
)
"""Things that are in none of the photographs; the first ten the detector knows."""

PRESENT = {
    "cat": "chelsea",
    "cup": "coffee",
    "motorcycle": "motorcycle_left",
    "horse": "horse",
    "laptop": "laptop",
    "scissors": "scissors",
    "phone": "smartphone",
    "temple": "china",
    "flower": "flower",
    "moon": "moon",
    "rocket": "rocket",
    "strawberries": "strawberries",
    "pencil": "pencil",
    "hammer": "tools",
    "camera": "cameras",
    "telephone": "telephone",
    "croissant": "croissant",
    "coffee beans": "beans",
    "coins": "coins",
    "axe": "tools",
    "sea": "sea",
    "map": "map",
}
"""What is in them, and where it is the subject; others may have it too."""


async def run() -> Section:
    """Two tables."""
    settings = settings_from()
    ranks = {"the vectors of the whole pictures": await _by_vectors(settings)}
    with tempfile.TemporaryDirectory() as folder:
        apart = settings.model_copy(update={"memory": settings.memory.model_copy(update={"folder": Path(folder)})})
        async with open_views(apart) as views:
            ids = await _put_in(settings, views)
            ranks["words, things and vectors of all parts, fused"] = await _by_all(views, ids)
            named = await _named(views, ids)
    lines = [f"{len(CAPTIONS)} photographs by their descriptions (`tests/models/photo_lab.py`):", "", _table(ranks), "", named]
    return Section("Pictures found by words", "\n".join(lines))


async def _by_vectors(settings: Settings) -> Sequence[int]:
    async with encoder_of(settings) as encoder:
        images = await encoder.encode_images([photo(name) for name in CAPTIONS])
        texts = await encoder.encode_texts([f"a photo of {wanted(text).text}" for text in CAPTIONS.values()])
    likeness = texts @ images.T
    return [int(rank) for rank in (likeness > likeness.diagonal()[:, None]).sum(axis=1)]


async def _put_in(settings: Settings, views: Views) -> dict[str, int]:
    """Photograph → its number."""
    now = time.time()
    ids: dict[str, int] = {}
    async with aclosing(eyes_of(settings)) as eyes:
        for number, name in enumerate(CAPTIONS):
            seen = settled(await eyes.describe(photo(name)))
            ids[name] = await views.memory.keep(views.user, Shot(photo(name), now - 60 * number, name, seen)) or 0
    return ids


async def _by_all(views: Views, ids: dict[str, int]) -> Sequence[int]:
    ranks: list[int] = []
    for name, text in CAPTIONS.items():
        found = await views.memory.recall_visual(views.user, text, most=len(ids), sure=False)
        places = [one.view.id for one in found]
        ranks.append(places.index(ids[name]) if ids[name] in places else len(ids))
    return ranks


async def _named(views: Views, ids: dict[str, int]) -> str:
    """What is told of single things."""
    wrong: list[str] = []
    for thing in ABSENT:
        wrong += [thing] if await views.memory.recall_visual(views.user, thing) else []
    right = 0
    other: list[str] = []
    for thing, name in PRESENT.items():
        places = [one.view.id for one in await views.memory.recall_visual(views.user, thing, most=len(ids))]
        right += ids[name] in places
        other += [thing] if places and ids[name] not in places else []
    found = f"Single things, as they are told: of {len(PRESENT)} that are there {right} are found where they are the subject"
    elsewhere = f" ({', '.join(other) or 'none'}: only elsewhere)"
    false = f"; of {len(ABSENT)} that are not, {len(wrong)} are said to have been seen ({', '.join(wrong) or 'none'})."
    return found + elsewhere + false


def _table(ranks: dict[str, Sequence[int]]) -> str:
    lines = ["| found by | first | among three | mean reciprocal rank |", "|---|---|---|---|"]
    for name, found in ranks.items():
        places = np.array(found)
        lines.append(f"| {name} | {np.mean(places < 1):.0%} | {np.mean(places < 3):.0%} | {np.mean(1 / (places + 1)):.2f} |")
    return "\n".join(lines)
