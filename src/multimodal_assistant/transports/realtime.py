"""A conversation over the OpenAI Realtime API: the client's sound in, the assistant's sound out, on a clock of its own.

The client sends as it likes: in real time, in bursts, or a whole file at once. What has piled up is listened to faster than
it was said; while nothing comes, the conversation hears silence. The answer goes out in real time, a little ahead.
"""

from collections.abc import AsyncGenerator

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Samples

from .realtime_formats import RATE
from .realtime_story import Story
from .resampling import StreamResampler

BLOCK_SECONDS = 0.02
LEAD_SECONDS = 0.1
"""How much of an answer the client has ahead of what it plays: more survives a slower network and is heard less exactly."""
MOST_SECONDS = 30.0
"""Sound that may wait to be listened to."""

_BLOCK = round(BLOCK_SECONDS * SPEECH_RATE)
_LATE_SECONDS = 0.25  # without sound for so long, the client has stopped sending; before, its next packet is waited for
_PILE_SECONDS = 0.2  # a client that sends in packets has less than this waiting
_CATCH_UP = 4  # blocks at once


class RealtimeConnection:
    """See `core.connection.Connection`. story: is told what goes out."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._rate = RATE
        self._resampler = StreamResampler(RATE, SPEECH_RATE)
        self._waiting = np.zeros(0, np.float32)
        self._heard_at = float("-inf")
        self._position = 0
        self._lead = 0.0
        self._ended = False
        self.playout_delay = 0.0
        """Seconds from the arrival of a sound at the client to the ear, as far as it says."""

    @property
    def output_delay(self) -> float:
        """See `core.connection.Connection`."""
        return self._lead + self.playout_delay

    def listen_at(self, rate: int) -> None:
        """What comes from now on has so many samples per second."""
        self._rate = rate
        self._resampler = StreamResampler(rate, SPEECH_RATE)

    def hear(self, samples: Samples) -> bool:
        """The client's next sound, shape [n]; False where too much is waiting already: it is not taken."""
        if len(self._waiting) + len(samples) * SPEECH_RATE / self._rate > MOST_SECONDS * SPEECH_RATE:
            return False
        self._waiting = np.concatenate([self._waiting, self._resampler.push(samples)])
        self._heard_at = anyio.current_time()
        return True

    def forget(self) -> None:
        """Drop what has not been listened to yet."""
        self._waiting = np.zeros(0, np.float32)

    def hang_up(self) -> None:
        """The client is gone: `blocks` ends."""
        self._ended = True

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`."""
        voice = StreamResampler(rate, RATE)
        count = round(BLOCK_SECONDS * rate)
        due = anyio.current_time()
        while not self._ended:
            due = max(due + BLOCK_SECONDS, anyio.current_time() - 1.0)  # after a long stall time is not made up for
            await anyio.sleep_until(due)
            self._play(pull, count, voice)
            for block in self._next_blocks(anyio.current_time()):
                yield block

    def _play(self, pull: Pull, count: int, voice: StreamResampler) -> None:
        """Send the next block, and one more until the client is far enough ahead."""
        self._story.played(voice.push(pull(count)))
        if not self._story.speaking:
            self._lead = 0.0
        elif self._lead < LEAD_SECONDS:
            self._lead += BLOCK_SECONDS
            self._story.played(voice.push(pull(count)))

    def _next_blocks(self, now: float) -> list[AudioChunk]:
        """What is listened to now: a block, more where much is waiting, silence where nothing comes, nothing where it is only late."""
        if len(self._waiting) < _BLOCK:
            if now - self._heard_at < _LATE_SECONDS:
                return []
            self._waiting = np.concatenate([self._waiting, np.zeros(_BLOCK - len(self._waiting), np.float32)])
        piled = len(self._waiting) > _PILE_SECONDS * SPEECH_RATE
        blocks: list[AudioChunk] = []
        while len(self._waiting) >= _BLOCK and len(blocks) < (_CATCH_UP if piled else 1):
            block, self._waiting = self._waiting[:_BLOCK], self._waiting[_BLOCK:]
            blocks.append(AudioChunk(block, SPEECH_RATE, self._position))
            self._position += _BLOCK
        return blocks
