"""One conversation in the events of the OpenAI Realtime API, whatever carries them: what a client's event does."""

import logging
from dataclasses import replace
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from multimodal_assistant.core.connection import Connection
from multimodal_assistant.core.events import Event, EventBus
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.realtime import RealtimeConnection
from multimodal_assistant.transports.realtime_messages import (
    RATE,
    AppendAudio,
    BadMessage,
    CancelResponse,
    ClearAudio,
    CreateItem,
    CreateResponse,
    Heartbeat,
    Message,
    TruncateItem,
    UpdateSession,
    Wishes,
    parsed,
)
from multimodal_assistant.transports.realtime_story import ServerEvent, Story

from .host import Host

log = logging.getLogger(__name__)


class Line(Connection, Protocol):
    """A connection to a client that knows what it plays."""

    playout_delay: float
    """Seconds from the arrival of a sound at the client to the ear; a transport begins with its best guess."""


class Conversation:
    """What belongs to one client.

    story: tells the client. tasks: the parent of the session. packets: the connection again, where the client's sound comes in
    events; None where it has a way of its own.
    """

    def __init__(
        self, host: Host, name: str, connection: Line, story: Story, tasks: TaskGroup, *, packets: RealtimeConnection | None = None
    ) -> None:
        self._host = host
        self._name = name
        self._connection = connection
        self._story = story
        self._tasks = tasks
        self._packets = packets
        self._manner: Manner = host.manner
        self._session: Session | None = None

    def greet(self) -> None:
        """Tell the client what it has come to."""
        self._story.begin(self._describe())

    async def until_over(self, seconds: float) -> str:
        """Wait until the conversation has to end, at the latest after so many seconds; say goodbye, and why."""
        reason = "Your minutes of conversation are used up."
        with anyio.move_on_after(seconds):
            await self._host.closing.wait()
            reason = "The server is closing."
        self._story.goodbye(reason)
        return reason

    async def obey(self, text: str | bytes) -> None:
        """Carry out one event of the client. What is wrong with it is told; the conversation goes on."""
        try:
            await self._carry_out(parsed(text))
        except BadMessage as error:
            self._story.refuse(error.problem, error.code, error.event_id)

    async def _carry_out(self, message: Message) -> None:
        match message:
            case Heartbeat():
                if message.playout_delay_ms is not None:
                    self._connection.playout_delay = message.playout_delay_ms / 1000
                self._story.beat()
            case UpdateSession():
                self._update(message)
            case AppendAudio():
                await self._hear(message)
            case ClearAudio():
                if self._packets is not None:
                    self._packets.forget()
                self._story.cleared()
            case _:
                await self._talk(await self.begin(), message)

    async def _hear(self, message: AppendAudio) -> None:
        if self._packets is None:
            raise BadMessage("The sound of this conversation comes by its audio track.", "invalid_event", message.event_id)
        samples = message.samples()
        await self.begin()
        if not self._packets.hear(samples):
            raise BadMessage("More than 30 s of audio are waiting to be listened to.", "rate_limit_exceeded", message.event_id)

    async def _talk(self, session: Session, message: CreateItem | CreateResponse | CancelResponse | TruncateItem) -> None:
        """What needs a conversation that has begun."""
        match message:
            case CreateItem():
                self._note(session, message)
            case CreateResponse():
                manner = self._manner if message.response is None else self._mannered(message.response)
                if not session.answer(manner):
                    raise BadMessage("Somebody is speaking already.", "conversation_already_has_active_response", message.event_id)
            case CancelResponse():
                if not session.cut():
                    raise BadMessage("Nothing is being answered.", "response_cancel_not_active", message.event_id)
            case TruncateItem():  # an answer that has ended was heard, or cut, by our own reckoning
                if not self._story.answered_with(message.item_id):
                    raise BadMessage("There is no such message of the assistant.", "item_not_found", message.event_id)
                if self._story.answers_with(message.item_id):
                    session.cut(message.audio_end_ms / 1000)
                self._story.truncated(message.item_id, message.audio_end_ms)

    def _note(self, session: Session, message: CreateItem) -> None:
        item = message.item
        if item.role == "user":
            session.write(item.text)
        else:
            session.history.told(item.text)
        self._story.written(item.role, item.text, item.id)

    def _update(self, message: UpdateSession) -> None:
        if self._session is not None:
            raise BadMessage("The session cannot be changed once the conversation has begun.", "session_already_begun", message.event_id)
        self._manner = self._mannered(message.session)
        self._story.updated(self._describe())

    def _mannered(self, wishes: Wishes) -> Manner:
        """The manner with what is wished for."""
        manner = self._manner
        if wishes.instructions is not None:
            manner = replace(manner, system=wishes.instructions)
        if wishes.max_output_tokens == "inf":
            return replace(manner, max_tokens=self._host.manner.max_tokens)
        if wishes.max_output_tokens is not None:
            return replace(manner, max_tokens=min(max(wishes.max_output_tokens, 1), 4096))
        return manner

    async def begin(self) -> Session:
        """The same session that the microphone has; it begins with the first thing that is said or asked for."""
        if self._session is None:
            bus = EventBus()
            bus.subscribe(Event, self._story.hear)
            bus.subscribe(Event, self._host.metrics.hear)
            host = self._host
            self._session = Session(self._connection, host.engines, host.end_of_turn, manner=self._manner, bus=bus)
            await self._tasks.start(self._session.run, name=f"conversation {self._name}")
        return self._session

    def _describe(self) -> ServerEvent:
        """The conversation, as the API describes it."""
        sound = {"type": "audio/pcm", "rate": RATE}
        details = {kind: dict(getattr(self._host.engines, kind).details) for kind in ("stt", "llm", "tts")}
        ears = {"format": sound, "transcription": {"model": details["stt"].get("model", "")}, "noise_reduction": None}
        turns = {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True}
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": f"sess_{self._name}",
            "model": details["llm"].get("model", ""),
            "output_modalities": ["audio"],
            "instructions": self._manner.system,
            "max_output_tokens": self._manner.max_tokens,
            "audio": {
                "input": {**ears, "turn_detection": turns},
                "output": {"format": sound, "voice": details["tts"].get("voice", ""), "speed": 1.0},
            },
            "tools": [],
            "tool_choice": "auto",
        }
