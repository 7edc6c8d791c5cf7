"""One conversation over a WebSocket, in the events of the OpenAI Realtime API."""

import json
import logging
from contextlib import suppress
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.websockets import WebSocket, WebSocketDisconnect

from multimodal_assistant.core.errors import leaf
from multimodal_assistant.transports.realtime import RealtimeConnection
from multimodal_assistant.transports.realtime_items import ServerEvent
from multimodal_assistant.transports.realtime_story import Story

from .conversation import Conversation
from .host import Host, NoRoom
from .limits import Pace
from .minds import Mind, asked_model

log = logging.getLogger(__name__)

_BEHIND = 1024  # events that a slow client may leave unread, about 15 s of an answer
_SEND_SECONDS = 10.0  # for one event

NORMAL, GOING_AWAY, TRY_AGAIN_LATER, TOO_SLOW = 1000, 1001, 1013, 1008
"""Close codes (RFC 6455 and its registry)."""


async def converse(socket: WebSocket, host: Host, client: str, wishes: dict[str, Any] | None = None) -> None:
    """Hold the conversation until the client leaves. The door has been passed; the handshake is still to be answered.

    client: whom limits count for. wishes: for the session, that it came with.
    """
    offered = [name.strip() for name in socket.headers.get("sec-websocket-protocol", "").split(",")]
    await socket.accept(subprotocol="realtime" if "realtime" in offered else None)
    try:
        with host.conversation("websocket", client) as (name, seconds):
            log.info("conversation %s begins", name)
            try:
                async with host.minds.of(socket.query_params.get("model") or asked_model(wishes)) as mind:
                    await _Caller(socket, host, mind, name).run(seconds, wishes)
            finally:
                log.info("conversation %s is over", name)
    except NoRoom as error:
        await socket.close(TRY_AGAIN_LATER, str(error))


class _Caller:
    """One client's WebSocket."""

    def __init__(self, socket: WebSocket, host: Host, mind: Mind, name: str) -> None:
        self._socket = socket
        self._outbox: MemoryObjectSendStream[ServerEvent]
        self._unread: MemoryObjectReceiveStream[ServerEvent]
        self._outbox, self._unread = anyio.create_memory_object_stream[ServerEvent](_BEHIND)
        self._tasks = anyio.create_task_group()
        story = Story(name, self._post)
        connection = RealtimeConnection(story)
        self._conversation = Conversation(host, mind, name, connection, story, self._tasks, packets=connection)
        self._pace = Pace()
        self._sent = anyio.Event()
        self._close = (NORMAL, "")

    async def run(self, seconds: float, wishes: dict[str, Any] | None) -> None:
        """From the greeting to the end, at most so many seconds."""
        try:
            async with self._outbox, self._unread, self._tasks as tasks:
                self._conversation.greet(wishes)
                tasks.start_soon(self._write, name="realtime out")
                tasks.start_soon(self._part, seconds, name="end of the conversation")
                await self._read()
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise leaf(group) from group
        if self._close[0] != NORMAL:
            with suppress(WebSocketDisconnect, RuntimeError):  # the client was faster
                await self._socket.close(*self._close)

    async def _part(self, seconds: float) -> None:
        """End it where it has to end, with a goodbye."""
        reason = await self._conversation.until_over(seconds)
        self._close = (GOING_AWAY, reason)
        self._outbox.close()  # what is in it is still sent

    def _post(self, event: ServerEvent) -> None:
        """Put an event behind those that are to be sent; a client that reads none of them is let go."""
        try:
            self._outbox.send_nowait(event)
        except anyio.WouldBlock:
            self._close = (TOO_SLOW, "The events of the conversation are not being read.")
            self._tasks.cancel_scope.cancel()
        except anyio.ClosedResourceError:
            pass  # after the goodbye

    async def _write(self) -> None:
        try:
            async for event in self._unread:
                with anyio.fail_after(_SEND_SECONDS):
                    await self._socket.send_text(json.dumps(event, ensure_ascii=False))
                self._sent.set()
            self._tasks.cancel_scope.cancel()
        except TimeoutError:
            self._close = (TOO_SLOW, "The events of the conversation are not being read.")
            self._tasks.cancel_scope.cancel()
        except (WebSocketDisconnect, RuntimeError):  # starlette raises the latter once the socket is closed
            self._tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        """The client's events, until it leaves."""
        while True:
            received: dict[str, Any] = dict(await self._socket.receive())
            if received["type"] == "websocket.disconnect":
                return
            event = received.get("text") or received.get("bytes") or b""
            await self._pace.wait(len(event))
            await self._conversation.obey(event)
            await self._room()

    async def _room(self) -> None:
        """Wait until half of the outbox is free: a client that asks faster than it can be told is read more slowly."""
        while self._outbox.statistics().current_buffer_used > _BEHIND // 2:
            self._sent = anyio.Event()
            await self._sent.wait()
