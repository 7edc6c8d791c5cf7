"""The server on its socket, from the first connection to an orderly end."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

import anyio
import uvicorn
from fastapi import FastAPI

from multimodal_assistant.core.errors import UsageError

_LARGEST_MESSAGE = 1 << 20  # bytes of one event: 15 s of sound
_GOODBYE_SECONDS = 5


class _Server(uvicorn.Server):
    """Signals are for the command that runs it."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


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


def address(bound: socket.socket) -> str:
    """Of the server, for a person or a client."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(app: FastAPI, bound: socket.socket) -> None:
    """Answer until cancelled; then conversations are closed, and what does not end within five seconds is left."""
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=_LARGEST_MESSAGE,
            timeout_graceful_shutdown=_GOODBYE_SECONDS,
        )
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_with_us, server, name="end of the server")
        with anyio.CancelScope(shield=True):
            await server.serve(sockets=[bound])
        tasks.cancel_scope.cancel()


async def _end_with_us(server: uvicorn.Server) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        server.should_exit = True
