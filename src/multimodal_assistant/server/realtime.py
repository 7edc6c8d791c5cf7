"""One conversation over a WebSocket, in the events of the OpenAI Realtime API."""

import json
import logging
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.websockets import WebSocket, WebSocketDisconnect

from multimodal_assistant.core.errors import leaf
from multimodal_assistant.transports.realtime import RealtimeConnection
from multimodal_assistant.transports.realtime_story import ServerEvent, Story

from .conversation import Conversation
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
        host.metrics.refused.labels("full").inc()
        await socket.close(TRY_AGAIN_LATER, "All conversations are taken. Try again later.")
        return
    with host.conversation("websocket") as name:
        log.info("conversation %s begins", name)
        try:
            await _Caller(socket, host, name).run()
        finally:
            log.info("conversation %s is over", name)


class _Caller:
    """One client's WebSocket."""

    def __init__(self, socket: WebSocket, host: Host, name: str) -> None:
        self._socket = socket
        self._outbox: MemoryObjectSendStream[ServerEvent]
        self._unread: MemoryObjectReceiveStream[ServerEvent]
        self._outbox, self._unread = anyio.create_memory_object_stream[ServerEvent](_BEHIND)
        self._tasks = anyio.create_task_group()
        story = Story(name, self._post)
        connection = RealtimeConnection(story)
        self._conversation = Conversation(host, name, connection, story, self._tasks, packets=connection)
        self._close = (NORMAL, "")

    async def run(self) -> None:
        """From the greeting to the end."""
        try:
            async with self._outbox, self._unread, self._tasks as tasks:
                self._conversation.greet()
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
        """The client's events, until it leaves."""
        while True:
            received: dict[str, Any] = dict(await self._socket.receive())
            if received["type"] == "websocket.disconnect":
                return
            await self._conversation.obey(received.get("text") or received.get("bytes") or b"")
