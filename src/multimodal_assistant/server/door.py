"""Who may come in: the key that a client shows, and the page that a browser comes from."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

_SUBPROTOCOL = "openai-insecure-api-key."


def shown_key(connection: HTTPConnection) -> str:
    """The key in the header, or among the WebSocket's subprotocols, where browsers have to put it; "" without one."""
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    offered = (name.strip() for name in connection.headers.get("sec-websocket-protocol", "").split(","))
    return next((name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)), "")


def own_page(connection: HTTPConnection) -> bool:
    """Whether a browser's page, if it is one that asks, comes from this server: any page may open a WebSocket to this machine."""
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host", "")
