"""One conversation in the events of the OpenAI Realtime API, whatever carries them: what a client's event does."""

import logging
from dataclasses import replace
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup

from multimodal_assistant.core.connection import Connection
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.events import AnswerFinished, Event, EventBus, ReplyText, SpeechStarted, TurnCommitted
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.pipeline.sight import NoSight
from multimodal_assistant.transports.realtime import RealtimeConnection
from multimodal_assistant.transports.realtime_formats import Format
from multimodal_assistant.transports.realtime_messages import (
    AppendAudio,
    BadMessage,
    CancelResponse,
    ClearAudio,
    ClearOutput,
    CommitAudio,
    CreateItem,
    CreateResponse,
    DeleteItem,
    Heartbeat,
    Message,
    RetrieveItem,
    TruncateItem,
    UpdateSession,
    parsed,
)
from multimodal_assistant.transports.realtime_story import Story

from .camera import ClientCamera
from .entries import Entries
from .host import Host
from .minds import Mind
from .sight import ClientSight
from .sound import Sound
from .wishes import Own, Wishes, context

log = logging.getLogger(__name__)

_NO_EYES = "I cannot see anything: I have no eyes here."


class Line(Connection, Protocol):
    """A connection to a client that knows what it plays."""

    playout_delay: float
    """Seconds from the arrival of a sound at the client to the ear; a transport begins with its best guess."""


class Conversation:
    """What belongs to one client.

    mind: who answers. story: tells the client. tasks: the parent of the session. packets: the connection again, where the client's
    sound comes in events; None where it has a way of its own. camera: what the client's video track shows.
    """

    def __init__(
        self,
        host: Host,
        mind: Mind,
        name: str,
        connection: Line,
        story: Story,
        tasks: TaskGroup,
        *,
        packets: RealtimeConnection | None = None,
        camera: ClientCamera | None = None,
    ) -> None:
        self._host = host
        self._mind = mind
        self._name = name
        self._connection = connection
        self._story = story
        self._tasks = tasks
        self._sound = None if packets is None else Sound(packets)
        vision = host.vision.of(mind.viewer)
        self._engines = replace(host.engines, llm=mind.llm)
        self._sight = ClientSight(vision, camera) if vision.possible else None
        self._past = None if vision.views is None else vision.views.sight(self._sight or NoSight(), mind.viewer, mind.llm, host.user(name))
        manner = replace(mind.manner, memory=host.memory(name), sight=self._past or self._sight or NoSight(_NO_EYES))
        self._wishes = Wishes(Own.of(self._engines, manner, sees=vision.possible, choice=host.minds.names))
        self._entries = Entries(story, lambda: Format() if self._sound is None else self._sound.format, self._sight)
        self._session: Session | None = None

    @property
    def making(self) -> bool:
        """An answer is being made."""
        return self._session is not None and self._session.making

    def greet(self, wishes: dict[str, Any] | None = None) -> None:
        """Tell the client what it has come to. wishes: for the session, that it came with; they have been checked."""
        refused = [] if wishes is None else self._take_up(wishes, None)
        self._story.begin(self._wishes.described(self._name))
        if refused:
            self._story.refuse(" ".join(refused), "unsupported_value", None)
        if self._mind is not self._host.minds.first:
            self._tasks.start_soon(self._warm, name="language model")

    async def _warm(self) -> None:
        """It is wanted in a moment, and may not be loaded."""
        try:
            await self._mind.llm.warm()
        except AssistantError as error:
            self._story.refuse(str(error), "engine_failed", None)

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
                refused = self._take_up(message.session, message.event_id)
                self._story.updated(self._wishes.described(self._name))
                if refused:
                    raise BadMessage(" ".join(refused), "unsupported_value", message.event_id)
            case AppendAudio():
                await self._hear(message)
            case ClearAudio():
                if self._sound is not None:
                    self._sound.forget()
                if self._session is not None:
                    self._session.forget()
                self._story.cleared()
            case RetrieveItem():
                self._entries.retrieve(message)
            case _:
                await self._talk(await self.begin(), message)

    def _take_up(self, wishes: dict[str, Any], event_id: str | None) -> list[str]:
        """Go on as the client wishes; what cannot be had, in sentences. Raises `BadMessage`."""
        by_hand = self._wishes.manual
        refused = self._wishes.update(wishes, event_id)
        sound = self._wishes.session.audio
        self._story.sound_as(sound.output.format.format)
        if self._sight is not None:
            self._sight.shows(self._wishes.session.assistant.shows)
        if self._sound is not None:
            self._sound.arrives_as(sound.input.format.format)
            if by_hand != self._wishes.manual:
                self._sound.forget()
        if self._session is not None:
            self._session.adopt(self._wishes.manner, self._wishes.rules)
            if by_hand != self._wishes.manual:
                self._session.forget()
        return refused

    async def _hear(self, message: AppendAudio) -> None:
        if self._sound is None:
            raise BadMessage("The sound of this conversation comes by its audio track.", "invalid_event", message.event_id)
        data = message.data()
        await self.begin()
        try:
            taken = self._sound.hear(data, collect=self._wishes.manual)
        except ValueError:
            raise BadMessage("The audio ends within a sample: 16-bit samples have two bytes.", "invalid_value", message.event_id) from None
        if not taken:
            raise BadMessage("Too much audio is waiting to be listened to.", "rate_limit_exceeded", message.event_id)

    async def _talk(
        self,
        session: Session,
        message: CommitAudio | ClearOutput | CreateItem | DeleteItem | CreateResponse | CancelResponse | TruncateItem,
    ) -> None:
        """What needs a conversation that has begun."""
        match message:
            case CommitAudio():
                self._end_turn(session, message)
            case CreateItem():
                self._entries.create(session, message)
            case DeleteItem():
                self._entries.delete(session, message)
            case CreateResponse():
                self._answer(session, message)
            case CancelResponse() | ClearOutput():
                if not session.cut() and isinstance(message, CancelResponse):
                    raise BadMessage("Nothing is being answered.", "response_cancel_not_active", message.event_id)
            case TruncateItem():
                self._truncate(session, message)

    def _truncate(self, session: Session, message: TruncateItem) -> None:
        """An answer that has ended was heard, or cut, by our own reckoning."""
        if not self._story.answered_with(message.item_id):
            raise BadMessage("There is no such message of the assistant.", "item_not_found", message.event_id)
        if self._story.answers_with(message.item_id):
            session.cut(message.audio_end_ms / 1000)
        self._story.truncated(message.item_id, message.audio_end_ms)

    def _end_turn(self, session: Session, message: CommitAudio) -> None:
        """What was said since the last turn is one, because the client says so."""
        if not self._wishes.manual:
            problem = "The server ends the turns here; set turn_detection to null to end them yourself."
            raise BadMessage(problem, "input_audio_buffer_commit_empty", message.event_id)
        samples = None if self._sound is None else self._sound.take()
        turn = None if self._sound is not None and samples is None else session.take(samples)
        if turn is None:
            problem = "There is less than a tenth of a second of audio to commit."
            raise BadMessage(problem, "input_audio_buffer_commit_empty", message.event_id)
        self._story.took(turn, committed=True)

    def _answer(self, session: Session, message: CreateResponse) -> None:
        response, event_id = message.response, message.event_id
        manner, history, metadata = self._wishes.manner, None, None
        if response is not None:
            manner = self._wishes.manner_of(response, event_id)
            history, metadata = context(response), response.metadata
        if not session.quiet:
            raise BadMessage("Somebody is speaking already.", "conversation_already_has_active_response", event_id)
        self._story.expect(metadata)
        session.answer(manner, history)

    async def begin(self) -> Session:
        """The same session that the microphone has; it begins with the first thing that is said or asked for."""
        if self._session is None:
            bus = EventBus()
            bus.subscribe(Event, self._story.hear)
            bus.subscribe(Event, self._host.metrics.hear)
            if self._sight is not None:
                sight = self._sight
                bus.subscribe(SpeechStarted, lambda _: sight.speech_begins())
                bus.subscribe(TurnCommitted, lambda _: sight.speech_ends())
                bus.subscribe(AnswerFinished, lambda _: sight.answered())
            if self._past is not None:
                past = self._past
                bus.subscribe(ReplyText, lambda _: self._host.forget(self._name) if past.answering() else None)
                self._host.forgetful[self._name] = self._story.forgot
            host, wishes = self._host, self._wishes
            self._session = Session(self._connection, self._engines, host.end_of_turn, manner=wishes.manner, bus=bus, rules=wishes.rules)
            host.speaking[self._name] = lambda session=self._session: not session.quiet
            await self._tasks.start(self._session.run, name=f"conversation {self._name}")
        return self._session
