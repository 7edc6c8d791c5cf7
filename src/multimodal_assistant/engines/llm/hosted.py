"""The chunks of a model server → text deltas within their deadlines: what the adapters of servers share."""

import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import anyio

from multimodal_assistant.core.errors import EngineTimeout, InvalidSetting
from multimodal_assistant.core.types import TextDelta, ToolCall, Usage

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a server may take, in seconds."""

    first_token: float = 30.0
    """From the request to the first text; a model that thinks in silence has this long."""
    idle: float = 10.0
    """From one chunk to the next."""
    load: float = 300.0
    """For loading the model when it is warmed."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one message of the server brought: text, calls, token counts, or nothing."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


async def within(chunks: AsyncGenerator[Chunk], deadlines: Deadlines, server: str) -> AsyncGenerator[TextDelta]:
    """The text of `chunks`, and last the usage. Raises `EngineTimeout`; left early or late, `chunks` is closed before it returns."""
    started = time.perf_counter()
    first: float | None = None
    counts = Chunk()
    async with aclosing(chunks):
        while True:
            left = deadlines.idle if first is not None else max(0.0, started + deadlines.first_token - time.perf_counter())
            chunk = await _next(chunks, left, server, first is None)
            if chunk is None:
                break
            if chunk.prompt_tokens or chunk.completion_tokens:
                counts = chunk
            if chunk.text or chunk.calls:
                first = first if first is not None else time.perf_counter() - started
                yield TextDelta(chunk.text, calls=chunk.calls)
    seconds = time.perf_counter() - started
    yield TextDelta(
        "",
        Usage(
            prompt_tokens=counts.prompt_tokens,
            cached_tokens=counts.cached_tokens,
            completion_tokens=counts.completion_tokens,
            first_token_seconds=seconds if first is None else first,
            seconds=seconds,
        ),
    )


async def _next(chunks: AsyncGenerator[Chunk], seconds: float, server: str, beginning: bool) -> Chunk | None:
    """The next chunk, or None at the end. Cut off by the deadline, `chunks` is finished: its request is closed."""
    try:
        with anyio.fail_after(seconds):
            return await anext(chunks, None)
    except TimeoutError as error:
        if beginning:
            problem, remedy = f"{server} has sent no text within its deadline.", "Choose a smaller model, or allow more time."
        else:
            problem, remedy = f"{server} stopped in the middle of its answer and sent nothing for {seconds:g} s.", "Try again."
        raise EngineTimeout(problem, remedy) from error


def split_address(address: str) -> SplitResult:
    """`address` in its parts. Raises `InvalidSetting`, without repeating what may hold a password."""
    try:
        url = urlsplit(address)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise InvalidSetting(
            "The address of the language model server is not one.", "Give it with scheme and port, as in http://127.0.0.1:8000/v1."
        )
    return urlsplit(address)


def base_address(host: str, port: int) -> str:
    """ "localhost" → "http://localhost:PORT"; an address that means "everywhere" to a server means this machine to a client."""
    url = split_address(host if "://" in host else f"http://{host or '127.0.0.1'}")
    name = url.hostname or ""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    number = url.port or (443 if url.scheme == "https" else port)
    return f"{url.scheme}://{f'[{name}]' if ':' in name else name}:{number}{url.path.rstrip('/')}"


def connection(address: str) -> dict[str, Any]:
    """Options for the HTTP client: a server on this machine is reached directly, and without reading the system's certificates."""
    url = split_address(address)
    if url.hostname not in _LOOPBACK:
        return {"trust_env": True}
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.scheme == "http" else True  # trusts nobody, should it come to TLS after all
    return {"trust_env": False, "verify": verify}
