"""The web application: which address leads where."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.websockets import WebSocket

from .calls import Calls, calls_routes
from .chat import chat
from .client_secrets import client_secrets
from .door import Door, logins
from .faults import LimitedBody, told_apart
from .host import Host
from .ice import ice
from .pages import pages
from .realtime import converse
from .speech import speech
from .status import status


def web(host: Host) -> FastAPI:
    """All routes over `host`. The engines are expected to be warm."""
    calls = Calls(host)
    door = Door(host)
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
        if refusal := door.judge(request):
            return refusal.response()
        return await go_on(request)

    app.add_middleware(LimitedBody)
    if host.settings.origins:  # the last added is asked first: a browser's question whether it may ask shows no key
        heads = ["authorization", "content-type"]
        app.add_middleware(
            CORSMiddleware,
            allow_origins=host.settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=heads,
            expose_headers=["location"],
        )
    told_apart(app)
    app.include_router(speech(host))
    app.include_router(chat(host))
    app.include_router(calls_routes(calls, door))
    app.include_router(ice(host.ice))
    app.include_router(client_secrets(host, door))
    app.include_router(status(host))
    app.include_router(logins(door))
    app.include_router(pages())

    @app.websocket("/v1/realtime")
    async def realtime(socket: WebSocket) -> None:  # pyright: ignore[reportUnusedFunction]
        if refusal := door.judge(socket):
            await socket.send_denial_response(refusal.response())
            return
        secret = door.secret(socket)
        await converse(socket, host, door.client(socket), None if secret is None else secret.wishes)

    return app
