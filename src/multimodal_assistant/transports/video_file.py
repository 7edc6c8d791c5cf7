"""Video file → frames, as a camera would show them while it plays, or as fast as they can be taken."""

import logging
import math
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import numpy as np

from multimodal_assistant.core.errors import UnreadablePicture
from multimodal_assistant.core.types import Pixels, VideoFrame
from multimodal_assistant.core.worker import Worker

from .pacing import Pace
from .pictures import check_file, check_size

if TYPE_CHECKING:
    import av

log = logging.getLogger(__name__)

_FORMATS = "Give an MP4, MOV, WebM, MKV or AVI video."
_AGAIN = "Copy or export it again."
_STALLED_SECONDS = 20.0  # for one frame, from a disk that sleeps or a network that is slow
_PATIENCE = 3.0
_LONGEST_STILL = 60.0  # a frame that claims to be shown for longer has a damaged time
_BACK = 0.5  # seconds that times may go back
_USUAL_RATE = 25.0
_MISSING = 1.0  # seconds and a tenth of the whole that may be missing at the end of a file


class VideoFile:
    """A recording, a `core.protocols.VideoSource`.

    paced: it plays on the loop's clock, and what it shows at the moment is given `rate` times a second; where decoding cannot keep up,
    it plays more slowly. Otherwise what it shows every 1/rate seconds is given as soon as it is asked for, timed from its beginning.
    """

    def __init__(self, path: Path, *, rate: float = 1.0, paced: bool = True, stalled: float = _STALLED_SECONDS) -> None:
        self._path = path
        self._pace = Pace(rate)
        self._paced = paced
        self._stalled = stalled

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def rate(self) -> float:
        """Frames a second; may be changed at any time."""
        return self._pace.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._pace.rate = rate

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        """From the beginning to the end. Raises `UnreadablePicture`, also after the last frame of a file that is cut short."""
        reel = _Reel(self._path)
        worker = Worker(f"video {self.name}", patience=_PATIENCE)
        try:
            begun = last = 0.0  # on the clock, and in the film while that is not paced
            while (shown := await self._shown(worker, reel, last - begun)) is not None:
                if not self._paced:
                    yield VideoFrame(shown, last)
                    last += 1 / self.rate
                    continue
                now = anyio.current_time()
                if not begun:
                    begun = last = now
                elif now - last > 1 / self.rate:
                    begun += now - last  # decoding took longer than the film
                    last = now
                yield VideoFrame(shown, now)
                last = await self._pace.next(last)
        finally:
            if not worker.given_up:  # else a thread is still in it
                with anyio.CancelScope(shield=True), anyio.move_on_after(_PATIENCE):
                    await worker.call(reel.close)
            await worker.aclose()

    async def _shown(self, worker: Worker, reel: "_Reel", at: float) -> Pixels | None:
        with anyio.move_on_after(self._stalled):  # cancelled, the thread is given up after its patience
            return await worker.call(lambda: reel.at(at))
        raise UnreadablePicture(f"{self._path} gave no picture within {self._stalled:g} s.", "Copy it to a disk of this machine.")


class _Reel:
    """On the thread: the file as a row of frames, of which only those that are asked for are converted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container: Any = None
        self._frames: Iterator[tuple[Any, float]] = iter(())
        self._shown: tuple[Any, float] | None = None
        self._next: tuple[Any, float] | None = None
        self._spacing = 1 / _USUAL_RATE
        self._announced = 0.0

    def at(self, moment: float) -> Pixels | None:
        """What is in view so many seconds after the beginning; None once it is over. Moments must not go back."""
        from av.error import FFmpegError

        try:
            if self._container is None:
                self._open()
            while self._next is not None and (self._shown is None or self._next[1] <= moment + 1e-6):
                self._shown, self._next = self._next, next(self._frames, None)
            if self._shown is None:
                raise UnreadablePicture(f"{self._path} holds no picture that can be decoded.", _AGAIN)
            if self._next is None and moment >= self._shown[1] + self._spacing - 1e-6:
                self._check_end(self._shown[1] + self._spacing)
                return None
            return _pixels(self._shown[0])
        except (FFmpegError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
            raise UnreadablePicture(f"{self._path} is damaged.", _AGAIN) from error

    def close(self) -> None:
        """Safe to call twice."""
        container, self._container = self._container, None
        self._frames, self._shown, self._next = iter(()), None, None
        if container is not None:
            container.close()

    def _open(self) -> None:
        import av
        from av.error import FFmpegError

        check_file(self._path, f"{self._path}", "a video")
        try:
            # As a local file and nothing else: a playlist in it must not reach the network.
            container = av.open(f"file:{self._path.absolute()}", options={"protocol_whitelist": "file"})
        except (FFmpegError, UnicodeError) as error:
            raise UnreadablePicture(f"{self._path} is not a video that can be read, or its end is missing.", _FORMATS) from error
        self._container = container
        stream = next((stream for stream in container.streams.video if not _is_cover(stream)), None)
        if stream is None:
            raise UnreadablePicture(f"{self._path} holds no video, only sound or text.", _FORMATS)
        context: Any = stream.codec_context
        if context is None:
            raise UnreadablePicture(f"{self._path} is coded in a way that cannot be decoded here.", _FORMATS)
        if context.width and context.height:
            check_size(context.width, context.height, f"{self._path}")
        context.thread_count = 1  # the other cores listen and speak
        if stream.average_rate and 0.1 <= stream.average_rate <= 1000:
            self._spacing = 1 / float(stream.average_rate)
        duration = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        self._announced = max(duration, stream.frames * self._spacing)  # of a cut AVI file the first is guessed by its size
        self._frames = self._timed(stream)
        self._next = next(self._frames, None)

    def _timed(self, stream: "av.VideoStream") -> Iterator[tuple[Any, float]]:
        """Frames and their times, which begin at 0, never go back, and neither leap nor stand still for long."""
        first, last, standing = 0.0, -self._spacing, 0
        for frame in self._decoded(stream):
            check_size(frame.width, frame.height, f"{self._path}")
            time = frame.time if frame.time is not None else math.nan
            if last < 0:
                first = time if math.isfinite(time) else 0.0
                last = 0.0
            elif last < time - first <= last + _LONGEST_STILL:
                last, standing = time - first, 0
            elif last - _BACK <= time - first <= last and standing < _BACK / self._spacing:
                standing += 1  # out of order, as in some AVI files
            else:
                last += self._spacing
                first = time - last if math.isfinite(time) else first
            yield frame, last

    def _decoded(self, stream: "av.VideoStream") -> Iterator[Any]:
        """What can be decoded; a damaged stretch is left out, as players do."""
        from av.error import FFmpegError, InvalidDataError

        try:
            for packet in self._container.demux(stream):
                try:
                    yield from packet.decode()
                except InvalidDataError as error:
                    log.debug("%s: a part that cannot be decoded: %s", self._path, error)
        except FFmpegError as error:
            log.debug("%s: the rest cannot be read: %s", self._path, error)
            self._announced = math.inf

    def _check_end(self, length: float) -> None:
        if self._announced <= length + _MISSING + 0.1 * length:
            return
        whole = f" of the {self._announced:.0f} s that it announces" if math.isfinite(self._announced) else ""
        raise UnreadablePicture(f"{self._path} is cut short: it ends after {length:.0f} s{whole}.", _AGAIN)


def _is_cover(stream: "av.VideoStream") -> bool:
    """The picture of a record's sleeve is no film."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _pixels(frame: Any) -> Pixels:
    """Upright, as the camera's notes say it was held."""
    pixels = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4  # counter-clockwise, as np.rot90 turns
    return np.ascontiguousarray(np.rot90(pixels, quarters), np.uint8)
