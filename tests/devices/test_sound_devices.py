"""The connection on a sound system: nothing is lost either way, and devices may be chosen, pulled out and put back."""

import anyio
import numpy as np
import pytest
from sound_lab import RATE, SoundServer

from multimodal_assistant.core.audio import SILENCE_DBFS, SPEECH_RATE, resample
from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.transports.local import LocalConnection, local_connection
from multimodal_assistant.transports.playback import LEAD_SECONDS
from multimodal_assistant.transports.portaudio import found, opener

pytestmark = pytest.mark.anyio

VOICE = 24_000


def noise(seconds: float, rate: int, *, seed: int = 1) -> AudioChunk:
    """Unlike itself at every shift, and without what a resampler takes away."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * 8_000)).astype(np.float32) * 0.1
    return resample(AudioChunk(samples, 8_000), rate)


class Player:
    """Plays `samples` once, then silence."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self.pulled = 0

    def pull(self, count: int) -> Samples:
        piece = self._samples[self.pulled : self.pulled + count]
        self.pulled += count
        return np.concatenate([piece, np.zeros(count - len(piece), np.float32)])


def found_at(needle: Samples, hay: Samples) -> tuple[int, float]:
    """Where `needle` is in `hay`, and how much of its energy is really there, sample for sample: 1 is all of it."""
    size = 1 << int(np.ceil(np.log2(len(hay) + len(needle))))
    correlation = np.fft.irfft(np.fft.rfft(hay, size) * np.conj(np.fft.rfft(needle, size)), size)[: len(hay)]
    place = int(np.argmax(np.abs(correlation)))
    piece = hay[place : place + len(needle)]
    return place, float(np.dot(piece, needle[: len(piece)]) / (np.linalg.norm(piece) * np.linalg.norm(needle) + 1e-9))


async def hear(connection: LocalConnection, player: Player, seconds: float, blocks: list[Samples]) -> None:
    """Gather so much of what comes in."""
    position = 0
    async for block in connection.blocks(player.pull, VOICE):
        assert (block.rate, block.start) == (SPEECH_RATE, position)
        assert 0.01 <= block.seconds <= 0.02
        position = block.end
        blocks.append(block.samples)
        if position >= seconds * SPEECH_RATE:
            connection.hang_up()


async def carried(server: SoundServer) -> tuple[float, float]:
    """How much of two seconds of noise comes in from the microphone, and how much of others goes out to the loudspeaker."""
    said, played = noise(2.0, RATE, seed=1), noise(2.0, VOICE, seed=2)
    heard: list[Samples] = []
    async with (
        local_connection(opener("headset", "kitchen"), cancels_echo=False, notice=pytest.fail) as connection,
        server.listening() as out,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(server.say, said)
        await hear(connection, Player(played.samples), 3.0, heard)
    assert connection.troubles.lost == 0
    return (
        found_at(resample(said, SPEECH_RATE).samples, np.concatenate(heard))[1],
        found_at(resample(played, RATE).samples, np.concatenate(out))[1],
    )


async def test_nothing_is_lost_in_either_direction(server: SoundServer) -> None:
    # PulseAudio puts a few milliseconds of silence in where it was held up, alone on a quiet machine too, and nobody hears
    # of it: the connection counts no gap. What the connection itself lost or put in would be missing every time.
    measured: list[tuple[float, float]] = []
    while len(measured) < 5 and not (measured and min(measured[-1]) > 0.98):
        measured.append(await carried(server))
    assert min(measured[-1]) > 0.98, measured


async def test_the_way_from_a_pull_to_the_microphone_is_short_and_known(server: SoundServer) -> None:
    click = np.zeros(VOICE, np.float32)
    click[VOICE // 2 :][:240] = 0.8
    heard: list[Samples] = []
    async with local_connection(opener("mirror", "kitchen"), cancels_echo=False, notice=pytest.fail) as connection:
        await hear(connection, Player(click), 1.2, heard)
        onset = int(np.flatnonzero(np.abs(np.concatenate(heard)) > 0.1)[0]) / SPEECH_RATE
        # The first pulls fill the store, so that what is pulled next goes out so much later than it was pulled.
        round_trip = onset - 0.5 + LEAD_SECONDS
        assert 0.03 < round_trip < 0.2
        assert connection.output_delay < round_trip < connection.output_delay + 0.1


async def test_a_device_is_chosen_by_number_name_or_a_part_of_it(server: SoundServer) -> None:
    devices = found()
    headset = devices.choose("microphone", "Headset")
    assert headset.name == "headset"
    assert devices.choose("microphone", str(headset.index)) == headset
    assert devices.choose("speaker", "kit").name == "kitchen"
    assert devices.choose("speaker").name == "default"


async def test_a_wrong_name_is_told_with_those_there_are(server: SoundServer) -> None:
    with pytest.raises(DeviceError) as caught:
        async with local_connection(opener("webcam", "kitchen"), notice=pytest.fail):
            pass
    assert "webcam" in caught.value.problem
    assert "headset" in caught.value.remedy
    assert "--microphone" in caught.value.remedy


async def test_what_is_unplugged_is_told_and_waited_for(server: SoundServer) -> None:
    notices: list[str] = []
    player = Player(np.zeros(0, np.float32))
    late = noise(0.5, RATE)
    heard: list[Samples] = []
    since = pulled = 0
    async with (
        local_connection(opener("headset", "kitchen"), cancels_echo=False, notice=notices.append) as connection,
        anyio.create_task_group() as tasks,
    ):
        async for block in connection.blocks(player.pull, VOICE):
            heard.append(block.samples)
            match len(notices):
                case 0 if block.end == SPEECH_RATE:
                    server.unplug("mic")
                    server.unplug("loud")
                case 1 if not since:
                    since, pulled = len(heard), player.pulled
                    assert connection.devices == ""
                case 1 if len(heard) == since + 50:  # half a second of silence went in, and nothing was pulled for it
                    assert player.pulled == pulled
                    server.plug_in("loud")
                    server.plug_in("mic")
                case 2:
                    since = len(heard)
                    notices.append("")
                    tasks.start_soon(server.say, late)
                case 3 if len(heard) > since + 150:
                    connection.hang_up()
                case _:
                    pass
    assert "gone" in notices[0]
    assert "back: microphone 'headset', speaker 'kitchen'" in notices[1]
    assert found_at(resample(late, SPEECH_RATE).samples, np.concatenate(heard[since:]))[1] > 0.5  # more than by chance: it hears again


async def test_muted_nothing_comes_in(server: SoundServer) -> None:
    muted: list[Samples] = []
    async with (
        local_connection(opener("headset", "kitchen"), cancels_echo=False, notice=pytest.fail) as connection,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(server.say, noise(1.0, RATE))
        connection.muted = True
        await hear(connection, Player(np.zeros(0, np.float32)), 0.5, muted)
        assert connection.level.dbfs == SILENCE_DBFS
    assert not np.concatenate(muted).any()
