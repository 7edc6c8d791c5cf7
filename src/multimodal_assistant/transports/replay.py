"""A recording as the user's side of a conversation, and everything that was played as another recording on the same clock."""

from collections.abc import AsyncGenerator, Callable

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Samples

BLOCK_SECONDS = 0.02
_QUIET_SECONDS = 1.0  # how long everything must be at rest before the end
_LONGEST_TAIL = 60.0


class ReplayConnection:
    """Feeds `recording` block by block in real time, then silence until the conversation has come to rest (`quiet`).

    Not `paced`, the stretches in which nobody has the floor pass at once; what is said and answered keeps its pace, since what the
    models make of it depends on the time that they have.

    Sample n of `output` was played n / rate seconds after the first input sample.
    """

    output_delay = 0.0

    def __init__(self, recording: AudioChunk, *, quiet: Callable[[], bool], paced: bool = True) -> None:
        self._samples = resample(recording, SPEECH_RATE).samples
        self._quiet = quiet
        self._paced = paced
        self._played: list[Samples] = []
        self.rate = 0
        """Samples per second of `output`; 0 before the first block."""
        self.late = 0
        """Blocks that were more than one block late: the machine could not keep up."""

    @property
    def output(self) -> Samples:
        """All that was played, silence included, shape [n]."""
        return np.concatenate(self._played) if self._played else np.zeros(0, np.float32)

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`."""
        self.rate = rate
        size = round(BLOCK_SECONDS * SPEECH_RATE)
        begin = anyio.current_time()
        rest = 0.0
        index = 0
        while rest < _QUIET_SECONDS:
            if not self._paced and self._quiet():
                begin = anyio.current_time() - (index + 1) * BLOCK_SECONDS
            due = begin + (index + 1) * BLOCK_SECONDS
            self.late += anyio.current_time() > due + BLOCK_SECONDS
            await anyio.sleep_until(due)
            self._played.append(pull(round((index + 1) * BLOCK_SECONDS * rate) - round(index * BLOCK_SECONDS * rate)))
            block = self._samples[index * size : (index + 1) * size]
            yield AudioChunk(np.pad(block, (0, size - len(block))), SPEECH_RATE, index * size)
            index += 1
            over = index * BLOCK_SECONDS - len(self._samples) / SPEECH_RATE
            rest = rest + BLOCK_SECONDS if over >= 0 and self._quiet() else 0.0
            if over > _LONGEST_TAIL:
                return
