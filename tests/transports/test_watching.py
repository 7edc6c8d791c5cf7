"""A source that comes and goes as a test wants."""

from collections.abc import AsyncGenerator, Iterator
from itertools import islice

import anyio
import numpy as np
import pytest
from blockbuster import blockbuster_ctx

from multimodal_assistant.core.errors import DeviceError, UnreadablePicture
from multimodal_assistant.core.types import VideoFrame
from multimodal_assistant.transports.camera import Camera
from multimodal_assistant.transports.watching import waits, watching

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def never_blocks() -> Iterator[None]:
    with blockbuster_ctx("multimodal_assistant"):
        yield


LOST = DeviceError("Camera 0 was unplugged.", "Plug it in again.")


def frame(number: int) -> VideoFrame:
    return VideoFrame(np.zeros((2, 2, 3), np.uint8), float(number))


class Script:
    """What comes each time it is opened: numbers of frames, and an error or None at the end. After the last it stays for ever."""

    name = "camera 0"

    def __init__(self, *openings: tuple[int, Exception | None]) -> None:
        self._openings = list(openings)
        self._number = 0
        self.rate = 1.0
        self.opened = 0

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        self.opened += 1
        if not self._openings:
            await anyio.sleep_forever()
        count, end = self._openings.pop(0)
        for _ in range(count):
            yield frame(self._number)
            self._number += 1
            await anyio.lowlevel.checkpoint()
        if end:
            raise end


async def test_waits_grow_and_end_growing() -> None:
    assert list(islice(waits(), 8)) == [1, 2, 4, 8, 16, 30, 30, 30]


async def test_what_is_lost_is_found_again_and_both_are_told_once() -> None:
    told: list[str] = []
    source = Script((2, LOST), (0, LOST), (0, LOST), (0, LOST), (1, None))
    async with watching(source, told.append, first=0.0) as frames:
        seen = [taken.at async for taken in frames]
    assert seen[-1] == 2
    assert source.opened == 5
    assert told == [
        "Camera 0 was unplugged. Plug it in again. Until it is there, nothing can be seen.",
        "Camera 0 is there again.",
    ]


async def test_a_source_that_is_not_there_to_begin_with_is_waited_for() -> None:
    told: list[str] = []
    async with watching(Script((0, LOST), (1, None)), told.append, first=0.0) as frames:
        assert [taken.at async for taken in frames] == [0]
    assert len(told) == 2


async def test_the_newest_frame_wins() -> None:
    async with watching(Script((9, None)), lambda _: None) as frames:
        await anyio.wait_all_tasks_blocked()
        assert [taken.at async for taken in frames] == [8]


async def test_a_damaged_recording_is_told_and_ends() -> None:
    told: list[str] = []
    async with watching(Script((1, UnreadablePicture("The video is damaged.", "Copy it again."))), told.append) as frames:
        assert [taken.at async for taken in frames] == [0]
    assert told == ["The video is damaged. Copy it again."]


async def test_the_end_of_the_block_ends_the_watch() -> None:
    source = Script()
    async with watching(source, lambda _: None):
        await anyio.wait_all_tasks_blocked()
    assert source.opened == 1


class Socket:
    """Where a camera may be plugged in."""

    def __init__(self) -> None:
        self.plugged = True

    def isOpened(self) -> bool:
        return self.plugged

    def grab(self) -> bool:
        return self.plugged

    def retrieve(self) -> tuple[bool, object]:
        return self.plugged, np.zeros((2, 2, 3), np.uint8)

    def release(self) -> None:
        pass


async def test_a_real_camera_object_is_lost_and_found() -> None:
    socket, told, heard = Socket(), list[str](), anyio.Event()

    def notice(text: str) -> None:
        nonlocal heard
        told.append(text)
        heard.set()

    camera = Camera("Webcam", rate=120, open_capture=lambda _: socket, find=lambda _: 90)
    async with watching(camera, notice, first=0.001) as frames:
        await frames.receive()
        socket.plugged = False
        await heard.wait()
        heard = anyio.Event()
        socket.plugged = True
        await heard.wait()
        await frames.receive()
    assert [text.split(" ")[:4] for text in told] == [["Camera", "Webcam", "gives", "no"], ["Camera", "Webcam", "is", "there"]]
