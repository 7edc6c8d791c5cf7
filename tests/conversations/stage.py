"""A conversation with scripted engines on a clock that stands still: the test pushes sound, block by block."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import numpy as np
from anyio.lowlevel import checkpoint

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.events import Event, EventBus
from multimodal_assistant.core.types import Samples
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedTurn, ScriptedVad
from multimodal_assistant.pipeline.reply import Engines
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.loopback import BLOCK, LoopbackConnection

_STEPS = 40
"""Turns of the event loop that mostly suffice for all engines to say what they have to say."""


def voice(seconds: float) -> Samples:
    """Something loud."""
    time = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    return (0.3 * np.sin(2 * np.pi * 180 * time)).astype(np.float32)


def hush(seconds: float) -> Samples:
    """Nothing."""
    return np.zeros(round(seconds * SPEECH_RATE), np.float32)


@dataclass
class Stage:
    """The session on stage and everything that came of it."""

    session: Session
    connection: LoopbackConnection
    stt: ScriptedStt
    llm: ScriptedLlm
    tts: ScriptedTts
    events: list[Event] = field(default_factory=list[Event])

    async def hear(self, samples: Samples) -> None:
        """Push sound; engines get all the time they want between two blocks."""
        for begin in range(0, len(samples), BLOCK):
            await self.connection.push(samples[begin : begin + BLOCK])
            for _ in range(_STEPS):  # first, since the next line looks only ten times a second
                await checkpoint()
            await anyio.wait_all_tasks_blocked()

    def named(self, name: str) -> list[Event]:
        """The events of one name."""
        return [event for event in self.events if event.name == name]

    @property
    def names(self) -> list[str]:
        """Names of all events in order, without the pieces of the reply."""
        return [event.name for event in self.events if event.name != "reply.text"]


@asynccontextmanager
async def on_stage(
    *,
    says: Sequence[str] = ("What time is it?",),
    replies: Sequence[str] = ("It is nine.",),
    scores: Sequence[float] = (0.95,),
    vad: bool = True,
) -> AsyncGenerator[Stage]:
    """Run a session until the block ends; then the connection hangs up and the session must end by itself."""
    stt, llm, tts = ScriptedStt(texts=says), ScriptedLlm(replies=replies), ScriptedTts()
    connection = LoopbackConnection()
    bus = EventBus()
    session = Session(connection, Engines(ScriptedVad(), stt, llm, tts), ScriptedTurn(scores=scores), bus=bus)
    stage = Stage(session, connection, stt, llm, tts)
    bus.subscribe(Event, stage.events.append)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.run)
        yield stage
        await connection.hang_up()
