"""The composition root of the memory of what was seen: settings and what is on this machine → views that are kept and found again."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from .config import Settings
from .core.errors import AssistantError
from .core.protocols import ImageTextEncoder, LanguageModel, Seeing, Sight, TextEmbedder
from .core.types import Picture, Pixels
from .engines import registry
from .memory.index import VectorIndex
from .memory.visual.captions import Captioner
from .memory.visual.keeper import ViewKeeper
from .memory.visual.ranking import Trust
from .memory.visual.sight import RememberingSight
from .memory.visual.store import Limits, Pictures, VisualMemory, open_visual_memory
from .models.store import open_store
from .pipeline.live import Keep
from .pipeline.sight import Viewer
from .remembering import embedder
from .seeing import clip_of
from .transports.pictures import jpeg, picture_pixels

TRUST = {"conse": Trust(0.6, parts=False), "clip": Trust(0.25, parts=True)}
"""The stand-in, measured on 47 photographs (benchmarks/vision/retrieval.py): of the 18 things that are in none of them, and that the
detector does not know, it takes none for seen; from .5, or by parts, two. Of a real CLIP: about what its texts and pictures come to
that belong together, which could not be measured here."""

_LONG_SIDE = 320
_QUALITY = 75
"""Of the pictures that are kept: 10 to 20 kB each."""


@dataclass(frozen=True, slots=True)
class Views:
    """What a program holds while it runs."""

    keeper: ViewKeeper
    days: float
    user: str
    """Whose views they are where nobody else is named."""

    @property
    def memory(self) -> VisualMemory:
        return self.keeper.memory

    @property
    def notice(self) -> str:
        """What people are told before a camera."""
        days = f"{self.days:g} {'day' if self.days == 1 else 'days'}"
        return f"What the camera sees is remembered for {days}; off with ASSISTANT_VISION__REMEMBER=false."

    def keep(self, source: str, user: str = "") -> Keep:
        """What a live view hands its frames to."""
        return self.keeper.keep_for(user or self.user, source)

    def sight(self, inner: Sight, viewer: Viewer, llm: LanguageModel, user: str = "") -> RememberingSight:
        """The eyes of one conversation, with a memory."""
        pictures = viewer.sees and stays_here(llm)
        return RememberingSight(inner, self.keeper, user or self.user, small=viewer.small, pictures=pictures)


def stays_here(llm: LanguageModel) -> bool:
    """Whether what it is given stays on this machine."""
    host = llm.details.get("host", "")
    name = urlsplit(host if "//" in host else f"//{host}").hostname
    return not host or name in {"localhost", "::1"} or (name or "").startswith("127.")


def folder_of(settings: Settings) -> Path:
    """Where it is all kept."""
    return settings.memory.folder / "visual"


@asynccontextmanager
async def remembered_views(
    settings: Settings,
    llm: LanguageModel,
    *,
    quiet: Callable[[], bool],
    notice: Callable[[str], None],
    texts: TextEmbedder | None = None,
) -> AsyncGenerator[Views | None]:
    """For conversations before a camera. They need no memory: None where it is off, or cannot be had, which `notice` is told.

    llm: where it sees, and runs on this machine, it says what is in the views. quiet: whether nobody has the floor. texts: an embedder that
    is open already; it is not closed here.
    """
    async with AsyncExitStack() as stack:
        views = None
        try:
            if settings.vision.remember and settings.memory.enabled:
                views = await stack.enter_async_context(open_views(settings, quiet=quiet, texts=texts))
                if stays_here(llm) and isinstance(llm, Seeing) and await llm.sees():
                    tasks = await stack.enter_async_context(anyio.create_task_group())
                    tasks.start_soon(Captioner(views.memory, llm, quiet=quiet).run, name="captions")
                    stack.callback(tasks.cancel_scope.cancel)
            elif await anyio.to_thread.run_sync((folder_of(settings) / "views.sqlite3").is_file):
                async with kept_views(settings):  # what is too old goes, though nothing is added any more
                    pass
        except AssistantError as error:
            notice(f"What is seen is not remembered: {error}")
        yield views


@asynccontextmanager
async def open_views(
    settings: Settings, *, quiet: Callable[[], bool] = lambda: True, texts: TextEmbedder | None = None
) -> AsyncGenerator[Views]:
    """The memory of what was seen, until the end of the block; then all that was handed over is on the disk. Raises `MemoryStoreError`,
    `ModelMissing`."""
    async with encoder_of(settings, texts) as encoder, _opened(settings, encoder) as memory:
        keeper = ViewKeeper(memory, quiet=quiet)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(keeper.run, name="views")
                yield Views(keeper, settings.vision.keep_days, settings.memory.user)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await keeper.finish()


@asynccontextmanager
async def kept_views(settings: Settings) -> AsyncGenerator[VisualMemory]:
    """What was kept, to be shown and deleted; it needs no model. Raises `MemoryStoreError`."""
    async with _opened(settings, None) as memory:
        yield memory


@asynccontextmanager
async def encoder_of(settings: Settings, texts: TextEmbedder | None = None) -> AsyncGenerator[ImageTextEncoder]:
    """What makes vectors of pictures and of texts: the CLIP of the settings, or the stand-in. Raises `ModelMissing`."""
    clip = settings.vision.clip
    async with AsyncExitStack() as stack:
        if clip is not None:
            engine = await anyio.to_thread.run_sync(clip_of, clip)
        else:
            classifier = next(iter(sorted(open_store(settings.home, settings.models_dir).path("efficientnet-lite0").glob("*.tflite"))))
            texts = texts or await stack.enter_async_context(aclosing(embedder(settings)))
            engine = registry.build("image", "conse", model=classifier, embedder=texts, cache=settings.home / "derived")
        yield await stack.enter_async_context(aclosing(engine))


@asynccontextmanager
async def _opened(settings: Settings, encoder: ImageTextEncoder | None) -> AsyncGenerator[VisualMemory]:
    limits = Limits(settings.vision.keep_days, settings.vision.most_views)
    trust = TRUST["clip"] if encoder is None else TRUST.get(encoder.details["engine"], TRUST["clip"])
    async with open_visual_memory(folder_of(settings), encoder, _index, Pictures(_small, _pixels), limits=limits, trust=trust) as memory:
        yield memory


def _index(folder: Path, dimensions: int) -> VectorIndex:
    """Always in this process: a Qdrant server may be elsewhere, and what was seen stays here."""
    from .memory.qdrant_edge import EdgeIndex

    return EdgeIndex(folder, dimensions=dimensions)


async def _small(pixels: Pixels) -> Picture:
    return await anyio.to_thread.run_sync(partial(jpeg, pixels, _LONG_SIDE, _QUALITY))


async def _pixels(picture: Picture) -> Pixels:
    return await anyio.to_thread.run_sync(picture_pixels, picture.data)
