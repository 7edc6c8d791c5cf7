"""Who may come in: the key that a client shows, the page that a browser comes from, and how often one may ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from .faults import fault
from .host import Host, is_loopback
from .limits import Buckets
from .logins import COOKIE, SECONDS, Logins
from .secrets import Secret, Secrets, opens

_SUBPROTOCOL = "openai-insecure-api-key."
_LOCKED = ("/v1/", "/metrics")
"""What a key is needed for, where one is needed."""
_WRONG_PER_MINUTE = 10  # keys, from one address: who guesses is slowed down


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not come in."""

    status: int
    message: str
    code: str

    def response(self) -> JSONResponse:
        """The same for HTTP."""
        response = fault(self.status, self.message, self.code)
        if self.status == 429:
            response.headers["retry-after"] = "60"
        return response


class Door:
    """One per server."""

    def __init__(self, host: Host) -> None:
        self.logins = Logins()
        self.secrets = Secrets()
        self._host = host
        per_second = host.settings.requests_per_minute / 60
        self._requests = Buckets(per_second, host.settings.requests_per_minute)
        self._wrong = Buckets(_WRONG_PER_MINUTE / 60, _WRONG_PER_MINUTE)

    def client(self, connection: HTTPConnection) -> str:
        """Whom limits count for."""
        secret = self.secret(connection)
        return self._host.client(self.key(connection), address(connection)) if secret is None else secret.client

    def secret(self, connection: HTTPConnection) -> Secret | None:
        """The short-lived key that `connection` shows, where one is enough, as long as the key it was made with opens."""
        secret = self.secrets.find(shown_key(connection), anyio.current_time()) if opens(connection.url.path) else None
        return secret if secret is not None and self._host.admits(secret.key) else None

    def judge(self, connection: HTTPConnection) -> Refusal | None:
        """Why `connection` may not come in; None where it may."""
        refused = self._host.metrics.refused
        now = anyio.current_time()
        if not own_page(connection, open_door=self._host.open, others=self._host.settings.origins):
            refused.labels("origin").inc()
            return Refusal(403, "Pages of other origins are not let in.", "forbidden")
        locked = connection.url.path.startswith(_LOCKED) and self.secret(connection) is None
        if locked and (refusal := self.try_key(self.key(connection), address(connection))):
            return refusal
        if not self._requests.of(self.client(connection)).allows(now):
            refused.labels("rate").inc()
            return Refusal(429, "Too many requests in a minute. Wait a moment.", "rate_limit_exceeded")
        return None

    def try_key(self, key: str, where: str) -> Refusal | None:
        """Why `key` does not open; None where it does."""
        now = anyio.current_time()
        if self._wrong.of(where).left(now) < 1:
            self._host.metrics.refused.labels("guesses").inc()
            return Refusal(429, "Too many wrong keys from this address. Wait a minute.", "rate_limit_exceeded")
        if self._host.admits(key):
            return None
        if key:
            self._wrong.of(where).take(now)
        self._host.metrics.refused.labels("key").inc()
        return Refusal(401, "The key is missing or wrong.", "invalid_api_key")

    def key(self, connection: HTTPConnection) -> str:
        """What it shows, or has shown when it logged in."""
        return shown_key(connection) or self.logins.key(connection.cookies.get(COOKIE, ""), anyio.current_time())


def shown_key(connection: HTTPConnection) -> str:
    """The key in the header, or among the WebSocket's subprotocols, where browsers have to put it; "" without one."""
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    offered = (name.strip() for name in connection.headers.get("sec-websocket-protocol", "").split(","))
    return next((name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)), "")


def own_page(connection: HTTPConnection, *, open_door: bool, others: Sequence[str] = ()) -> bool:
    """Whether a browser's page, if it is one that asks, comes from this server: any page may open a WebSocket to this machine.

    others: origins that are let in as well. open_door: no key is asked for. Then the name it was called by has to be this machine's own: a
    stranger's name may be made to lead here (DNS rebinding), and its pages would seem to be ours.
    """
    called = connection.headers.get("host", "")
    if open_door and not is_loopback(urlsplit(f"//{called}").hostname or ""):
        return False
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == called or origin in others


def address(connection: HTTPConnection) -> str:
    """Where it comes from."""
    return connection.client.host if connection.client is not None else ""


class Login(BaseModel):
    """`POST /login`."""

    key: str = Field(max_length=256)


def logins(door: Door) -> APIRouter:
    """The routes by which a page trades a key for a cookie, so that no script keeps the key."""
    routes = APIRouter()

    @routes.post("/login")
    async def enter(login: Login, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        if refusal := door.try_key(login.key, address(request)):
            return refusal.response()
        response = Response(status_code=204)
        cookie = door.logins.enter(login.key, anyio.current_time())
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, cookie, max_age=SECONDS, httponly=True, samesite="strict", secure=secure)
        return response

    @routes.post("/logout")
    async def leave(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        door.logins.leave(request.cookies.get(COOKIE, ""))
        response = Response(status_code=204)
        response.delete_cookie(COOKIE)
        return response

    return routes
