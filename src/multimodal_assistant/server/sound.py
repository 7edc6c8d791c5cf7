"""The client's sound, where it comes in events: a turn that the client ends is collected here, everything else is listened to at once."""

import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.transports.realtime import RealtimeConnection
from multimodal_assistant.transports.realtime_formats import Format

_MOST_SECONDS = 120.0
"""Of a turn."""
SHORTEST_SECONDS = 0.1
"""Of a turn: less holds no word."""


class Sound:
    """packets: what listens."""

    def __init__(self, packets: RealtimeConnection) -> None:
        self.format = Format()
        self._packets = packets
        self._collected: list[Samples] = []
        self._count = 0

    def arrives_as(self, form: Format) -> None:
        """In this format from now on."""
        if form != self.format:
            self.format = form
            self._packets.listen_at(form.rate)
            self._drop()

    def hear(self, data: bytes, *, collect: bool) -> bool:
        """The next sound; False where too much is waiting already. Raises `ValueError` for bytes that are no sound of the format."""
        samples = self.format.samples(data)
        if not collect:
            return self._packets.hear(samples)
        if self._count + len(samples) > _MOST_SECONDS * self.format.rate:
            return False
        self._collected.append(samples)
        self._count += len(samples)
        return True

    def forget(self) -> None:
        """Drop what waits."""
        self._packets.forget()
        self._drop()

    def take(self) -> Samples | None:
        """What was collected, shape [n] at 16 kHz; None where that is too short to be a turn."""
        if self._count < SHORTEST_SECONDS * self.format.rate:
            return None
        samples = np.concatenate(self._collected)
        self._drop()
        return heard(samples, self.format)

    def _drop(self) -> None:
        self._collected.clear()
        self._count = 0


def heard(samples: Samples, form: Format) -> Samples:
    """The same at 16 kHz."""
    return resample(AudioChunk(samples, form.rate), SPEECH_RATE).samples
