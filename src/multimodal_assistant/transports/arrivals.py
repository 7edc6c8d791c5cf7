"""Sound that comes over a network, packet by packet, with holes → blocks of 20 ms without a gap."""

import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.types import AudioChunk, Samples

from .resampling import StreamResampler

BLOCK_SECONDS = 0.02

_BLOCK = round(BLOCK_SECONDS * SPEECH_RATE)
_LATE_SECONDS = 0.25  # a packet that is later than this does not come any more, or the sender is silent
_LONGEST_HOLE = 1.0  # seconds that are filled; after a longer one, or a clock that jumped, the sound goes on where it is
_MOST_SECONDS = 30.0  # that may wait to be taken


class Arrivals:
    """Takes packets as they come, gives blocks as they are due. Times in seconds of any one clock.

    rate: of the packets, samples per second; their time stamps count samples. What is lost becomes silence: a speech recognizer takes
    20 ms of it better than a repetition. A packet that comes after one that was sent later is lost too: to wait for it would cost
    every packet the time.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = StreamResampler(rate, SPEECH_RATE)
        self._waiting = np.zeros(0, np.float32)
        self._position = 0
        self._expected: int | None = None  # time stamp of the next packet
        self._filled = 0.0  # seconds of silence already given for packets that may only be late
        self._told_until = float("-inf")

    def push(self, samples: Samples, stamp: int, now: float) -> None:
        """The next packet, shape [n]."""
        missing = 0 if self._expected is None else stamp - self._expected
        if -self._rate < missing < 0:
            return
        self._expected = stamp + len(samples)
        if 0 < missing <= _LONGEST_HOLE * self._rate:
            hole = max(missing - round(self._filled * self._rate), 0)
            samples = np.concatenate([np.zeros(hole, np.float32), samples])
        self._filled = 0.0
        self._told_until = now
        if len(self._waiting) < _MOST_SECONDS * SPEECH_RATE:
            self._waiting = np.concatenate([self._waiting, self._resampler.push(samples)])

    def blocks(self, now: float) -> list[AudioChunk]:
        """What is due: all whole blocks; silence instead where nothing has come for too long."""
        if self._told_until == float("-inf"):
            self._told_until = now
        silence = now - self._told_until
        if len(self._waiting) < _BLOCK and silence >= (BLOCK_SECONDS if self._filled else _LATE_SECONDS):
            count = int(silence / BLOCK_SECONDS)
            self._told_until += count * BLOCK_SECONDS
            self._filled += count * BLOCK_SECONDS
            self._waiting = np.concatenate([self._waiting, np.zeros(count * _BLOCK, np.float32)])
        blocks: list[AudioChunk] = []
        while len(self._waiting) >= _BLOCK:
            block, self._waiting = self._waiting[:_BLOCK], self._waiting[_BLOCK:]
            blocks.append(AudioChunk(block, SPEECH_RATE, self._position))
            self._position += _BLOCK
        return blocks
