"""A scripted model server on a local port: answers each path as told, and notes who asked what and who left early."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from anyio.abc import SocketAttribute, SocketStream

KEY = "sk-very-secret-1234567890"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request gets: `parts` one by one, and `then` the end, silence until the client leaves, or a broken connection."""

    parts: tuple[bytes, ...] = ()
    status: int = 200
    then: Literal["end", "silence", "break"] = "end"
    delay: float = 0.0
    """Seconds before the first part."""
    mute: bool = False
    """Not even the status line is sent."""


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class ModelServer:
    """Path → answers, used up in order; the last one stays."""

    answers: dict[str, list[Answer]]
    url: str = ""
    requests: list[Request] = field(default_factory=list[Request])
    left: anyio.Event = field(default_factory=anyio.Event)
    """Set when a client goes away before it has got everything."""

    def bodies(self, path: str) -> list[Any]:
        return [request.body for request in self.requests if request.path == path]

    async def handle(self, stream: SocketStream) -> None:
        async with stream:
            try:
                request = await _read(stream)
                self.requests.append(request)
                await self._answer(stream, self._choose(request.path))
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                self.left.set()

    def _choose(self, path: str) -> Answer:
        answers = self.answers.get(path)
        if not answers:
            return as_json({"error": f"nothing at {path}"}, status=404)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def _answer(self, stream: SocketStream, answer: Answer) -> None:
        if not answer.mute:
            head = f"HTTP/1.1 {answer.status} Scripted\r\nContent-Type: application/json\r\n"
            head += "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            await stream.send(head.encode())
            await anyio.sleep(answer.delay)
            for part in answer.parts:
                await stream.send(b"%x\r\n%s\r\n" % (len(part), part))
        if answer.then == "silence":
            while True:
                await stream.receive()
        if answer.then == "end":
            await stream.send(b"0\r\n\r\n")


async def _read(stream: SocketStream) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive()
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += await stream.receive()
    return Request(first.split()[1], headers, json.loads(body) if body else None)


@asynccontextmanager
async def serve(answers: Mapping[str, Answer | list[Answer]]) -> AsyncGenerator[ModelServer]:
    """A server on a free port of this machine."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server = ModelServer({path: list(answer) if isinstance(answer, list) else [answer] for path, answer in answers.items()})
    server.url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.handle, name="model server")
        yield server
        tasks.cancel_scope.cancel()


async def nobody() -> str:
    """The address of a port where nothing listens."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        return f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"


def as_json(value: Any, status: int = 200) -> Answer:
    return Answer((json.dumps(value).encode(),), status)


def lines(*values: Any) -> tuple[bytes, ...]:
    """Ollama's way: one JSON object in a line."""
    return tuple(json.dumps(value).encode() + b"\n" for value in values)


def events(*values: Any) -> tuple[bytes, ...]:
    """OpenAI's way: server-sent events."""
    return tuple(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n" for value in values)


def said(text: str, **more: Any) -> dict[str, Any]:
    """A line of Ollama's chat answer."""
    return {"model": "m", "message": {"role": "assistant", "content": text}, "done": False, **more}


def delta(text: str | None, **more: Any) -> dict[str, Any]:
    """An event of OpenAI's chat answer."""
    finish = more.pop("finish_reason", None)
    choice = {"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
