"""Frames as they are kept by the eyes → the memory of what was seen, in idle time."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import anyio

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.types import Box, VideoFrame
from multimodal_assistant.processors.scene import Seen

from .store import VisualMemory
from .view import Shot

log = logging.getLogger(__name__)

_WAITING = 4
"""Frames that may wait to be encoded: of 1280 x 720 they take 11 MB. Of more, the newest are kept."""
_LOOK_AGAIN = 0.25
"""Seconds."""


class ViewKeeper:
    """Writes the views of all conversations of a program, one after the other, while nobody has the floor (`quiet`)."""

    def __init__(
        self, memory: VisualMemory, *, quiet: Callable[[], bool] = lambda: True, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.memory = memory
        self._quiet = quiet
        self._clock = clock
        self._writing: tuple[str, Shot] | None = None
        self._send, self._receive = anyio.create_memory_object_stream[tuple[str, Shot]](_WAITING)

    def keep_for(self, user: str, source: str) -> Callable[[VideoFrame, Seen, tuple[Box, ...]], None]:
        """What a live view hands its frames to; it returns at once."""

        def keep(frame: VideoFrame, seen: Seen, changed: tuple[Box, ...]) -> None:
            at = self._clock().timestamp() - max(anyio.current_time() - frame.at, 0.0)
            self.put(user, Shot(frame.pixels, at, source, seen, changed))

        return keep

    def put(self, user: str, shot: Shot) -> None:
        """Returns at once. Where too many wait, the oldest is dropped."""
        if self.waiting == _WAITING:
            self._receive.receive_nowait()
        try:
            self._send.send_nowait((user, shot))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            log.debug("a view is not kept: the memory is closed")

    @property
    def waiting(self) -> int:
        """Views that are not written yet."""
        return self._send.statistics().current_buffer_used

    async def run(self) -> None:
        """Write what comes, as it comes, and mend what is old meanwhile; ends when it is cancelled."""
        while await self._mended():
            pass
        while True:
            await self._write(await self._receive.receive())  # cancelled within, it is written by `finish`

    async def _mended(self) -> bool:
        """One old view encoded anew, after what is new; False where there is none left."""
        while self.waiting:
            await self._write(self._receive.receive_nowait())
        await self._pause()
        try:
            return await self.memory.mend_next()
        except AssistantError as error:
            log.warning("what was seen before cannot be encoded anew: %s", error)
            return False

    async def finish(self) -> None:
        """Once `run` is cancelled: write what has come and is not written yet; nothing more comes."""
        self._quiet = lambda: True
        self._send.close()
        if self._writing is not None:
            await self._write(self._writing)  # if it was on the disk already, it is the same view once more, and kept once
        while self.waiting:
            await self._write(self._receive.receive_nowait())
        self._receive.close()

    async def _write(self, waiting: tuple[str, Shot]) -> None:
        user, shot = self._writing = waiting
        try:
            await self.memory.keep(user, shot, pause=self._pause)
        except AssistantError as error:
            log.warning("a view is not kept: %s", error)
        self._writing = None

    async def _pause(self) -> None:
        while not self._quiet():  # noqa: ASYNC110 - it is asked, since it is made of many things that nobody announces
            await anyio.sleep(_LOOK_AGAIN)
