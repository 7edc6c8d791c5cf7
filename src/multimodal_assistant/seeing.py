"""The composition root of the eyes: settings and what is on this machine → engines that recognize, and what they look at."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from importlib.util import find_spec

import anyio.to_thread

from .config import Settings
from .core.protocols import LanguageModel, Prefilling, Seeing, Sight
from .core.types import Picture, Pixels
from .engines import registry
from .models.store import open_store
from .pipeline.describe import Eyes
from .pipeline.sight import NoSight, ShownSight, Viewer
from .pipeline.views import StillView
from .transports.pictures import jpeg

MODELS = ("efficientdet-lite0", "efficientnet-lite0")


def eyes_of(settings: Settings) -> Eyes:
    """Nothing is loaded yet. Raises `ModelMissing`."""
    store = open_store(settings.home, settings.models_dir)
    detector, classifier = (next(iter(sorted(store.path(name).glob("*.tflite")))) for name in MODELS)
    return Eyes(
        registry.build("detect", "efficientdet", model=detector),
        registry.build("classify", "efficientnet", model=classifier),
        registry.build("read", "rapidocr"),
    )


def can_see(settings: Settings) -> bool:
    """Whether all that they need is here."""
    store = open_store(settings.home, settings.models_dir)
    return all(store.status(name).state == "ready" for name in MODELS) and all(find_spec(one) for one in ("ai_edge_litert", "PIL"))


async def viewer_of(llm: LanguageModel) -> Viewer:
    """What a language model makes of a view."""
    return Viewer(isinstance(llm, Seeing) and await llm.sees(), isinstance(llm, Prefilling))


async def encoded(pixels: Pixels) -> Picture:
    """As a language model is sent it."""
    return await anyio.to_thread.run_sync(jpeg, pixels)


@asynccontextmanager
async def sight_for(settings: Settings, llm: LanguageModel, pixels: Pixels | None) -> AsyncGenerator[Sight]:
    """For one question, and the picture that is shown with it, if there is one. Raises `ModelMissing` where that needs eyes of its own."""
    if pixels is None:
        yield NoSight()
        return
    viewer = await viewer_of(llm)
    if viewer.sees:
        yield ShownSight(StillView(pixels, encoded, None), viewer)
        return
    async with aclosing(eyes_of(settings)) as eyes:
        await eyes.warm()
        yield ShownSight(StillView(pixels, encoded, eyes), viewer)
