"""Camera of this machine → frames: the newest there is, as often as wanted.

A driver keeps a few pictures ready, and who takes one a second gets one of seconds ago. So all are taken as they come, on a thread, and
only those that are wanted are decoded.
"""

import math
import os
import re
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import anyio
import numpy as np

from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import Pixels, VideoFrame
from multimodal_assistant.core.worker import Emit, Worker

from .pacing import Pace

_SYSTEM = Path("/sys/class/video4linux")
_OPENING_SECONDS = 15.0  # a camera that sleeps behind a hub takes some, and macOS may ask its user first
_DEAD_SECONDS = 5.0
_PATIENCE = 3.0  # for a call into the driver that hangs: its thread is left behind
_ADJUSTING = 8  # pictures that a camera makes before it has found the light
_SPIN_SECONDS = 0.005  # between two pictures, where a driver does not wait for the next by itself
_WIDTH, _HEIGHT = 1280, 720


class Capture(Protocol):
    """What we use of `cv2.VideoCapture`."""

    def isOpened(self) -> bool: ...

    def grab(self) -> bool:
        """Wait for the next picture; False where there will be none."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """The picture that was grabbed: uint8, BGR [height, width, 3] or grey [height, width]."""
        ...

    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class CameraName:
    """A camera of this machine, for people to choose."""

    index: int
    name: str


def cameras(folder: Path = _SYSTEM) -> list[CameraName]:
    """Those that Linux knows; elsewhere cameras have no names that we could read, and there are none here. Blocks."""
    found: list[CameraName] = []
    for device in folder.glob("video*"):
        number = device.name.removeprefix("video")
        # A camera has several devices; the first shows pictures, the others tell about them.
        if number.isdecimal() and _line(device / "index") in ("0", ""):
            found.append(CameraName(int(number), _line(device / "name")))
    return sorted(found, key=lambda camera: camera.index)


def index_of(which: int | str, folder: Path = _SYSTEM) -> int:
    """Of a camera by number or part of its name. Raises `DeviceError`. Blocks."""
    if isinstance(which, int) or which.isdecimal():
        return int(which)
    if device := re.fullmatch(r"/dev/video(\d+)", which):
        return int(device[1])
    known = cameras(folder)
    exact = [camera for camera in known if camera.name.casefold() == which.casefold()]
    for camera in exact or known:
        if which.casefold() in camera.name.casefold():
            return camera.index
    if not sys.platform.startswith("linux"):
        raise DeviceError(f"Cameras go by number on this system, not by a name like {which!r}.", "Use 0 for the first.")
    there = ", ".join(f"{camera.index} ({camera.name})" for camera in known)
    raise DeviceError(f"There is no camera called {which!r}.", f"There are: {there}." if there else "Plug one in.")


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def open_capture(index: int) -> Capture:
    """Open a camera through OpenCV. Raises `DeviceError`. Blocks, for seconds."""
    try:
        import cv2
    except ImportError as error:
        raise DeviceError(
            "A camera needs OpenCV, which is not installed.", "Install it with `pip install opencv-python-headless`."
        ) from error
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it would write to stderr we say ourselves
    if sys.platform == "darwin":
        # OpenCV asks for permission on the main thread only; without this the system asks by itself.
        os.environ.setdefault("OPENCV_AVFOUNDATION_SKIP_AUTH", "1")
        capture = cv2.VideoCapture(index, cv2.CAP_AVFOUNDATION)
    else:
        capture = cv2.VideoCapture(index, cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY)
    if capture.isOpened():
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # uncompressed, USB 2 passes 10 a second of this size
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, _WIDTH)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, _HEIGHT)
    return capture


class Camera:
    """A camera of this machine, a `core.protocols.VideoSource`.

    which: its number, or part of its name. It is looked for anew whenever `frames` begins: a camera that was unplugged may come back
    under another number. opening, dead: seconds without a picture after which it is lost, at first and later. patience: seconds that a
    call into its driver may go on after that; then its thread is left behind.
    """

    def __init__(
        self,
        which: int | str = 0,
        *,
        rate: float = 1.0,
        open_capture: Callable[[int], Capture] = open_capture,
        find: Callable[[int | str], int] = index_of,
        opening: float = _OPENING_SECONDS,
        dead: float = _DEAD_SECONDS,
        patience: float = _PATIENCE,
    ) -> None:
        self._which = which
        self._pace = Pace(rate)
        self._open = open_capture
        self._find = find
        self._opening = opening
        self._dead = dead
        self._patience = patience

    @property
    def name(self) -> str:
        return f"camera {self._which}"

    @property
    def rate(self) -> float:
        """Frames a second; may be changed at any time."""
        return self._pace.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._pace.rate = rate

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        """See `core.protocols.VideoSource`. The camera is open for as long as this runs."""
        worker = Worker(self.name, patience=self._patience)
        shutter = _Shutter(self._opened, self.name)
        limit, last = self._opening, -math.inf
        try:
            async with aclosing(worker.stream(shutter.run, ahead=1, on_cancel=shutter.close)) as taken:
                while True:
                    last = await self._pace.next(last)
                    shutter.press()
                    pixels = None
                    with anyio.move_on_after(limit):  # cancelled, the thread is given up after `patience`
                        pixels = await anext(taken, None)
                    if pixels is None:
                        raise _silent(self.name)
                    limit = self._dead
                    yield VideoFrame(pixels, anyio.current_time())
        finally:
            shutter.close()
            await worker.aclose()

    def _opened(self) -> Capture:
        index = self._find(self._which)
        capture = self._open(index)
        if not capture.isOpened():
            capture.release()
            raise _absent(index, self.name)
        return capture


class _Shutter:
    """On the thread: takes every picture, and hands out one whenever it is pressed."""

    def __init__(self, opened: Callable[[], Capture], name: str) -> None:
        self._opened = opened
        self._name = name
        self._pressed = threading.Event()
        self._closed = threading.Event()

    def press(self) -> None:
        """The next picture is wanted."""
        self._pressed.set()

    def close(self) -> None:
        """No more are."""
        self._closed.set()
        self._pressed.set()

    def run(self, emit: Emit[Pixels]) -> None:
        capture = self._opened()
        try:
            for _ in range(_ADJUSTING):
                self._grab(capture)
            while not self._closed.is_set():
                self._grab(capture)
                if not self._pressed.wait(_SPIN_SECONDS):
                    continue
                self._pressed.clear()
                well, picture = capture.retrieve()
                if not well:
                    raise _lost(self._name)
                if not emit(_rgb(picture)):
                    return
        finally:
            capture.release()

    def _grab(self, capture: Capture) -> None:
        if not self._closed.is_set() and not capture.grab():
            raise _lost(self._name)


def _rgb(picture: Any) -> Pixels:
    """Its own copy: OpenCV may use the memory again."""
    if picture.ndim == 2:
        return np.repeat(picture[:, :, None], 3, axis=2)
    return np.ascontiguousarray(picture[:, :, 2::-1])


def _absent(index: int, name: str) -> DeviceError:
    if not sys.platform.startswith("linux"):
        return DeviceError(
            f"{_begin(name)} cannot be opened.",
            "Plug it in, end other programs that use it, and allow this one to (on macOS: System Settings, Privacy & Security, Camera).",
        )
    device = Path(f"/dev/video{index}")
    if not device.exists():
        there = ", ".join(f"{camera.index} ({camera.name})" for camera in cameras())
        return DeviceError(f"There is no {name}.", f"Plug it in, or choose another: {there}." if there else "Plug it in.")
    if not os.access(device, os.R_OK | os.W_OK):
        return DeviceError(f"{_begin(name)} may not be used by this user.", "Join the group video: sudo usermod -aG video $USER.")
    return DeviceError(f"{_begin(name)} cannot be opened.", "End other programs that use it.")


def _lost(name: str) -> DeviceError:
    return DeviceError(f"{_begin(name)} gives no picture: it was unplugged, or another program uses it.", "Plug it in again.")


def _silent(name: str) -> DeviceError:
    return DeviceError(f"{_begin(name)} does not answer.", "Unplug it and plug it in again.")


def _begin(name: str) -> str:
    return name[:1].upper() + name[1:]
