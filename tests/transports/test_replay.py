"""A recording as the user's side of a conversation.

The transport paces itself in real time, which is what it is for: these recordings are a fraction of a second, and the second of rest
after them is part of every test.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import numpy as np
import pytest

from multimodal_assistant.core.audio import SPEECH_RATE, dbfs
from multimodal_assistant.core.events import AudioStarted, Event, EventBus, TranscriptFinal
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedTurn, ScriptedVad
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.replay import ReplayConnection

pytestmark = pytest.mark.anyio

BLOCK = 320


def ramp(seconds: float, rate: int = SPEECH_RATE) -> AudioChunk:
    return AudioChunk(np.linspace(0.1, 0.9, round(seconds * rate), dtype=np.float32), rate)


def tone(seconds: float, rate: int) -> AudioChunk:
    return AudioChunk((0.3 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


class Counter:
    """Plays the number of the sample."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def pull(self, count: int) -> Samples:
        begin = sum(self.asked)
        self.asked.append(count)
        return np.arange(begin, begin + count, dtype=np.float32)


async def all_at_once(check: Callable[[int], Coroutine[Any, Any, None]], *rates: int) -> None:
    """They mostly wait for the clock."""
    async with anyio.create_task_group() as tasks:
        for rate in rates:
            tasks.start_soon(check, rate)


async def replayed(connection: ReplayConnection, counter: Counter, rate: int) -> list[AudioChunk]:
    return [block async for block in connection.blocks(counter.pull, rate)]


async def test_blocks_follow_one_another_and_hold_the_recording_and_then_silence() -> None:
    recording = ramp(0.25)
    blocks = await replayed(ReplayConnection(recording, quiet=lambda: True), Counter(), 24_000)
    assert [block.start for block in blocks] == [index * BLOCK for index in range(len(blocks))]
    assert {len(block.samples) for block in blocks} == {BLOCK}
    assert {block.rate for block in blocks} == {SPEECH_RATE}
    heard = np.concatenate([block.samples for block in blocks])
    np.testing.assert_array_equal(heard[: len(recording.samples)], recording.samples)
    assert not heard[len(recording.samples) :].any()


async def test_output_is_on_the_clock_of_the_input() -> None:
    """Sample n was played n / rate seconds after the first input sample, also where a block is no whole number of samples."""
    await all_at_once(_output_is_on_the_clock, 24_000, 22_050, 8_000, 44_100)


async def _output_is_on_the_clock(rate: int) -> None:
    connection, counter = ReplayConnection(ramp(0.1), quiet=lambda: True), Counter()
    assert (connection.rate, len(connection.output)) == (0, 0)
    blocks = await replayed(connection, counter, rate)
    assert connection.rate == rate
    np.testing.assert_array_equal(connection.output, np.arange(sum(counter.asked), dtype=np.float32))
    assert len(connection.output) == round(len(blocks) * 0.02 * rate)
    for index in range(len(blocks)):
        assert abs(sum(counter.asked[:index]) - index * 0.02 * rate) <= 0.5


async def test_it_ends_after_a_second_of_rest() -> None:
    blocks = await replayed(ReplayConnection(ramp(0.2), quiet=lambda: True), Counter(), 24_000)
    assert len(blocks) * 0.02 == pytest.approx(0.2 + 1.0, abs=0.041)


async def test_it_goes_on_for_as_long_as_the_conversation_does() -> None:
    busy = iter([False] * 5 + [True] * 20 + [False] + [True] * 1000)
    blocks = await replayed(ReplayConnection(ramp(0.1), quiet=lambda: next(busy)), Counter(), 24_000)
    assert len(blocks) == pytest.approx(0.1 / 0.02 + 25 + 50, abs=3)


async def test_it_keeps_real_time() -> None:
    """The clock only ever waits: a block is never given before it would have been spoken."""
    connection, counter = ReplayConnection(ramp(0.1), quiet=lambda: True), Counter()
    begin = anyio.current_time()
    count = 0
    async for _ in connection.blocks(counter.pull, 24_000):
        count += 1
        assert anyio.current_time() - begin >= count * 0.02 - 0.002


@pytest.mark.timeout(20)
async def test_not_paced_ten_minutes_of_nothing_pass_at_once_and_keep_their_clock() -> None:
    nothing = AudioChunk(np.zeros(600 * SPEECH_RATE, np.float32), SPEECH_RATE)
    connection = ReplayConnection(nothing, quiet=lambda: True, paced=False)
    blocks = await replayed(connection, Counter(), 8_000)
    assert blocks[-1].end / SPEECH_RATE == pytest.approx(601, abs=0.021)
    assert len(connection.output) / 8_000 == pytest.approx(blocks[-1].end / SPEECH_RATE)


async def test_not_paced_what_is_said_keeps_its_pace() -> None:
    connection, counter = ReplayConnection(ramp(0.3), quiet=lambda: len(counter.asked) > 15, paced=False), Counter()
    begin = anyio.current_time()
    async for block in connection.blocks(counter.pull, 8_000):
        if block.end <= 0.3 * SPEECH_RATE:
            assert anyio.current_time() - begin >= block.end / SPEECH_RATE - 0.002


async def test_a_recording_of_any_rate_is_heard_at_16_kilohertz() -> None:
    await all_at_once(_heard_at_16_kilohertz, 8_000, 11_025, 44_100, 47_999)


async def _heard_at_16_kilohertz(rate: int) -> None:
    blocks = await replayed(ReplayConnection(tone(0.2, rate), quiet=lambda: True), Counter(), 24_000)
    heard = np.concatenate([block.samples for block in blocks])
    assert dbfs(heard[:3200]) == pytest.approx(dbfs(tone(0.2, rate).samples), abs=0.5)
    assert abs(int(np.flatnonzero(np.abs(heard) > 0.05)[-1]) - 3200) < 60
    spectrum = np.abs(np.fft.rfft(heard[:3200]))
    assert abs(int(spectrum.argmax()) * SPEECH_RATE / 3200 - 300) <= 5


async def test_an_empty_recording_is_a_second_of_silence() -> None:
    blocks = await replayed(ReplayConnection(AudioChunk(np.zeros(0, np.float32), SPEECH_RATE), quiet=lambda: True), Counter(), 24_000)
    assert len(blocks) == pytest.approx(50, abs=2)
    assert not np.concatenate([block.samples for block in blocks]).any()


async def test_a_session_answers_a_recording_and_the_output_holds_the_answer_at_its_time() -> None:
    events: list[Event] = []
    bus = EventBus()
    bus.subscribe(Event, events.append)
    engines = Engines(
        ScriptedVad(), ScriptedStt(texts=("What time is it?",)), ScriptedLlm(replies=("It is nine.",)), ScriptedTts(word_seconds=0.05)
    )
    connection = ReplayConnection(tone(0.4, 44_100), quiet=lambda: session.quiet)
    session = Session(connection, engines, EndOfTurn(ScriptedTurn()), bus=bus)
    await session.run()
    (final,) = [event for event in events if isinstance(event, TranscriptFinal)]
    (started,) = [event for event in events if isinstance(event, AudioStarted)]
    assert final.transcript.text == "What time is it?"
    assert [message.text for message in session.history.messages] == ["What time is it?", "It is nine."]
    begin = round(started.t * connection.rate)
    assert not connection.output[:begin].any()
    assert dbfs(connection.output[begin : begin + round(0.15 * connection.rate)]) > -25
    assert not connection.output[begin + round(0.17 * connection.rate) :].any()
