"""Echo cancellation over many rooms, computed: levels and delays, with room noise and without.

The voice activity detector of the assistant is the judge: it must hear nothing while the assistant speaks, and the user
whenever the user does. `tests/devices` does a few of these in real time.
"""

from collections.abc import Iterator
from pathlib import Path

import anyio
import numpy as np
import pytest

from multimodal_assistant.core.audio import SPEECH_RATE, dbfs, resample
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.engines.vad.silero import SileroVad
from multimodal_assistant.transports.capture import Capture
from multimodal_assistant.transports.echo import EchoCanceller
from multimodal_assistant.transports.file import read_audio
from multimodal_assistant.transports.handover import Passed

pytestmark = pytest.mark.models

DATA = Path(__file__).parents[1] / "data"
RATE = 48_000
DEVICE_DELAY = 0.03
SPEECH = 0.5


def clip(name: str, peak: float) -> Samples:
    """Read speech at 48 kHz, as loud as that."""
    samples = resample(read_audio(DATA / name), RATE).samples
    return samples * np.float32(peak / np.max(np.abs(samples)))


REPLY = np.tile(clip("librivox-0880.wav", 0.5), 2)
USER = clip("librivox-0930.wav", 0.4)
BEGIN = len(REPLY) // 2
"""Where the user begins to speak, in frames."""


def room(level: float, delay: float) -> Samples:
    """What the microphone hears of the reply: reverberation of 0.2 s, so many decibels softer, so many seconds later."""
    dice = np.random.default_rng(1)
    response = np.exp(-np.arange(9_600) / 1_500) * dice.standard_normal(9_600)
    response[0] = 3
    response *= 10 ** (level / 20) / np.linalg.norm(response)
    size = 1 << (len(REPLY) + len(response)).bit_length()
    echo = np.fft.irfft(np.fft.rfft(REPLY, size) * np.fft.rfft(response, size), size)
    late = round((delay + DEVICE_DELAY) * RATE)
    return np.concatenate([np.zeros(late), echo])[: len(REPLY)].astype(np.float32)


def cleaned(near: Samples, delay: float) -> Samples:
    """As the conversation hears it, at 16 kHz."""

    def frames() -> Iterator[Samples]:
        capture = Capture(RATE, EchoCanceller(delay))
        for start in range(0, len(REPLY) - 479, 480):
            yield from capture.hear(Passed(near[start : start + 480], REPLY[start : start + 480], start), 0)

    return np.concatenate(list(frames()))


def speech(samples: Samples) -> int:
    """Windows of 32 ms in which the detector hears a voice."""

    async def scan() -> list[float]:
        vad = SileroVad()
        try:
            return await vad.scan(samples)
        finally:
            await vad.aclose()

    return int(np.sum(np.array(anyio.run(scan)) > SPEECH))


@pytest.mark.parametrize("noise", [-120.0, -65.0], ids=["still", "noisy"])
@pytest.mark.parametrize("delay", [0.0, 0.04, 0.12])
@pytest.mark.parametrize("level", [-6, -12, -20])
def test_it_does_not_hear_itself_and_hears_the_user(level: float, delay: float, noise: float) -> None:
    hiss = (np.random.default_rng(2).standard_normal(len(REPLY)) * 10 ** (noise / 20)).astype(np.float32)
    near = room(level, delay) + hiss
    alone = cleaned(near, DEVICE_DELAY)
    uncleaned = resample(AudioChunk(near, RATE), SPEECH_RATE).samples
    assert speech(uncleaned) > 100
    assert speech(alone) <= 2
    settled = slice(SPEECH_RATE, None)
    floor = max(dbfs(uncleaned[settled]) - 15, noise + 2)  # 15 dB, or down to the noise
    assert dbfs(alone[settled]) < floor
    both = near.copy()
    both[BEGIN : BEGIN + len(USER)] += USER[: len(near) - BEGIN]
    heard = cleaned(both, DEVICE_DELAY)[BEGIN // 3 :]
    assert speech(heard) > 0.5 * speech(resample(AudioChunk(USER, RATE), SPEECH_RATE).samples)
