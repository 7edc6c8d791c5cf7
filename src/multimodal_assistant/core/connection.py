"""How sound comes in and goes out, whatever carries it."""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from .types import AudioChunk, Samples

Pull = Callable[[int], Samples]
"""Gives the next so many samples to play, shape [n]; called on the event loop, never waits."""


class Connection(Protocol):
    """One conversation's way in and out.

    Incoming audio is mono at 16 kHz in blocks of 10-20 ms whose `start` counts samples without a gap. Outgoing audio is pulled
    block by block on the transport's own clock, so that a reply can be ducked, paused and stopped at the sample.
    """

    @property
    def output_delay(self) -> float:
        """Seconds between a pull and the ear."""
        ...

    def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """What comes in, until the other side leaves; meanwhile `pull` is played at `rate` samples per second."""
        ...
