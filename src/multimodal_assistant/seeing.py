"""The composition root of the eyes: settings and what is on this machine → engines that recognize, and what they look at."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np

from .config import Settings
from .core.errors import AssistantError
from .core.events import EventBus, SpeechStarted, TurnCommitted
from .core.protocols import ImageTextEncoder, LanguageModel, Prefilling, Seeing, Sight, VideoSource
from .core.types import Picture, Pixels
from .engines import registry
from .engines.vision.clip_folder import clip_engine
from .models.store import open_store
from .pipeline.describe import Eyes
from .pipeline.live import Keep, LiveView
from .pipeline.look_ahead import keeps_pictures
from .pipeline.look_tool import LOOK, may_look
from .pipeline.reply import Manner
from .pipeline.sight import LiveSight, NoSight, ShownSight, Viewer
from .pipeline.views import Encode, StillView
from .transports.pictures import LONG_SIDE, STILLS, StillSource, jpeg, picture_pixels
from .transports.video_file import VideoFile
from .transports.watching import watching

MODELS = ("efficientdet-lite0", "efficientnet-lite0", "blazeface")


def eyes_of(settings: Settings) -> Eyes:
    """Nothing is loaded yet. Raises `ModelMissing`."""
    store = open_store(settings.home, settings.models_dir)
    detector, classifier, faces = (next(iter(sorted(store.path(name).glob("*.tflite")))) for name in MODELS)
    clip, phrases = settings.vision.clip, settings.vision.phrases
    return Eyes(
        registry.build("detect", "efficientdet", model=detector),
        registry.build("classify", "clip", encoder=clip_of(clip), **({"phrases": phrases} if phrases else {}))
        if clip
        else registry.build("classify", "efficientnet", model=classifier),
        registry.build("read", "rapidocr"),
        registry.build("detect", "blazeface", model=faces),
    )


def clip_of(folder: Path) -> ImageTextEncoder:
    """The CLIP in a folder, by whatever reads it. Nothing is loaded yet. Raises `ModelMissing`."""
    return registry.build("image", clip_engine(folder), model=folder)


@asynccontextmanager
async def live_sight(
    settings: Settings,
    llm: LanguageModel,
    source: VideoSource,
    bus: EventBus,
    *,
    busy: Callable[[], bool],
    notice: Callable[[str], None],
    keep: Keep | None = None,
) -> AsyncGenerator[Sight]:
    """For a conversation before `source`, which is kept open as long as the block lasts. Raises `ModelMissing`.

    busy: whether an answer is being made. notice: is told when the source is lost, and when it is back. keep: remembers what is seen.
    """
    viewer = await viewer_of(llm)
    async with AsyncExitStack() as stack:
        eyes = None
        if not viewer.sees or keep is not None:  # what is remembered is found again by the names of things
            eyes = await stack.enter_async_context(aclosing(eyes_of(settings)))
            await eyes.warm()
        view = LiveView(source, encoded, eyes, keep)
        bus.subscribe(SpeechStarted, lambda _: view.speech_begins())
        bus.subscribe(TurnCommitted, lambda _: view.speech_ends())
        frames = await stack.enter_async_context(watching(source, notice))
        tasks = await stack.enter_async_context(anyio.create_task_group())
        tasks.start_soon(partial(view.watch, frames, busy=busy), name="view")
        yield LiveSight(view, viewer)
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def eyes_for(settings: Settings, viewer: Viewer, notice: Callable[[str], None], *, remembers: bool) -> AsyncGenerator[Eyes | None]:
    """For conversations that may be shown something; loaded when they are. None where the model sees by itself and nothing is remembered
    by its name, and where they cannot be had, which `notice` is told: people who only talk need none."""
    if viewer.sees and not remembers:
        yield None
        return
    async with AsyncExitStack() as stack:
        eyes = None
        try:
            eyes = await stack.enter_async_context(aclosing(eyes_of(settings)))
        except AssistantError as error:
            notice(f"Nothing can be shown: {error}")
        yield eyes


def live_view(source: VideoSource, viewer: Viewer, eyes: Eyes | None, encode: Encode | None = None, keep: Keep | None = None) -> LiveView:
    """What `source` shows, for this viewer.

    encode: as it is sent to a model that sees, if not as pictures are in general. keep: remembers what is seen.
    """
    return LiveView(source, encode or encoded, None if viewer.sees and keep is None else eyes, keep)


async def still_view(picture: Picture, eyes: Eyes | None) -> StillView:
    """A picture that somebody has sent. Raises `UnreadablePicture`."""
    return StillView(await anyio.to_thread.run_sync(picture_pixels, picture.data), encoded, eyes)


def source_of(path: Path) -> VideoSource:
    """A video file, or a picture that stays in view."""
    return StillSource(path) if path.suffix.lower() in STILLS else VideoFile(path)


async def check_source(path: Path) -> None:
    """That a first picture comes of it. Raises `UnreadablePicture`."""
    async with aclosing(source_of(path).frames()) as frames:
        await anext(frames)


async def practised(llm: LanguageModel, manner: Manner) -> Manner:
    """With what was found out about a model that sees, with a picture of its own making: whether it can ask to look, and whether it is
    worth showing it a picture while the user still speaks."""
    if not (isinstance(llm, Seeing) and await llm.sees()):
        return manner
    asks = await may_look(llm, system=manner.system)
    rows, columns = np.mgrid[0:576, 0:768]
    pixels = np.stack([columns // 3, rows // 3, (rows + columns) // 6], axis=2).astype(np.uint8)
    keeps = await keeps_pictures(llm, await encoded(pixels), system=manner.system, tools=(LOOK,) if asks else ())
    return replace(manner, may_look=asks, looks_ahead=keeps)


async def viewer_of(llm: LanguageModel) -> Viewer:
    """What a language model makes of a view."""
    return Viewer(isinstance(llm, Seeing) and await llm.sees(), isinstance(llm, Prefilling))


async def encoded(pixels: Pixels, long_side: int = LONG_SIDE) -> Picture:
    """As a language model is sent it."""
    return await anyio.to_thread.run_sync(jpeg, pixels, long_side)


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
