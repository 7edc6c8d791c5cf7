"""`POST /v1/realtime/client_secrets`: a short-lived key for one page or device, and the session that it opens."""

import secrets
import time
from typing import Any, Literal

import anyio
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from .door import Door
from .host import Host
from .secrets import SECONDS
from .wishes import Own, Wishes


class ExpiresAfter(BaseModel):
    """When it stops opening anything; a conversation that has begun goes on."""

    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(default=SECONDS, ge=10, le=7200)


class ClientSecret(BaseModel):
    """The request."""

    expires_after: ExpiresAfter = ExpiresAfter()
    session: dict[str, Any] = Field(default_factory=dict[str, Any])


def client_secrets(host: Host, door: Door) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1/realtime")

    @routes.post("/client_secrets")
    async def make(request: Request, wish: ClientSecret | None = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        wish = wish or ClientSecret()
        wishes = Wishes(Own.of(host.engines, host.manner, sees=host.vision.possible))
        wishes.update(wish.session, None)  # what cannot be had is not in the session that the answer describes
        seconds = wish.expires_after.seconds
        value = door.secrets.make(
            door.client(request), door.key(request), wishes.session.model_dump(mode="json"), anyio.current_time(), seconds
        )
        described = wishes.described(secrets.token_hex(8)) | {"model": host.minds.known(wishes.session.model or "")}
        return {"value": value, "expires_at": int(time.time()) + seconds, "session": described}

    return routes
