"""What we add ourselves: the time between one engine's result and the next one's call, and how many conversations one core holds."""

import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Message, SpokenChunk, TextDelta, Transcript
from multimodal_assistant.engines.scripted import Script, ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad
from multimodal_assistant.pipeline.reply import Engines
from multimodal_assistant.pipeline.session import Session

from .crowd import REPLY, SILENCE_SECONDS, SPEECH_SECONDS, Load, Speaker, detectors
from .machine import Section, percentile

CONVERSATIONS, TURNS = 10, 32
CROWDS = (50, 100, 150, 200, 250, 300)
_CROWD_SECONDS = 15.0
_KEEPS_UP = 0.01  # of the blocks may be more than one block late


@dataclass(slots=True)
class _Steps:
    """When things were handed over in the draft that is being made, in seconds of the performance counter."""

    handed: float = 0.0
    """The last block of input."""
    returned: float = 0.0
    """The last result of an engine."""
    added: float = 0.0
    totals: list[float] = field(default_factory=list[float])

    def called(self, *, first: bool = False) -> None:
        """The next engine is called: what passed since the result before is ours."""
        now = time.perf_counter()
        self.added = now - self.handed if first else self.added + now - self.returned

    def result(self) -> None:
        self.returned = time.perf_counter()


class _Stt(ScriptedStt):
    def __init__(self, steps: _Steps) -> None:
        super().__init__(texts=("What time is it?",), script=Script(delay=0.1))
        self._steps = steps

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        self._steps.called(first=True)
        transcript = await super().transcribe(audio, language=language, words=words)
        self._steps.result()
        return transcript


class _Llm(ScriptedLlm):
    def __init__(self, steps: _Steps) -> None:
        super().__init__(replies=(REPLY,), script=Script(delay=0.1))
        self._steps = steps

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        self._steps.called()
        async with aclosing(super().reply(messages, max_tokens=max_tokens)) as deltas:
            first = True
            async for delta in deltas:
                if first:
                    self._steps.result()
                    first = False
                yield delta


class _Tts(ScriptedTts):
    def __init__(self, steps: _Steps) -> None:
        super().__init__(script=Script(delay=0.05))
        self._steps = steps
        self._turns = 0

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        if REPLY.startswith(text.rstrip(".,")):  # the first clause
            self._steps.called()
            self._steps.totals.append(self._steps.added)
        async with aclosing(super().speak(text)) as chunks:
            async for chunk in chunks:
                yield chunk


class _Handing(Speaker):
    """Notes when each block was handed over."""

    def __init__(self, steps: _Steps, phase: float, seconds: float) -> None:
        super().__init__(phase, seconds)
        self._steps = steps

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        async with aclosing(super().blocks(pull, rate)) as blocks:
            async for block in blocks:
                self._steps.handed = time.perf_counter()
                yield block


async def run() -> Section:
    """Both parts."""
    parts = [await added(), await anyio.to_thread.run_sync(crowds)]
    return Section("What we add, and how many conversations fit", "\n\n".join(parts))


async def added() -> str:
    """Our own share of the way from the soft pause to the voice."""
    steps = [_Steps() for _ in range(CONVERSATIONS)]
    seconds = TURNS * (SPEECH_SECONDS + SILENCE_SECONDS)
    async with anyio.create_task_group() as tasks:
        for index, one in enumerate(steps):
            connection = _Handing(one, index / CONVERSATIONS, seconds)
            made = Engines(ScriptedVad(), _Stt(one), _Llm(one), _Tts(one))
            tasks.start_soon(Session(connection, made, detectors(0.0)).run, name=f"conversation {index}")
    found = [1000 * total for one in steps for total in one.totals]
    return (
        f"{len(found)} turns of {CONVERSATIONS} conversations at once, scripted engines: from the block of audio that ends the speech to "
        "the call of the voice, without the engines' own time (recognizer, language model), we add "
        f"{percentile(found, 50):.2f} ms at the median, {percentile(found, 95):.2f} ms at p95, **{percentile(found, 99):.2f} ms at p99**, "
        f"{max(found):.2f} ms at most. What has been spoken goes out with the next block of 20 ms."
    )


def crowds() -> str:
    """The largest crowd that keeps up on one core."""
    lines = ["| conversations on one core | late blocks | lateness p99 | max | turns answered | core |", "|---|---|---|---|---|---|"]
    largest = 0
    for count in CROWDS:
        load = _crowd(count)
        lines.append(
            f"| {count} | {load.late / load.blocks:.2%} | {1000 * load.lateness_p99:.1f} ms | {1000 * load.lateness_max:.0f} ms "
            f"| {load.answered} of {load.turns} | {load.core:.0%} |"
        )
        if load.late > _KEEPS_UP * load.blocks:
            break
        largest = count
    lines += ["", f"**{largest}** conversations keep up (at most {_KEEPS_UP:.0%} of the blocks more than 20 ms late)."]
    return "\n".join(lines)


def _crowd(count: int) -> Load:
    command = [sys.executable, "-m", "benchmarks.crowd", str(count), str(_CROWD_SECONDS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    return Load(**json.loads(done.stdout))
