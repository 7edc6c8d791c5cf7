"""A conversation with scripted engines on a clock that stands still: the test pushes sound, block by block."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import numpy as np
from anyio.lowlevel import checkpoint

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.events import Event, EventBus, ReplyText, TranscriptFinal
from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import Samples
from multimodal_assistant.core.worker import Worker, workers
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedSentenceEnd, ScriptedStt, ScriptedTts, ScriptedTurn, ScriptedVad
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.loopback import BLOCK, LoopbackConnection

_STEPS = 40
"""Turns of the event loop that mostly suffice for all engines to say what they have to say."""

E = TypeVar("E", bound=Event)


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
    turn: ScriptedTurn
    sentence: ScriptedSentenceEnd
    events: list[Event] = field(default_factory=list[Event])
    forsaken: list[Worker] = field(default_factory=lambda: [worker for worker in workers() if worker.waiting])
    """Threads that an earlier test has left at work."""

    async def hear(self, *stretches: Samples) -> None:
        """Push sound; engines get all the time they want between two blocks."""
        samples = np.concatenate(stretches)
        for begin in range(0, len(samples), BLOCK):
            await self.connection.push(samples[begin : begin + BLOCK])
            await self.stall()

    async def stall(self) -> None:
        """Nothing arrives, while the engines go on."""
        for _ in range(_STEPS):  # first, since the next line looks only ten times a second
            await checkpoint()
        await anyio.wait_all_tasks_blocked()
        while any(worker.waiting for worker in workers() if worker not in self.forsaken):  # whoever tells languages has a real thread
            await anyio.sleep(0.001)
            await anyio.wait_all_tasks_blocked()

    def named(self, name: str) -> list[Event]:
        """The events of one name."""
        return [event for event in self.events if event.name == name]

    def told(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def names(self) -> list[str]:
        """Names of all events in order, without the pieces of the reply."""
        return [event.name for event in self.events if event.name not in {"reply.text", "reply.spoken"}]

    @property
    def asked(self) -> list[str]:
        """What the user was understood to say, turn by turn."""
        return [event.transcript.text for event in self.told(TranscriptFinal)]

    @property
    def written(self) -> str:
        """All reply text that was shown."""
        return "".join(event.delta for event in self.told(ReplyText))

    @property
    def memory(self) -> list[tuple[str, str]]:
        """The history as (role, text)."""
        return [(message.role, message.text) for message in self.session.history.messages]

    @property
    def engines(self) -> tuple[ScriptedStt, ScriptedLlm, ScriptedTts]:
        """Those whose ledger tells what was finished and what was cancelled."""
        return self.stt, self.llm, self.tts


def set_up(
    *,
    says: Sequence[str] = ("What time is it?",),
    replies: Sequence[str] = ("It is nine.",),
    scores: Sequence[float] = (0.95,),
    stt: ScriptedStt | None = None,
    llm: ScriptedLlm | None = None,
    voice_of: TextToSpeech | None = None,
    loss: Callable[[int], bool] | None = None,
    manner: Manner | None = None,
) -> Stage:
    """A session and its parts; nothing runs yet."""
    stt, llm, tts = stt or ScriptedStt(texts=says), llm or ScriptedLlm(replies=replies), ScriptedTts()
    turn, sentence = ScriptedTurn(scores=(0.5,)), ScriptedSentenceEnd(scores=scores)
    connection = LoopbackConnection(loss=loss)
    bus = EventBus()
    session = Session(connection, Engines(ScriptedVad(), stt, llm, voice_of or tts), EndOfTurn(turn, sentence), manner=manner, bus=bus)
    stage = Stage(session, connection, stt, llm, tts, turn, sentence)
    bus.subscribe(Event, stage.events.append)
    return stage


@asynccontextmanager
async def on_stage(
    *,
    says: Sequence[str] = ("What time is it?",),
    replies: Sequence[str] = ("It is nine.",),
    scores: Sequence[float] = (0.95,),
    stt: ScriptedStt | None = None,
    llm: ScriptedLlm | None = None,
    voice_of: TextToSpeech | None = None,
    loss: Callable[[int], bool] | None = None,
    manner: Manner | None = None,
) -> AsyncGenerator[Stage]:
    """Run a session until the block ends; then the connection hangs up and the session must end by itself."""
    stage = set_up(says=says, replies=replies, scores=scores, stt=stt, llm=llm, voice_of=voice_of, loss=loss, manner=manner)
    async with anyio.create_task_group() as tasks:
        await tasks.start(stage.session.run)
        try:
            yield stage
        finally:
            await stage.connection.hang_up()
