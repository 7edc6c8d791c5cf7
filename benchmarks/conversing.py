"""Conversations with recordings, as `assistant talk --input` holds them, by engines that all of them share."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from multimodal_assistant.app import Assistant, assemble, turn_detector
from multimodal_assistant.config import Settings
from multimodal_assistant.core.events import EventBus
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.pipeline.reply import EndOfTurn, Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.replay import ReplayConnection

from .questions import script, waits

GAP_SECONDS = 4.5
MAX_TOKENS = 12


@dataclass(frozen=True, slots=True)
class House:
    """Engines, loaded and warm."""

    assistant: Assistant
    detector: EndOfTurn


@dataclass(frozen=True, slots=True)
class Conversation:
    """One of them, to be run."""

    session: Session
    connection: ReplayConnection

    def waits(self, ends: Sequence[float]) -> list[float]:
        """Seconds from each of these ends of questions to the first sound of the answer; of a conversation that was run."""
        return waits(self.connection.output, self.connection.rate, ends, GAP_SECONDS)


@asynccontextmanager
async def housed(settings: Settings) -> AsyncGenerator[House]:
    """The engines of these settings, until the end of the block."""
    async with await assemble(settings) as assistant, turn_detector(settings) as detector:
        await assistant.warm()
        await detector.warm()
        yield House(assistant, detector)


def conversation(house: House, recording: AudioChunk, *, manner: Manner | None = None, bus: EventBus | None = None) -> Conversation:
    """In real time, from the first sample of the recording until it has come to rest after the last."""
    connection = ReplayConnection(recording, quiet=lambda: session.quiet)
    manner = manner or Manner(max_tokens=MAX_TOKENS)
    session = Session(connection, house.assistant.engines, house.detector, manner=manner, bus=bus or EventBus())
    return Conversation(session, connection)


async def answered(house: House, questions: Sequence[Samples], *, manner: Manner | None = None) -> list[float]:
    """Hold one with these questions; how long each of the answers took."""
    asked = script(questions, gap=GAP_SECONDS)
    talk = conversation(house, asked.recording, manner=manner)
    await talk.session.run()
    return talk.waits(asked.ends)
