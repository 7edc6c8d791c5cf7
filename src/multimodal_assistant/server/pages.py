"""The page to talk from, at /: its few files, read once. Nothing of a request reaches a path."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, Request, Response

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_PLACES = {
    "/": "index.html",
    "/app.js": "app.js",
    "/app.css": "app.css",
    "/dashboard": "dashboard.html",
    "/dashboard.js": "dashboard.js",
    "/dashboard.css": "dashboard.css",
    "/icon.svg": "icon.svg",
}

_HEADERS = {
    # The page loads nothing from elsewhere and can be made to load nothing from elsewhere.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "microphone=(self), camera=(self), display-capture=(self)",
    "cache-control": "no-cache",  # asked for each time, sent only when it is another: page and server belong together
}


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    headers: dict[str, str]


def pages() -> APIRouter:
    """The routes."""
    routes = APIRouter()
    table = {place: _read(name) for place, name in _PLACES.items()}

    async def serve(request: Request) -> Response:
        file = table[request.url.path]
        if file.headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=file.headers)
        return Response(file.data, headers=file.headers)

    for place in table:
        routes.add_api_route(place, serve, methods=["GET", "HEAD"])
    return routes


def _read(name: str) -> _File:
    data = files("multimodal_assistant.server").joinpath("static", name).read_bytes()
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    return _File(data, {**_HEADERS, "content-type": _TYPES[name.rpartition(".")[2]], "etag": etag})
