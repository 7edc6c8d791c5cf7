"""Frames as they are kept by the eyes → the memory of what was seen, in idle time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
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
_REQUESTS = 64
"""To forget, that may wait beside them."""
_LOOK_AGAIN = 0.25
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """A request: all that was in view within these times, epoch seconds."""

    since: float | None = None
    until: float | None = None


class ViewKeeper:
    """Writes the views of all conversations of a program, one after the other, while nobody has the floor (`quiet`)."""

    def __init__(
        self, memory: VisualMemory, *, quiet: Callable[[], bool] = lambda: True, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.memory = memory
        self._quiet = quiet
        self._clock = clock
        self._writing: tuple[str, Shot | Forgetting] | None = None
        self._hurries = False  # what is to be forgotten must not be found by the next question, however many frames wait before it
        self._send, self._receive = anyio.create_memory_object_stream[tuple[str, Shot | Forgetting]](_WAITING + _REQUESTS)

    def keep_for(self, user: str, source: str) -> Callable[[VideoFrame, Seen, tuple[Box, ...]], None]:
        """What a live view hands its frames to; it returns at once."""

        def keep(frame: VideoFrame, seen: Seen, changed: tuple[Box, ...]) -> None:
            at = self._clock().timestamp() - max(anyio.current_time() - frame.at, 0.0)
            self.put(user, Shot(frame.pixels, at, source, seen, changed))

        return keep

    def put(self, user: str, shot: Shot) -> None:
        """Returns at once. Where too many wait, the oldest is dropped."""
        if self.waiting >= _WAITING:
            oldest = self._receive.receive_nowait()
            if isinstance(oldest[1], Forgetting):
                self._hand_over(*oldest)
        self._hand_over(user, shot)

    def forget(self, user: str, request: Forgetting) -> None:
        """Returns at once; what waits to be written by then is forgotten with the rest, and waits for nobody any more."""
        self._hurries = True
        self._hand_over(user, request)

    def _hand_over(self, user: str, what: Shot | Forgetting) -> None:
        try:
            self._send.send_nowait((user, what))
        except anyio.WouldBlock:
            log.warning("a request to forget what was seen is lost: too many wait")
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            log.debug("a view is not kept: the memory is closed")

    @property
    def waiting(self) -> int:
        """Views and requests that nobody has taken up yet."""
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

    async def _write(self, waiting: tuple[str, Shot | Forgetting]) -> None:
        user, what = self._writing = waiting
        try:
            if isinstance(what, Forgetting):
                await self.memory.forget(user, since=what.since, until=what.until)
            else:
                await self.memory.keep(user, what, pause=self._pause)
        except AssistantError as error:
            log.warning("a view is not kept, or not forgotten: %s", error)
        self._writing = None
        self._hurries = self._hurries and self.waiting > 0

    async def _pause(self) -> None:
        while not (self._quiet() or self._hurries):  # noqa: ASYNC110 - it is asked, since it is made of many things that nobody announces
            await anyio.sleep(_LOOK_AGAIN)
