"""The two tracks of a call, without a network."""

import anyio
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports.webrtc import VoiceTrack, WebRtcConnection

pytestmark = pytest.mark.anyio

SILENCE = np.zeros(480, np.float32)


async def test_what_goes_out_is_due_every_twenty_milliseconds_and_stops_with_the_call() -> None:
    played: list[tuple[float, int]] = []
    connection = WebRtcConnection(lambda sound: played.append((anyio.current_time(), len(sound))))
    asked: list[int] = []

    def pull(count: int) -> Samples:
        asked.append(count)
        if len(asked) == 20:
            connection.hang_up()
        return np.zeros(count, np.float32)

    begin = anyio.current_time()
    blocks = [block async for block in connection.blocks(pull, 22_050)]
    assert set(asked) == {441}
    assert {count for _, count in played} == {480}
    assert played[-1][0] - begin == pytest.approx(0.38, abs=0.1)
    assert [block.start for block in blocks] == [index * 320 for index in range(len(blocks))]


async def test_time_stamps_follow_the_clock_after_a_stall() -> None:
    track = VoiceTrack()
    stamps: list[int] = []
    for wait in (0.0, 0.02, 0.3, 0.02):
        await anyio.sleep(wait)
        track.say(SILENCE)
        stamps.append((await track.recv()).pts or 0)
    steps = np.diff(stamps)
    assert steps[0] == steps[2] == 480
    assert steps[1] / 24_000 == pytest.approx(0.3, abs=0.05)
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_what_nobody_takes_is_thrown_away() -> None:
    track = VoiceTrack()
    for _ in range(100):
        track.say(SILENCE)
    assert [(await track.recv()).pts for _ in range(2)] == [0, 480]
    track.stop()
    track.say(SILENCE)


async def test_who_goes_on_says_again_what_the_client_has_lost() -> None:
    played: list[float] = []
    connection = WebRtcConnection(lambda sound: played.append(float(sound[0])))
    connection.playout_delay = 0.06
    pulled = 0

    def pull(count: int) -> Samples:
        nonlocal pulled
        pulled += 1
        match pulled:
            case 6:
                connection.hold(True)
            case 8:
                connection.hold(False)
            case 10:
                connection.hang_up()
            case _:
                pass
        return np.full(count, 0 if pulled in {6, 7} else pulled, np.float32)

    async for _ in connection.blocks(pull, 24_000):
        pass
    assert played == [1, 2, 3, 4, 5, 0, 0, 8, 3, 4, 5, 9, 10]


async def test_a_pause_within_what_is_said_again_loses_nothing_either() -> None:
    played: list[float] = []

    def play(sound: Samples) -> None:
        played.append(float(sound[0]))
        if played == [1, 2, 3, 0, 0, 2]:
            connection.hold(True)

    connection = WebRtcConnection(play)
    connection.playout_delay = 0.04
    pulled = 0

    def pull(count: int) -> Samples:
        nonlocal pulled
        pulled += 1
        if pulled in {4, 5, 7}:
            connection.hold(pulled == 4)
        if pulled == 9:
            connection.hang_up()
        return np.full(count, 0 if 4 <= pulled <= 7 else pulled, np.float32)

    async for _ in connection.blocks(pull, 24_000):
        pass
    assert played == [1, 2, 3, 0, 0, 2, 0, 0, 0, 2, 3, 8, 9]
