"""A conversation behind a FastRTC stream, for applications that are built on FastRTC (the extra `fastrtc`).

    stream = Stream(FastRTCBridge(lambda connection: Session(connection, engines, end_of_turn).run()),
                    modality="audio", mode="send-receive", concurrency_limit=4)

FastRTC queues without a bound what its handler gives it. This one gives 20 ms every 20 ms, silence included, so that there is never
more waiting than that, and a stopped answer is silent at once. It needs a data channel in the offer, or no sound flows.
"""
# pyright: basic, reportMissingImports=false

import logging
from collections.abc import Awaitable, Callable

import anyio
import numpy as np
from fastrtc import AsyncStreamHandler

from multimodal_assistant.core.connection import Connection
from multimodal_assistant.core.types import Samples

from .realtime_formats import RATE
from .webrtc import OPUS_RATE, WebRtcConnection

log = logging.getLogger(__name__)

_LEAD = 2  # packets


class FastRTCBridge(AsyncStreamHandler):
    """One handler for each caller; FastRTC makes them by `copy`. converse: holds a conversation over a connection until it ends."""

    def __init__(self, converse: Callable[[Connection], Awaitable[None]]) -> None:
        super().__init__("mono", output_sample_rate=RATE, input_sample_rate=OPUS_RATE)
        self._converse = converse
        self._connection = WebRtcConnection(self._play)
        self._heard = 0
        self._send, self._receive = anyio.create_memory_object_stream[np.ndarray](_LEAD)

    def copy(self) -> "FastRTCBridge":
        """See the base."""
        return FastRTCBridge(self._converse)

    async def start_up(self) -> None:
        """See the base: a task of its own, whose failure nobody would hear of."""
        try:
            await self._converse(self._connection)
        except Exception:
            log.exception("a conversation failed")

    async def receive(self, frame: tuple[int, np.ndarray]) -> None:
        """The next sound of the microphone, 16 bit. FastRTC keeps no time stamps."""
        samples = frame[1].reshape(-1).astype(np.float32) / np.float32(32768)
        self._connection.hear(samples, self._heard)
        self._heard += len(samples)

    async def emit(self) -> tuple[int, np.ndarray]:
        """The next 20 ms of the voice, when they are due."""
        try:
            return RATE, await self._receive.receive()
        except (anyio.ClosedResourceError, anyio.EndOfStream):
            await anyio.sleep_forever()
            raise AssertionError from None

    def shutdown(self) -> None:
        """See the base: the caller is gone."""
        self._connection.hang_up()
        self._send.close()
        self._receive.close()

    def _play(self, samples: Samples) -> None:
        try:
            self._send.send_nowait((np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)[None])
        except (anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass  # nobody takes it: not yet, or not any more
