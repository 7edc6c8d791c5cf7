"""One question to itself, in its own voice, in real time: whether all of it works, and how soon it answers here."""

from dataclasses import dataclass

import anyio
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.events import AudioFinished, AudioStarted, EventBus, Failure, ReplyText, TranscriptFinal, TurnMetrics
from multimodal_assistant.core.types import AudioChunk
from multimodal_assistant.pipeline.gauge import spoken
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.replay import ReplayConnection

_PATIENCE = 20.0  # seconds
_ROOM_SECONDS = 0.3  # before the question


@dataclass(slots=True)
class Rehearsal:
    """What came of it."""

    heard: str = ""
    answer: str = ""
    seconds: float | None = None
    """From the end of the question to the first sound of the answer; None: there was none."""
    problem: str = ""


async def rehearse(engines: Engines, detectors: EndOfTurn, manner: Manner) -> Rehearsal:
    """Ask and be answered; what is said stays here. The models are warm."""
    question = await spoken(engines.tts)
    room = np.zeros(round(_ROOM_SECONDS * SPEECH_RATE), np.float32)
    found, bus = Rehearsal(), EventBus()
    begun, ended = anyio.Event(), anyio.Event()

    def metrics(event: TurnMetrics) -> None:
        first_audio = event.stages["first_audio"]
        found.seconds = None if first_audio is None else first_audio / 1000

    def failed(event: Failure) -> None:
        found.problem = f"{event.problem} {event.remedy}".strip()
        begun.set()
        ended.set()

    bus.subscribe(TranscriptFinal, lambda event: setattr(found, "heard", event.transcript.text))
    bus.subscribe(ReplyText, lambda event: setattr(found, "answer", found.answer + event.delta))
    bus.subscribe(AudioFinished, lambda _: ended.set())
    bus.subscribe(AudioStarted, lambda _: begun.set())
    bus.subscribe(TurnMetrics, metrics)
    bus.subscribe(Failure, failed)
    recording = AudioChunk(np.concatenate([room, question.samples]), SPEECH_RATE)
    connection = ReplayConnection(recording, quiet=lambda: session.quiet)
    session = Session(connection, engines, detectors, manner=manner, bus=bus)
    with anyio.move_on_after(_PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.run, name="rehearsal")
            await begun.wait()
            with anyio.move_on_after(1.0):  # a long answer need not be said to its end
                await ended.wait()
            tasks.cancel_scope.cancel()
    return found
