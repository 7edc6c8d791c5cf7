"""The web application: which address leads where."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI, Request, Response
from starlette.websockets import WebSocket

from .calls import Calls, calls_routes
from .chat import chat
from .door import own_page, shown_key
from .faults import LimitedBody, fault, told_apart
from .host import Host
from .realtime import converse
from .speech import speech
from .status import status

REFUSED = 1008
"""Close code for a client that may not come in; before the handshake is answered it becomes HTTP 403."""

_LOCKED = ("/v1/", "/metrics")
"""What a key is needed for, where one is needed."""


def web(host: Host) -> FastAPI:
    """All routes over `host`. The engines are expected to be warm."""
    calls = Calls(host)
    host.metrics.introduce(host.engines)

    @asynccontextmanager
    async def alive(_: FastAPI) -> AsyncGenerator[None]:
        async with calls.open(), anyio.create_task_group() as tasks:
            tasks.start_soon(host.metrics.watch, name="watch of the event loop")
            yield
            tasks.cancel_scope.cancel()

    # No pages that describe the interface: they load scripts from elsewhere.
    app = FastAPI(title="multimodal-assistant", docs_url=None, redoc_url=None, openapi_url=None, lifespan=alive)

    @app.middleware("http")
    async def guard(request: Request, go_on: Any) -> Response:  # pyright: ignore[reportUnusedFunction]
        if request.url.path.startswith(_LOCKED) and not host.admits(shown_key(request)):
            host.metrics.refused.labels("key").inc()
            return fault(401, "The key is missing or wrong.", "invalid_api_key")
        if not own_page(request, open_door=host.open):
            host.metrics.refused.labels("origin").inc()
            return fault(403, "Pages of other origins are not let in.", "forbidden")
        return await go_on(request)

    app.add_middleware(LimitedBody)
    told_apart(app)
    app.include_router(speech(host))
    app.include_router(chat(host))
    app.include_router(calls_routes(calls))
    app.include_router(status(host))

    @app.websocket("/v1/realtime")
    async def realtime(socket: WebSocket) -> None:  # pyright: ignore[reportUnusedFunction]
        if not own_page(socket, open_door=host.open) or not host.admits(shown_key(socket)):
            await socket.close(REFUSED)
            return
        await converse(socket, host)

    return app
