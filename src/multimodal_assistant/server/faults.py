"""What a client is told when something is wrong, in the shape that clients of OpenAI know."""

from contextlib import suppress

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multimodal_assistant.core.errors import AssistantError, EngineError, ModelError

LARGEST_BODY = 25 << 20  # bytes
_BODY_SECONDS = 20.0  # for a body, and as much more as it would take
_BYTES_PER_SECOND = 16 << 10  # on a slow line
_TOO_SLOW = (408, "The request comes too slowly.", "request_timeout")


def fault(status: int, message: str, code: str, kind: str = "invalid_request_error") -> JSONResponse:
    """A refusal."""
    return JSONResponse({"error": {"message": message, "type": kind, "code": code, "param": None}}, status)


def told_apart(app: FastAPI) -> None:
    """Known failures become one sentence and their status."""

    @app.exception_handler(AssistantError)
    async def known(_: Request, error: AssistantError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        if isinstance(error, EngineError | ModelError):
            return fault(503, str(error), "engine_failed", "server_error")
        return fault(400, str(error), "invalid_value")

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return fault(error.status_code, f"{error.detail}.", "not_found" if error.status_code == 404 else "invalid_request")

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return fault(400, f"{place or 'The request'}: {first['msg']}.", "invalid_value")


class _Unfit(Exception):
    """A body that is not read on."""


class LimitedBody:
    """Refuses a request whose body has more than `most` bytes, however it is sent, without reading on; and one that comes too slowly."""

    def __init__(self, app: ASGIApp, most: int = LARGEST_BODY) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        taken = 0
        complete = begun = False
        unfit: tuple[int, str, str] | None = None
        due = anyio.current_time() + _BODY_SECONDS

        async def limited() -> Message:
            nonlocal taken, complete, unfit
            if complete:  # what comes now is that the client has left
                return await receive()
            with anyio.CancelScope(deadline=due + taken / _BYTES_PER_SECOND):
                message = await receive()
                taken += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if taken <= self._most:
                    return message
            too_large = taken > self._most
            unfit = (413, f"A request may have {self._most >> 20} MiB.", "request_too_large") if too_large else _TOO_SLOW
            raise _Unfit

        async def noted(message: Message) -> None:
            nonlocal begun
            if unfit is None:  # else the application tells that it cannot read the body, and we know better why
                begun = True
                await send(message)

        with suppress(_Unfit):
            await self._app(scope, limited, noted)
        if unfit is not None and not begun:
            await fault(*unfit)(scope, receive, send)
