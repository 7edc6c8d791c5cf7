"""One conversation over a WebSocket, in the events of the OpenAI Realtime API."""

import json
import logging
from dataclasses import replace
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.websockets import WebSocket, WebSocketDisconnect

from multimodal_assistant.core.errors import leaf
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
    Message,
    TruncateItem,
    UpdateSession,
    Wishes,
    parsed,
)
from multimodal_assistant.transports.realtime_story import ServerEvent, Story

from .host import Host

log = logging.getLogger(__name__)

_BEHIND = 1024  # events that a slow client may leave unread, about 15 s of an answer
_SEND_SECONDS = 10.0  # for one event

NORMAL, TRY_AGAIN_LATER, TOO_SLOW = 1000, 1013, 1008
"""Close codes (RFC 6455 and its registry)."""


async def converse(socket: WebSocket, host: Host) -> None:
    """Hold the conversation until the client leaves. The door has been passed; the handshake is still to be answered."""
    offered = [name.strip() for name in socket.headers.get("sec-websocket-protocol", "").split(",")]
    await socket.accept(subprotocol="realtime" if "realtime" in offered else None)
    if host.full:
        await socket.close(TRY_AGAIN_LATER, "All conversations are taken. Try again later.")
        return
    with host.conversation() as name:
        log.info("conversation %s begins", name)
        try:
            await _Conversation(socket, host, name).run()
        finally:
            log.info("conversation %s is over", name)


class _Conversation:
    """What belongs to one client."""

    def __init__(self, socket: WebSocket, host: Host, name: str) -> None:
        self._socket = socket
        self._host = host
        self._name = name
        self._manner: Manner = host.manner
        self._outbox: MemoryObjectSendStream[ServerEvent]
        self._unread: MemoryObjectReceiveStream[ServerEvent]
        self._outbox, self._unread = anyio.create_memory_object_stream[ServerEvent](_BEHIND)
        self._tasks = anyio.create_task_group()
        self._story = Story(name, self._post)
        self._connection = RealtimeConnection(self._story)
        self._session: Session | None = None
        self._close = (NORMAL, "")

    async def run(self) -> None:
        """From the greeting to the end."""
        try:
            async with self._outbox, self._unread, self._tasks as tasks:
                self._story.begin(self._describe())
                tasks.start_soon(self._write, name="realtime out")
                await self._read()
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise leaf(group) from group
        if self._close[0] != NORMAL:
            await self._socket.close(*self._close)

    def _post(self, event: ServerEvent) -> None:
        """Put an event behind those that are to be sent; a client that reads none of them is let go."""
        try:
            self._outbox.send_nowait(event)
        except anyio.WouldBlock:
            self._close = (TOO_SLOW, "The events of the conversation are not being read.")
            self._tasks.cancel_scope.cancel()

    async def _write(self) -> None:
        try:
            async for event in self._unread:
                with anyio.fail_after(_SEND_SECONDS):
                    await self._socket.send_text(json.dumps(event, ensure_ascii=False))
        except TimeoutError:
            self._close = (TOO_SLOW, "The events of the conversation are not being read.")
            self._tasks.cancel_scope.cancel()
        except (WebSocketDisconnect, RuntimeError):  # starlette raises the latter once the socket is closed
            self._tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        """The client's events, until it leaves. What is wrong with one is told; the next is read all the same."""
        while True:
            received: dict[str, Any] = dict(await self._socket.receive())
            if received["type"] == "websocket.disconnect":
                return
            try:
                await self._obey(parsed(received.get("text") or received.get("bytes") or b""))
            except BadMessage as error:
                self._story.refuse(error.problem, error.code, error.event_id)

    async def _obey(self, message: Message) -> None:
        match message:
            case UpdateSession():
                self._update(message)
            case AppendAudio():
                samples = message.samples()
                await self._begin()
                if not self._connection.hear(samples):
                    raise BadMessage("More than 30 s of audio are waiting to be listened to.", "rate_limit_exceeded", message.event_id)
            case ClearAudio():
                self._connection.forget()
                self._story.cleared()
            case _:
                await self._talk(await self._begin(), message)

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

    async def _begin(self) -> Session:
        """The same session that the microphone has; it begins with the first thing that is said or asked for."""
        if self._session is None:
            bus = EventBus()
            bus.subscribe(Event, self._story.hear)
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
