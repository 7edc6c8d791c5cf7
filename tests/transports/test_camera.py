"""A camera that a test holds in its hand: it shows what it is told, hangs, and comes unplugged."""

import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from queue import Queue
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest
from blockbuster import blockbuster_ctx

from multimodal_assistant.core.errors import DeviceError, InvalidSetting
from multimodal_assistant.core.types import VideoFrame
from multimodal_assistant.transports.camera import Camera, CameraName, cameras, index_of, open_capture

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def never_blocks() -> Iterator[None]:
    """What the camera does on the event loop waits for no device."""
    with blockbuster_ctx("multimodal_assistant"):
        yield


class HandCamera:
    """Shows a picture of one brightness after another; like a driver, it keeps those that nobody has taken."""

    def __init__(self, *, endless: bool = True, shape: tuple[int, ...] = (6, 8, 3)) -> None:
        self.plugged = True
        self.released = threading.Event()
        self.hangs = threading.Event()
        self.let_go = threading.Event()
        self.drained = threading.Event()
        self._shape = shape
        self._endless = endless
        self._waiting: Queue[int] = Queue()
        self._grabbed = 7

    def show(self, *values: int) -> None:
        self.drained.clear()
        for value in values:
            self._waiting.put(value)

    def isOpened(self) -> bool:
        return self.plugged

    def grab(self) -> bool:
        if self.hangs.is_set():
            self.let_go.wait()
        if not self._endless:
            if self._waiting.empty():
                self.drained.set()
            self._grabbed = self._waiting.get()
        return self.plugged

    def retrieve(self) -> tuple[bool, Any]:
        return self.plugged, np.full(self._shape, self._grabbed, np.uint8)

    def release(self) -> None:
        self.released.set()


def made(hand: HandCamera, *, rate: float = 120.0, dead: float = 30.0, patience: float = 30.0) -> Camera:
    return Camera(0, rate=rate, open_capture=lambda _: hand, dead=dead, opening=dead, patience=patience)


async def fault(frames: AsyncGenerator[VideoFrame]) -> DeviceError:
    """What ends them."""
    with pytest.raises(DeviceError) as caught:
        async for _ in frames:
            pass
    check_words(caught.value)
    return caught.value


def check_words(error: DeviceError) -> None:
    for text in (error.problem, error.remedy):
        assert text.endswith(".")
        assert "\n" not in text
    assert ". " not in error.problem
    assert error.problem[0].isupper()


async def test_pictures_come_as_red_green_blue_on_the_loops_clock() -> None:
    class Coloured(HandCamera):
        def retrieve(self) -> tuple[bool, Any]:
            return True, np.full((6, 8, 3), (1, 2, 3), np.uint8)

    hand = Coloured()
    async with aclosing(made(hand).frames()) as frames:
        begun = anyio.current_time()
        seen = [await anext(frames) for _ in range(3)]
    assert seen[0].pixels.shape == (6, 8, 3)
    assert seen[0].pixels[0, 0].tolist() == [3, 2, 1]
    assert seen[0].pixels.flags.c_contiguous
    assert begun <= seen[0].at < seen[1].at < seen[2].at <= anyio.current_time()
    assert hand.released.is_set()


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 4)])
async def test_grey_and_four_channels_become_three(shape: tuple[int, ...]) -> None:
    async with aclosing(made(HandCamera(shape=shape)).frames()) as frames:
        assert (await anext(frames)).pixels.tolist() == np.full((6, 8, 3), 7).tolist()


async def test_the_newest_picture_is_taken_not_the_one_that_waited() -> None:
    hand = HandCamera(endless=False)
    hand.show(*range(20))
    camera = made(hand, rate=0.001)
    async with aclosing(camera.frames()) as frames:
        await anext(frames)
        hand.show(*range(20, 90))
        await anyio.to_thread.run_sync(hand.drained.wait)
        camera.rate = 120
        seen: list[VideoFrame] = []

        async def read() -> None:
            seen.append(await anext(frames))
            hand.show(0)  # the thread waits for a picture, and is to end

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            hand.show(100)
        assert seen[0].pixels[0, 0, 0] in (89, 100)


async def test_how_often_may_change_while_it_runs() -> None:
    camera = made(HandCamera(), rate=0.001)
    async with aclosing(camera.frames()) as frames:
        await anext(frames)
        camera.rate = 100
        await anext(frames)
    assert camera.rate == 100
    with pytest.raises(InvalidSetting):
        camera.rate = -1


async def test_a_camera_that_is_not_there() -> None:
    hand = HandCamera()
    hand.plugged = False
    with pytest.raises(DeviceError) as caught:
        await anext(made(hand).frames())
    check_words(caught.value)
    assert caught.value.problem == "There is no camera 0."
    assert hand.released.is_set()


async def test_a_camera_that_comes_unplugged_and_is_plugged_in_again() -> None:
    hand = HandCamera()
    camera = made(hand)
    async with aclosing(camera.frames()) as frames:
        await anext(frames)
        hand.plugged = False
        assert (await fault(frames)).problem.startswith("Camera 0 gives no picture")
    assert hand.released.is_set()
    hand.plugged = True
    async with aclosing(camera.frames()) as frames:
        await anext(frames)


async def test_a_driver_that_hangs_holds_nobody_up() -> None:
    hand = HandCamera()
    async with aclosing(made(hand, dead=0.05, patience=0.0).frames()) as frames:
        await anext(frames)
        hand.hangs.set()
        assert (await fault(frames)).problem == "Camera 0 does not answer."
    assert not hand.released.is_set()
    hand.let_go.set()
    await anyio.to_thread.run_sync(hand.released.wait)  # the thread that was left behind cleans up after all


async def test_a_cancel_closes_the_camera() -> None:
    hand = HandCamera()
    camera = made(hand)
    async with anyio.create_task_group() as tasks:

        async def read() -> None:
            async with aclosing(camera.frames()) as frames:
                async for _ in frames:
                    tasks.cancel_scope.cancel()

        tasks.start_soon(read)
    assert hand.released.is_set()


async def test_opencv_says_nothing_of_a_camera_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DeviceError) as caught:
        await anext(Camera(97).frames())
    check_words(caught.value)
    assert "camera 97" in caught.value.problem
    assert capfd.readouterr() == ("", "")
    assert not (await anyio.to_thread.run_sync(open_capture, 97)).isOpened()


def listed(folder: Path, **names: str) -> Path:
    """What Linux has under /sys/class/video4linux."""
    for device, name in names.items():
        (folder / device).mkdir(parents=True)
        (folder / device / "name").write_text(f"{name}\n")
        (folder / device / "index").write_text("1\n" if "metadata" in name else "0\n")
    return folder


def test_cameras_have_names(tmp_path: Path) -> None:
    folder = listed(tmp_path, video10="BRIO", video0="Integrated Camera", video1="Integrated Camera metadata", video2="BRIO Ultra")
    assert cameras(folder) == [CameraName(0, "Integrated Camera"), CameraName(2, "BRIO Ultra"), CameraName(10, "BRIO")]
    assert index_of("brio ultra", folder) == 2
    assert index_of("BRIO", folder) == 10
    assert index_of("integr", folder) == 0
    assert [index_of(which, folder) for which in (3, "3", "/dev/video3")] == [3, 3, 3]
    with pytest.raises(DeviceError) as caught:
        index_of("Kinect", folder)
    check_words(caught.value)
    assert caught.value.remedy == "There are: 0 (Integrated Camera), 2 (BRIO Ultra), 10 (BRIO)."


def test_no_camera_at_all(tmp_path: Path) -> None:
    assert cameras(tmp_path / "none") == []
    with pytest.raises(DeviceError) as caught:
        index_of("Kinect", tmp_path)
    check_words(caught.value)
