"""Many conversations with scripted engines in one process on one core, in real time: python -m benchmarks.crowd COUNT SECONDS.

Prints one line of JSON: how late blocks were handed over, how many turns were answered, and the share of the core that it took.
"""

import json
import os
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.engines.scripted import (
    Script,
    ScriptedLlm,
    ScriptedSentenceEnd,
    ScriptedStt,
    ScriptedTts,
    ScriptedTurn,
    ScriptedVad,
)
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines
from multimodal_assistant.pipeline.session import Session

BLOCK_SECONDS = 0.02
_IN_BLOCK = round(BLOCK_SECONDS * SPEECH_RATE)
SPEECH_SECONDS, SILENCE_SECONDS = 1.2, 4.8
"""A turn of the user and the time for its answer."""

REPLY = "The train to the city leaves at nine."


@dataclass(frozen=True, slots=True)
class Load:
    """What a crowd came to."""

    conversations: int
    blocks: int
    late: int
    """Blocks handed over more than one block after they were due."""
    lateness_p99: float
    lateness_max: float
    """Seconds."""
    turns: int
    answered: int
    core: float
    """Share of one core."""


class Speaker:
    """One caller, who starts somewhere in the turn so that not all speak at once."""

    output_delay = 0.0

    def __init__(self, phase: float, seconds: float) -> None:
        self._sound = turn_of_sound()
        self._offset = round(phase * len(self._sound) / _IN_BLOCK) * _IN_BLOCK
        self._seconds = seconds
        self._phase = phase
        self.lateness: list[float] = []
        self.answers = 0
        self.turns = 0

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`."""
        begin = anyio.current_time() + self._phase * BLOCK_SECONDS
        size = round(BLOCK_SECONDS * rate)
        waiting = False
        for index in range(round(self._seconds / BLOCK_SECONDS)):
            due = begin + (index + 1) * BLOCK_SECONDS
            await anyio.sleep_until(due)
            self.lateness.append(anyio.current_time() - due)
            if pull(size).any() and waiting:
                self.answers += 1
                waiting = False
            at = (self._offset + index * _IN_BLOCK) % len(self._sound)
            ends = at == round(SPEECH_SECONDS * SPEECH_RATE) // _IN_BLOCK * _IN_BLOCK
            if ends and index * BLOCK_SECONDS < self._seconds - SILENCE_SECONDS:
                self.turns += 1
                waiting = True
            yield AudioChunk(self._sound[at : at + _IN_BLOCK], SPEECH_RATE, index * _IN_BLOCK)


def turn_of_sound() -> Samples:
    """A tone as speech, then quiet noise, one cycle."""
    time_axis = np.arange(round(SPEECH_SECONDS * SPEECH_RATE), dtype=np.float32) / np.float32(SPEECH_RATE)
    tone = (0.2 * np.sin(2 * np.pi * 220 * time_axis)).astype(np.float32)
    quiet = 0.0006 * np.random.default_rng(0).standard_normal(round(SILENCE_SECONDS * SPEECH_RATE), dtype=np.float32)
    return np.concatenate([tone, quiet.astype(np.float32)])


def engines() -> Engines:
    """Scripted ones with the delays of a fast machine."""
    return Engines(
        ScriptedVad(),
        ScriptedStt(texts=("What time is it?",), script=Script(delay=0.15)),
        ScriptedLlm(replies=(REPLY,), script=Script(delay=0.1, interval=0.01)),
        ScriptedTts(script=Script(delay=0.05, interval=0.02)),
    )


def detectors(sentence_seconds: float = 0.02) -> EndOfTurn:
    """Sure of the end."""
    return EndOfTurn(ScriptedTurn(script=Script(delay=0.03)), ScriptedSentenceEnd(script=Script(delay=sentence_seconds)))


async def crowd(count: int, seconds: float) -> Load:
    """All of them at once."""
    shared, detector = engines(), detectors()
    speakers = [Speaker(index / count, seconds) for index in range(count)]
    busy = time.process_time()
    begin = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for index, speaker in enumerate(speakers):
            tasks.start_soon(Session(speaker, shared, detector).run, name=f"conversation {index}")
    share = (time.process_time() - busy) / (time.perf_counter() - begin)
    lateness = np.concatenate([np.asarray(speaker.lateness) for speaker in speakers])
    return Load(
        conversations=count,
        blocks=len(lateness),
        late=int(np.sum(lateness > BLOCK_SECONDS)),
        lateness_p99=float(np.percentile(lateness, 99)),
        lateness_max=float(np.max(lateness)),
        turns=sum(speaker.turns for speaker in speakers),
        answered=sum(speaker.answers for speaker in speakers),
        core=share,
    )


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(json.dumps(asdict(anyio.run(crowd, int(sys.argv[1]), float(sys.argv[2])))))
