"""`GET /v1/realtime/ice_servers`: the STUN and TURN servers of the settings, with what opens them for one call."""

import base64
import hashlib
import hmac
import re
import time
from typing import Any

from fastapi import APIRouter, Response

from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.transports.ice import IceServer

_ADDRESS = re.compile(r"(stun:[^\s:?/]+(:\d{1,5})?|turns?:[^\s:?/]+(:\d{1,5})?(\?transport=(udp|tcp))?)")
_SECONDS = 3600  # for which a password of one call opens the relay


class IceServers:
    """Of one server. Raises `InvalidSetting`."""

    def __init__(self, settings: ServerSettings) -> None:
        self._urls = settings.ice_servers
        self._secret = "" if settings.turn_secret is None else settings.turn_secret.get_secret_value()
        self._username = settings.turn_username
        self._password = "" if settings.turn_password is None else settings.turn_password.get_secret_value()
        for url in self._urls:
            if not _ADDRESS.fullmatch(url):
                raise InvalidSetting(
                    f"server.ice_servers has “{url}”, which is no address of a STUN or TURN server.",
                    "They look like stun:stun.example.org:3478 and turn:turn.example.org:3478?transport=udp.",
                )
        if any(url.startswith("turn") for url in self._urls) and not self._secret and not (self._username and self._password):
            raise InvalidSetting(
                "server.ice_servers has a TURN server, and nothing opens it.",
                "Set server.turn_secret, which it has as static-auth-secret, or server.turn_username and server.turn_password.",
            )

    def of_a_call(self, now: float) -> tuple[IceServer, ...]:
        """They, for a call that begins now. now: Unix time."""
        username, credential = self._opened(now)
        return tuple(IceServer(url, username, credential) if url.startswith("turn") else IceServer(url) for url in self._urls)

    def _opened(self, now: float) -> tuple[str, str]:
        """Username and password. With a secret they end by themselves: "A REST API For Access To TURN Services"
        (draft-uberti-behave-turn-rest-00), as coturn has it."""
        if not self._secret:
            return self._username, self._password
        username = f"{int(now) + _SECONDS}:assistant"
        return username, base64.b64encode(hmac.digest(self._secret.encode(), username.encode(), hashlib.sha1)).decode()


def ice(servers: IceServers) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1/realtime")

    @routes.get("/ice_servers")
    async def described(response: Response) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        response.headers["cache-control"] = "no-store"
        return {"iceServers": [_described(server) for server in servers.of_a_call(time.time())]}

    return routes


def _described(server: IceServer) -> dict[str, str]:
    """As a browser's `RTCPeerConnection` takes it."""
    return {"urls": server.url} | ({"username": server.username, "credential": server.credential} if server.username else {})
