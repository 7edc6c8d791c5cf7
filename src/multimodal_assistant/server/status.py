"""How the server is, for those who watch over it."""

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, PlainTextResponse

from .host import Host


def status(host: Host) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "ok"}

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        live, most = len(host.live), host.settings.conversations
        return JSONResponse({"status": "full" if host.full else "ready", "conversations": live, "most": most}, 503 if host.full else 200)

    @routes.get("/metrics")
    async def metrics() -> PlainTextResponse:  # pyright: ignore[reportUnusedFunction]
        return PlainTextResponse(host.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @routes.get("/v1/models")
    async def models() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "local"} for name in host.minds.names]
        return {"object": "list", "data": data}

    return routes
