"""What a caller's track shows: the newest, of a size that suits it, and nothing once it is put away."""

from contextlib import aclosing
from fractions import Fraction

import anyio
import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from multimodal_assistant.core.types import VideoFrame
from multimodal_assistant.transports.camera_track import CameraTrack

pytestmark = pytest.mark.anyio


class Track:
    """aiortc's, of pictures of one grey each."""

    def __init__(self, *greys: int, width: int = 1920, height: int = 1080, taken: float | None = None) -> None:
        self._pictures = [np.full((height, width, 3), grey, np.uint8) for grey in greys]
        self._taken = taken

    async def recv(self) -> av.VideoFrame:
        if not self._pictures:
            raise MediaStreamError
        frame = av.VideoFrame.from_ndarray(self._pictures.pop(0), format="rgb24")
        if self._taken is not None:
            frame.pts, frame.time_base = round(self._taken * 90_000), Fraction(1, 90_000)
        return frame


class EndlessTrack(Track):
    """The same, but it does not end: nothing more comes."""

    async def recv(self) -> av.VideoFrame:
        if not self._pictures:
            await anyio.sleep_forever()
        return await super().recv()


async def shown(camera: CameraTrack) -> VideoFrame:
    """The next frame."""
    with anyio.fail_after(5):
        async with aclosing(camera.frames()) as frames:
            return await anext(frames)


async def take(camera: CameraTrack, track: Track) -> None:
    """All there is."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(camera.take, track)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()


async def test_the_newest_picture_is_shown() -> None:
    camera = CameraTrack()
    assert not camera.open
    await take(camera, EndlessTrack(10, 20, 30))
    assert camera.open
    frame = await shown(camera)
    assert frame.pixels.shape == (720, 1280, 3)
    assert abs(int(frame.pixels[0, 0, 0]) - 30) <= 2


async def test_a_screen_is_kept_larger() -> None:
    camera = CameraTrack()
    camera.show("the screen", 1600)
    assert (camera.name, camera.open) == ("the screen", True)
    await take(camera, EndlessTrack(10))
    assert (await shown(camera)).pixels.shape == (900, 1600, 3)


async def test_what_is_put_away_is_not_seen_even_if_more_of_it_comes() -> None:
    camera = CameraTrack()
    await take(camera, EndlessTrack(10))
    camera.put_away()
    await take(camera, EndlessTrack(20))
    assert not camera.open
    camera.show("the camera")
    await take(camera, EndlessTrack(200))
    assert abs(int((await shown(camera)).pixels[0, 0, 0]) - 200) <= 2


@pytest.mark.parametrize("put_away", [False, True])
async def test_a_late_picture_of_what_was_shown_before_is_not_taken_for_what_is_shown_now(put_away: bool) -> None:
    camera = CameraTrack()
    await take(camera, EndlessTrack(10, taken=7.0))
    if put_away:
        camera.put_away()
    camera.show("the screen", 1600)
    await take(camera, EndlessTrack(10, taken=7.04))
    await take(camera, EndlessTrack(200))  # who gives no times is believed
    await take(camera, EndlessTrack(10, taken=7.05))
    assert abs(int((await shown(camera)).pixels[0, 0, 0]) - 200) <= 2


async def test_a_track_that_ends_shows_nothing() -> None:
    camera = CameraTrack()
    await camera.take(Track(10))
    assert not camera.open


async def test_another_thing_is_not_kept_waiting() -> None:
    camera = CameraTrack(rate=0.001)
    greys: list[int] = []

    async def look() -> None:
        async with aclosing(camera.frames()) as frames:
            async for frame in frames:
                greys.append(int(frame.pixels[0, 0, 0]))
                seen[len(greys) - 1].set()

    seen = [anyio.Event(), anyio.Event()]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            for grey, event in zip((10, 200), seen, strict=True):
                camera.show("the screen")
                await take(camera, EndlessTrack(grey))
                await event.wait()
            tasks.cancel_scope.cancel()
    assert [abs(grey - wanted) <= 2 for grey, wanted in zip(greys, (10, 200), strict=True)] == [True, True]
