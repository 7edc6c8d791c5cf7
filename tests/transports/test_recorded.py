"""A session is kept: two files on the clock of the conversation, complete at every second."""

import errno
import os
import wave
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from blockbuster import blockbuster_ctx

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.errors import UsageError
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.transports.file import read_audio
from multimodal_assistant.transports.recorded import RecordedConnection, recording_folder

BLOCK = 160
VOICE = 24_000


class Line:
    """Blocks of 10 ms that count up; the voice is pulled `ahead` blocks early and reaches the ear `output_delay` later."""

    def __init__(self, blocks: int, *, delay: float = 0.0, away: range = range(0)) -> None:
        self.output_delay = delay
        self._blocks = blocks
        self._away = away

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        for index in range(self._blocks):
            if index not in self._away:
                pull(rate // 100)
            yield AudioChunk(np.full(BLOCK, (index + 1) / 1000, np.float32), SPEECH_RATE, index * BLOCK)


class Counter:
    """Plays 1/1000, 2/1000, … one value for every pull."""

    def __init__(self) -> None:
        self.pulls = 0

    def pull(self, count: int) -> Samples:
        self.pulls += 1
        return np.full(count, self.pulls / 1000, np.float32)


async def run(line: Line, folder: Path) -> tuple[Samples, Samples]:
    recorded = RecordedConnection(line, folder)
    assert recorded.output_delay == line.output_delay
    with blockbuster_ctx("multimodal_assistant"):
        async with aclosing(recorded.blocks(Counter().pull, VOICE)) as blocks:
            async for _ in blocks:
                pass
    heard, played = read_audio(folder / "heard.wav"), read_audio(folder / "played.wav")
    assert (heard.rate, played.rate) == (SPEECH_RATE, VOICE)
    return heard.samples, played.samples


def values(samples: Samples, step: int) -> list[int]:
    """One number for every 10 ms."""
    return [round(1000 * float(value)) for value in samples[step // 2 :: step]]


@pytest.mark.anyio
async def test_both_are_kept_from_the_first_to_the_last_sample(tmp_path: Path) -> None:
    heard, played = await run(Line(250), tmp_path)
    assert values(heard, BLOCK) == values(played, 240) == list(range(1, 251))


@pytest.mark.anyio
async def test_what_is_played_stands_where_it_reaches_the_ear(tmp_path: Path) -> None:
    _, played = await run(Line(100, delay=0.07), tmp_path)
    assert values(played, 240) == [0] * 7 + list(range(1, 101))


@pytest.mark.anyio
async def test_while_nothing_is_pulled_the_clock_goes_on(tmp_path: Path) -> None:
    _, played = await run(Line(100, away=range(20, 50)), tmp_path)
    assert values(played, 240) == [*range(1, 21), *[0] * 30, *range(21, 71)]


@pytest.mark.anyio
async def test_a_second_is_on_the_disk_before_the_end(tmp_path: Path) -> None:
    recorded = RecordedConnection(Line(120), tmp_path)
    async with aclosing(recorded.blocks(Counter().pull, VOICE)) as blocks:
        async for block in blocks:
            if block.end == 110 * BLOCK:
                assert read_audio(tmp_path / "heard.wav").seconds >= 1.0


@pytest.mark.anyio
async def test_what_is_left_early_leaves_whole_files(tmp_path: Path) -> None:
    recorded = RecordedConnection(Line(10), tmp_path)
    async with aclosing(recorded.blocks(Counter().pull, VOICE)) as blocks:
        for _ in range(5):
            await anext(blocks)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert file.getnframes() == 5 * BLOCK


def test_a_folder_is_made(tmp_path: Path) -> None:
    assert recording_folder(tmp_path / "a" / "b").is_dir()


def test_an_old_recording_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "heard.wav").touch()
    with pytest.raises(UsageError, match="already holds a recording"):
        recording_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=os.strerror(errno.EEXIST)):
        recording_folder(tmp_path / "file")
