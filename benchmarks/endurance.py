"""A long conversation with the embedded engines: processor, memory and whether it grows. Minutes: BENCH_MINUTES (10 by default)."""

import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import anyio
import numpy as np
import psutil

from multimodal_assistant.app import assemble, settings_from, turn_detector
from multimodal_assistant.core.audio import SPEECH_RATE, audible, dbfs
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.pipeline.session import Session

from .machine import Section, percentile
from .questions import ROOM, spoken_questions

BLOCK_SECONDS = 0.02
_IN_BLOCK = round(BLOCK_SECONDS * SPEECH_RATE)
_GAP_SECONDS = 8.0
_SAMPLE_SECONDS = 5.0
_SETTLED_SECONDS = 120.0  # memory is taken to have settled: every code path has run
_AUDIBLE_DBFS = -45.0


class Endless:
    """Asks the questions round and round for so many seconds, and keeps nothing of the sound but when it was audible."""

    output_delay = 0.0

    def __init__(self, questions: Sequence[Samples], seconds: float) -> None:
        self._questions = questions
        self._seconds = seconds
        self._noise = np.random.default_rng(3)
        self.waits: list[float] = []
        self.late = 0
        self.lateness: list[float] = []
        """Seconds that each block was late."""

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`."""
        begin = anyio.current_time()
        plan = self._plan()
        ended: float | None = None
        for index in range(round(self._seconds / BLOCK_SECONDS)):
            due = begin + (index + 1) * BLOCK_SECONDS
            self.lateness.append(max(anyio.current_time() - due, 0.0))
            await anyio.sleep_until(due)
            now = index * BLOCK_SECONDS
            if dbfs(pull(round(BLOCK_SECONDS * rate))) > _AUDIBLE_DBFS and ended is not None and now > ended:
                self.waits.append(now - ended)
                ended = None
            samples, ends = next(plan)
            if ends is not None:
                if ended is not None:
                    self.waits.append(_GAP_SECONDS)
                ended = now + ends
            yield AudioChunk(samples, SPEECH_RATE, index * _IN_BLOCK)

    def _plan(self):
        """Blocks, each with the second at which a question ends in it, if one does."""
        turn = 0
        while True:
            question = self._questions[turn % len(self._questions)]
            _, last = audible(question, SPEECH_RATE)
            for begin in range(0, len(question) + round(_GAP_SECONDS * SPEECH_RATE), _IN_BLOCK):
                block = np.float32(ROOM) * self._noise.standard_normal(_IN_BLOCK, dtype=np.float32)
                spoken = question[begin : begin + _IN_BLOCK]
                block[: len(spoken)] += spoken
                yield block, ((last - begin) / SPEECH_RATE if begin < last <= begin + _IN_BLOCK else None)
            turn += 1


@dataclass(frozen=True, slots=True)
class Usage:
    """One look at the process."""

    at: float
    """Seconds since the beginning."""
    memory: float
    """Resident megabytes."""
    busy: float
    """Seconds of processor time since the beginning, all threads."""


async def watch(samples: list[Usage]) -> None:
    """Look at this process every few seconds until cancelled."""
    process = psutil.Process()
    begin = anyio.current_time()
    before = sum(process.cpu_times()[:2])
    while True:
        samples.append(Usage(anyio.current_time() - begin, process.memory_info().rss / 1e6, sum(process.cpu_times()[:2]) - before))
        await anyio.sleep(_SAMPLE_SECONDS)


def slope(samples: Sequence[Usage], settled: float) -> float:
    """Megabytes per minute that memory grows from `settled` seconds on, by least squares."""
    kept = [one for one in samples if one.at >= settled]
    if len(kept) < 3:
        return float("nan")
    return float(np.polyfit([one.at / 60 for one in kept], [one.memory for one in kept], 1)[0])


async def run() -> Section:
    """The default engines."""
    minutes = float(os.environ.get("BENCH_MINUTES", "10"))
    lines = [
        f"{minutes:.0f} minutes, a question every {_GAP_SECONDS + 2:.0f} s or so, answers of up to 160 tokens, embedded engines.",
        "",
        "| profile | CPU of two cores | peak memory | growth after two minutes | turns | p50 | p95 | max | no answer | late blocks |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    asked = await spoken_questions()
    lines.append(await _measure("balanced", "qwen2.5-0.5b", asked, minutes * 60))
    return Section("A long conversation", "\n".join(lines))


async def _measure(profile: str, llm: str, asked: Sequence[Samples], seconds: float) -> str:
    settings = settings_from(profile=profile, llm={"model": llm})
    samples: list[Usage] = []
    talk = Endless(asked, seconds)
    async with await assemble(settings) as assistant, turn_detector(settings) as detector:
        await assistant.warm()
        await detector.warm()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch, samples, name="watch")
            await Session(talk, assistant.engines, detector, manner=assistant.manner).run()
            tasks.cancel_scope.cancel()
    share = samples[-1].busy / samples[-1].at / 2
    missing = sum(wait >= _GAP_SECONDS for wait in talk.waits)
    late = sum(lateness > BLOCK_SECONDS for lateness in talk.lateness)
    return (
        f"| {profile} | **{share:.0%}** | **{max(one.memory for one in samples):.0f} MB** "
        f"| {slope(samples, min(_SETTLED_SECONDS, seconds / 3)):+.1f} MB/min | {len(talk.waits)} | {percentile(talk.waits, 50):.2f} s "
        f"| {percentile(talk.waits, 95):.2f} s | {max(talk.waits):.2f} s | {missing} | {late} of {len(talk.lateness)} |"
    )
