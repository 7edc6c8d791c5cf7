"""Frames that are worth looking at are handed over once, when it is plain what is in them."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from multimodal_assistant.core.types import Box, Picture, Pixels, Sighting, VideoFrame
from multimodal_assistant.engines.scripted import Script
from multimodal_assistant.engines.scripted_vision import ScriptedClassifier, ScriptedDetector, ScriptedReader
from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.pipeline.live import LiveView
from multimodal_assistant.processors.scene import POSSIBLE, Seen

pytestmark = pytest.mark.anyio

MIDDLE = Box(0.4, 0.4, 0.2, 0.2)
CAT = Sighting("cat", 0.9, MIDDLE)
PERHAPS = Sighting("dog", POSSIBLE + 0.01, MIDDLE)


def scenery(seed: int) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 16, 3))
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


@dataclass
class Shown:
    """A source whose frames a test gives; `kept` is what was handed over of them."""

    name: str = "the camera"
    rate: float = 1.0
    kept: list[tuple[float, tuple[str, ...], tuple[Box, ...]]] = field(default_factory=list[tuple[float, tuple[str, ...], tuple[Box, ...]]])

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        for frame in ():
            yield frame

    def keep(self, frame: VideoFrame, seen: Seen, changed: tuple[Box, ...]) -> None:
        self.kept.append((frame.at, tuple(one.label for one in seen.sightings), changed))


def eyes(*scenes: Sequence[Sighting], script: Script | None = None) -> Eyes:
    return Eyes(ScriptedDetector(scenes=scenes, script=script), ScriptedClassifier(scenes=[[]]), ScriptedReader())


async def encode(pixels: Pixels) -> Picture:
    return Picture(pixels[:1, :1].tobytes(), "image/jpeg")


async def watched(view: LiveView, *pictures: Pixels, busy: Callable[[], bool] = lambda: False) -> None:
    """These frames, a second apart."""

    async def frames() -> AsyncGenerator[VideoFrame]:
        for second, pixels in enumerate(pictures):
            yield VideoFrame(pixels, float(second))
            await anyio.lowlevel.checkpoint()

    await view.watch(frames(), busy=busy)


async def test_each_scene_is_handed_over_once() -> None:
    class OnlyThere(ScriptedDetector):
        async def detect(self, pixels: Pixels) -> list[Sighting]:
            return [CAT] if np.array_equal(pixels, scenery(1)) else []

    source = Shown()
    view = LiveView(source, encode, Eyes(OnlyThere(), ScriptedClassifier(scenes=[[]]), ScriptedReader()), source.keep)
    await watched(view, *[scenery(1)] * 7, *[scenery(2)] * 5)
    (_, labels, changed), (_, nothing, _) = source.kept
    assert (labels, nothing) == (("cat",), ())
    assert changed == (Box(0.0, 0.0, 1.0, 1.0),)


async def test_what_is_doubtful_waits_for_another_look() -> None:
    source = Shown()
    recognizers = eyes([PERHAPS])
    await watched(LiveView(source, encode, recognizers, source.keep), *[scenery(1)] * 5)
    ((at, labels, _),) = source.kept
    assert labels == ("dog",)
    assert at > 0.0


async def test_what_stays_in_view_is_handed_over_once_a_minute() -> None:
    source = Shown()
    recognizers = eyes([CAT])
    await watched(LiveView(source, encode, recognizers, source.keep), *[scenery(1)] * 130)
    assert [labels for _, labels, _ in source.kept] == [("cat",)] * 3
    first, second, third = (at for at, _, _ in source.kept)
    assert second - first >= 55.0
    assert third - second == pytest.approx(60.0, abs=1.5)


async def test_while_an_answer_is_made_nothing_is_recognized_for_it() -> None:
    source = Shown()
    view = LiveView(source, encode, eyes([CAT]), source.keep)
    await watched(view, *[scenery(1)] * 4, busy=lambda: True)
    assert source.kept == []


async def test_darkness_is_not_handed_over() -> None:
    source = Shown()
    await watched(LiveView(source, encode, None, source.keep), *[np.zeros((180, 320, 3), np.uint8)] * 3, *[scenery(1)] * 4)
    assert len(source.kept) == 1
    assert source.kept[0][0] >= 3.0


async def test_what_cannot_be_recognized_is_not_handed_over() -> None:
    source = Shown()
    await watched(LiveView(source, encode, eyes([CAT], script=Script(fail_after=0)), source.keep), *[scenery(1)] * 3)
    assert source.kept == []
