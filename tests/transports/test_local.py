"""The connection of microphone and loudspeaker over a device that a test moves by hand."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager

import anyio
import numpy as np
import pytest
from blockbuster import blockbuster_ctx

from multimodal_assistant.core.audio import SILENCE_DBFS, dbfs
from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.transports.devices import Device
from multimodal_assistant.transports.duplex import Exchange
from multimodal_assistant.transports.local import LocalConnection, local_connection
from multimodal_assistant.transports.playback import LEAD_SECONDS

pytestmark = pytest.mark.anyio

VOICE = 24_000


@pytest.fixture(autouse=True)
def never_blocks() -> Iterator[None]:
    """What the connection does on the event loop waits for no file, lock or device."""
    with blockbuster_ctx("multimodal_assistant"):
        yield


class HandStream:
    """A device whose blocks pass when a test says so."""

    def __init__(self, exchange: Exchange, gone: Callable[[], None], rate: int) -> None:
        self.rate = rate
        self.latency = (0.01, 0.02)
        self.microphone = Device(0, "mic", "hand", 1, 0, rate)
        self.speaker = Device(1, "box", "hand", 0, 2, rate)
        self.gone = gone
        self.closed = 0
        self._exchange = exchange

    def close(self) -> None:
        self.closed += 1

    def pass_block(self, level: float = 0.0) -> Samples:
        """10 ms of a constant level go in; returns what comes out."""
        return self._exchange(np.full(self.rate // 100, level, np.float32), False)


class Hardware:
    """Opens hand-moved streams; while `absent` there is nothing to open."""

    def __init__(self, rate: int = 48_000) -> None:
        self.rate = rate
        self.absent = False
        self.streams: list[HandStream] = []

    def open(self, exchange: Exchange, gone: Callable[[], None]) -> HandStream:
        if self.absent:
            raise DeviceError("No microphone was found on this machine.", "Plug one in.")
        self.streams.append(HandStream(exchange, gone, self.rate))
        return self.streams[-1]

    @property
    def now(self) -> HandStream:
        return self.streams[-1]


class Voice:
    """Plays a constant, and counts."""

    def __init__(self, level: float = 0.25) -> None:
        self.pulled = 0
        self._level = level

    def pull(self, count: int) -> Samples:
        self.pulled += count
        return np.full(count, self._level, np.float32)


@asynccontextmanager
async def conversation(
    hardware: Hardware, voice: Voice, notices: list[str] | None = None
) -> AsyncGenerator[tuple[LocalConnection, AsyncGenerator[AudioChunk]]]:
    notice = pytest.fail if notices is None else notices.append
    async with local_connection(hardware.open, cancels_echo=False, notice=notice) as connection:
        async with aclosing(connection.blocks(voice.pull, VOICE)) as blocks:
            yield connection, blocks


async def advance(hardware: Hardware, blocks: AsyncGenerator[AudioChunk], count: int, level: float = 0.0) -> tuple[Samples, Samples]:
    """So many blocks pass → what was heard and what was played."""
    heard: list[Samples] = []
    played: list[Samples] = []

    async def pass_one() -> None:
        await anyio.wait_all_tasks_blocked()  # until somebody waits for it
        played.append(hardware.now.pass_block(level))

    for _ in range(count):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pass_one)
            heard.append((await anext(blocks)).samples)
    return np.concatenate(heard), np.concatenate(played)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
async def test_sound_passes_both_ways_at_any_rate_of_the_device(rate: int) -> None:
    hardware, voice = Hardware(rate), Voice()
    async with conversation(hardware, voice) as (connection, blocks):
        heard, played = await advance(hardware, blocks, 30, level=0.5)
        assert len(heard) == 30 * 160
        np.testing.assert_allclose(heard[200:], 0.5, atol=1e-3)
        assert not played[: rate // 100].any()  # the first block passed before anything was there
        np.testing.assert_allclose(played[rate // 20 :], 0.25, atol=1e-3)
        assert (connection.troubles.starved, connection.troubles.lost) == (0, 0)
        assert voice.pulled / VOICE == pytest.approx(0.3 - 0.01 + LEAD_SECONDS, abs=0.011)


async def test_the_delay_is_what_lies_between_a_pull_and_the_ear() -> None:
    hardware, voice = Hardware(), Voice()
    async with conversation(hardware, voice) as (connection, blocks):
        await advance(hardware, blocks, 10)
        assert connection.output_delay == pytest.approx(LEAD_SECONDS + hardware.now.latency[1], abs=0.002)


async def test_silence_goes_in_while_it_is_muted() -> None:
    hardware = Hardware()
    async with conversation(hardware, Voice()) as (connection, blocks):
        connection.muted = True
        heard, _ = await advance(hardware, blocks, 10, level=0.5)
        assert not heard.any()
        assert connection.level.dbfs == SILENCE_DBFS
        connection.muted = False
        heard, _ = await advance(hardware, blocks, 10, level=0.5)
        assert dbfs(heard) == pytest.approx(-6, abs=0.1)
        assert connection.level.dbfs == pytest.approx(-6, abs=0.5)


async def test_what_the_loop_is_too_late_for_is_silence_of_the_same_length() -> None:
    hardware = Hardware()
    async with conversation(hardware, Voice()) as (connection, blocks):
        await advance(hardware, blocks, 2, level=0.5)
        for _ in range(300):
            hardware.now.pass_block(0.5)
        chunks = [await anext(blocks) for _ in range(300)]
        assert chunks[-1].end == 302 * 160
        assert connection.troubles.lost == 100
        assert connection.troubles.starved > 0


async def test_a_device_that_goes_is_told_and_one_that_comes_back_goes_on() -> None:
    hardware, voice, notices = Hardware(), Voice(), list[str]()
    async with conversation(hardware, voice, notices) as (connection, blocks):
        await advance(hardware, blocks, 5)
        first, pulled = hardware.now, voice.pulled
        hardware.absent = True
        first.gone()
        silent = [await anext(blocks) for _ in range(20)]
        assert [chunk.start for chunk in silent] == [160 * index for index in range(5, 25)]
        assert (voice.pulled, connection.devices, connection.output_delay) == (pulled, "", 0.0)
        assert first.closed
        hardware.absent, hardware.rate = False, 44_100
        while len(hardware.streams) == 1:
            assert not (await anext(blocks)).samples.any()
        heard, played = await advance(hardware, blocks, 10, level=0.5)
        assert dbfs(heard[480:]) == pytest.approx(-6, abs=0.1)
        assert dbfs(played[2205:]) == pytest.approx(-12, abs=0.1)
    assert [("gone" in notice, "back: microphone 'mic', speaker 'box'" in notice) for notice in notices] == [(True, False), (False, True)]


async def test_a_device_that_falls_silent_without_a_word_is_noticed() -> None:
    """Core Audio does not say that a stream has ended."""
    hardware, notices = Hardware(), list[str]()
    async with conversation(hardware, Voice(), notices) as (_, blocks):
        await advance(hardware, blocks, 5)
        assert not (await anext(blocks)).samples.any()
        assert "gone" in notices[0]


async def test_hanging_up_ends_it_at_once() -> None:
    hardware = Hardware()
    async with conversation(hardware, Voice()) as (connection, blocks):
        await advance(hardware, blocks, 2)
        connection.hang_up()
        assert [chunk async for chunk in blocks] == []
        for _ in range(9):
            hardware.now.pass_block()
        assert connection.troubles.starved == 0  # after the end there are no gaps
    assert hardware.now.closed


async def test_without_devices_there_is_no_conversation() -> None:
    hardware = Hardware()
    hardware.absent = True
    with pytest.raises(DeviceError, match="No microphone"):
        async with local_connection(hardware.open, notice=pytest.fail):
            pass


async def test_a_conversation_that_is_cancelled_lets_go_of_the_devices() -> None:
    hardware = Hardware()
    with anyio.CancelScope() as scope:
        async with conversation(hardware, Voice()) as (_, blocks):
            await advance(hardware, blocks, 2)
            scope.cancel()
            await anext(blocks)
    assert scope.cancelled_caught
    assert hardware.now.closed == 1
