"""The loudspeaker of `assistant ask`: the one that is meant, and all of the answer."""

import numpy as np
import pytest
from sound_lab import RATE, SoundServer

from multimodal_assistant.core.audio import audible, dbfs
from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import AudioChunk, SpokenChunk
from multimodal_assistant.transports.speaker import Speaker, loudspeaker

pytestmark = pytest.mark.anyio

VOICE = 22_050


async def test_the_answer_comes_from_the_speaker_that_is_named(server: SoundServer) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(VOICE) / VOICE).astype(np.float32)
    device = loudspeaker("kitch")
    assert device is not None
    async with server.listening() as heard:
        async with Speaker(VOICE, device) as speaker:
            for half in (tone[: VOICE // 2], tone[VOICE // 2 :]):
                await speaker.write(SpokenChunk(AudioChunk(half, VOICE), "la"))
    sound = np.concatenate(heard)
    first, last = audible(sound, RATE)
    assert (last - first) / RATE == pytest.approx(1.0, abs=0.1)
    assert dbfs(sound[first:last]) == pytest.approx(dbfs(tone), abs=1.0)


def test_without_a_wish_the_system_chooses(server: SoundServer) -> None:
    assert loudspeaker() is not None


def test_a_speaker_that_is_not_there_is_named(server: SoundServer) -> None:
    with pytest.raises(DeviceError, match="no speaker 'bathroom'.*kitchen"):
        loudspeaker("bathroom")
