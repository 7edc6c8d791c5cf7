"""Who may come in: the key that a client shows, and the page that a browser comes from."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from .host import is_loopback

_SUBPROTOCOL = "openai-insecure-api-key."


def shown_key(connection: HTTPConnection) -> str:
    """The key in the header, or among the WebSocket's subprotocols, where browsers have to put it; "" without one."""
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    offered = (name.strip() for name in connection.headers.get("sec-websocket-protocol", "").split(","))
    return next((name.removeprefix(_SUBPROTOCOL) for name in offered if name.startswith(_SUBPROTOCOL)), "")


def own_page(connection: HTTPConnection, *, open_door: bool) -> bool:
    """Whether a browser's page, if it is one that asks, comes from this server: any page may open a WebSocket to this machine.

    open_door: no key is asked for. Then the name it was called by has to be this machine's own: a stranger's name may be made to
    lead here (DNS rebinding), and its pages would seem to be ours.
    """
    called = connection.headers.get("host", "")
    if open_door and not is_loopback(urlsplit(f"//{called}").hostname or ""):
        return False
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == called
