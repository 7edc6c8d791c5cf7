"""What a conversation needs of a sound system: a microphone and a loudspeaker that run in step, on one clock.

Two clocks that drift apart defeat echo cancellation, hence one stream for both.
"""

from collections.abc import Callable
from typing import Protocol

from multimodal_assistant.core.types import Samples

from .devices import Device

Exchange = Callable[[Samples, bool], Samples]
"""One block on the device's thread: what was heard, shape [n], and whether the device lost something → what to play, shape [n]."""


class Stream(Protocol):
    """An open microphone and loudspeaker."""

    rate: int
    """Frames per second."""
    latency: tuple[float, float]
    """Seconds from the microphone to the exchange, and from the exchange to the loudspeaker."""
    microphone: Device
    speaker: Device

    def close(self) -> None:
        """Stop at once and let go; may block, may be called twice."""
        ...


Open = Callable[[Exchange, Callable[[], None]], Stream]
"""Opens a stream that calls the first for every block and the second when it ends, both on a thread of its own.

May block. Raises `core.errors.DeviceError`.
"""
