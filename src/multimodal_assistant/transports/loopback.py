"""A connection in memory: what is said is pushed by hand, block by block, and what is played can be looked at."""

from collections.abc import AsyncGenerator, Callable

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Samples

BLOCK = 320
"""Samples in a block: 20 ms at 16 kHz."""


class LoopbackConnection:
    """One conversation without devices or network. Its clock stands still between two blocks.

    loss: whether the block of that index is lost on the way; what is lost arrives as silence, as from a network transport.
    """

    output_delay = 0.0

    def __init__(self, *, loss: Callable[[int], bool] | None = None) -> None:
        self._loss = loss
        self._send, self._receive = anyio.create_memory_object_stream[AudioChunk](0)
        self._played: list[Samples] = []
        self._sent = 0
        self.rate = 0
        """Samples per second of `played`; 0 before the first block."""

    @property
    def played(self) -> Samples:
        """All that was played, silence included, shape [n]; its clock is that of what was pushed."""
        return np.concatenate(self._played) if self._played else np.zeros(0, np.float32)

    @property
    def now(self) -> float:
        """Seconds pushed so far."""
        return self._sent * BLOCK / SPEECH_RATE

    async def push(self, samples: Samples) -> None:
        """Say something: shape [n] at 16 kHz, cut into blocks (the last one filled up); returns when the session has taken them."""
        for begin in range(0, len(samples), BLOCK):
            block = samples[begin : begin + BLOCK]
            kept = np.zeros(BLOCK, np.float32)
            if self._loss is None or not self._loss(self._sent):
                kept[: len(block)] = block
            await self._send.send(AudioChunk(kept, SPEECH_RATE, self._sent * BLOCK))
            self._sent += 1

    async def hang_up(self) -> None:
        """The other side leaves."""
        await self._send.aclose()

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`."""
        self.rate = rate
        async with self._receive:
            async for block in self._receive:
                self._played.append(pull(round(block.end * rate / SPEECH_RATE) - round(block.start * rate / SPEECH_RATE)))
                yield block
