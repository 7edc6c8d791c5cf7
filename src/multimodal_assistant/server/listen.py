"""The server on its socket, from the first connection to an orderly end."""

import asyncio
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager

import anyio
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from multimodal_assistant.core.errors import UsageError

from .host import Host
from .web import web

log = logging.getLogger(__name__)

_LARGEST_MESSAGE = 1 << 20  # bytes of one event: 15 s of sound
_LARGEST_HEAD = 32 << 10  # bytes of a request before its body
_HEAD_SECONDS = 10
_IDLE_SECONDS = 15  # that a connection may stay open between two requests
_GOODBYE_SECONDS = 4


class _Impatient(H11Protocol):
    """Lets a client go that takes its time over the head of a request: uvicorn itself waits for ever, and each of them holds a socket."""

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._head = self.loop.call_later(_HEAD_SECONDS, self._too_slow)

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            self._head = self.loop.call_later(_HEAD_SECONDS, self._too_slow)
        super().data_received(data)
        asked: bool = self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]
        if asked or self.transport.get_protocol() is not self:  # or it is a WebSocket by now
            self._head.cancel()
            self._head = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head is not None:
            self._head.cancel()
        super().connection_lost(exc)

    def _too_slow(self) -> None:
        log.info("a client took too long over a request")
        self.transport.close()


class _Server(uvicorn.Server):
    """Signals are for the command that runs it."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _known(record: logging.LogRecord) -> bool:
    """uvicorn takes a refusal of a WebSocket, which is complete, for a handshake that was forgotten."""
    return "without completing handshake" not in record.getMessage()


logging.getLogger("uvicorn.error").addFilter(_known)


def listening(host: str, port: int) -> socket.socket:
    """A socket that accepts connections. Raises `UsageError` where there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"The server cannot listen on {host}, port {port}: {reason}.", "Choose another with --port (0: any that is free)."
        ) from error


def address(bound: socket.socket, *, tls: bool = False) -> str:
    """Of the server, for a person or a client."""
    host, port = bound.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def serve(host: Host, bound: socket.socket) -> None:
    """Answer until cancelled; then conversations are told goodbye, and what does not end within five seconds is left."""
    server = _Server(
        uvicorn.Config(
            web(host),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=_LARGEST_MESSAGE,
            ws_per_message_deflate=False,  # sound in base64 becomes little smaller, and a tenth of the time would go into it
            h11_max_incomplete_event_size=_LARGEST_HEAD,
            http=_Impatient,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
            ssl_certfile=host.settings.certificate,
            ssl_keyfile=host.settings.certificate_key,
        )
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_with_us, server, host, name="end of the server")
        with anyio.CancelScope(shield=True):
            await server.serve(sockets=[bound])
        tasks.cancel_scope.cancel()


async def _end_with_us(server: uvicorn.Server, host: Host) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        host.closing.set()
        with anyio.move_on_after(_GOODBYE_SECONDS / 2, shield=True):
            await host.emptied()
        server.should_exit = True
