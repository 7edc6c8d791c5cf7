"""The language model alone, in writing: chat completions of the OpenAI API. Nothing is remembered between two requests."""

import json
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from multimodal_assistant.core.deadline import within
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.types import Message, TextDelta, Usage
from multimodal_assistant.pipeline.respond import PATIENCE

from .host import Host

_MOST_TEXT = 100_000  # characters of a message
_MOST_TOKENS = 4096


class Part(BaseModel):
    """A piece of a message."""

    type: Literal["text"]
    text: str = Field(max_length=_MOST_TEXT)


class Line(BaseModel):
    """A message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] = Field(max_length=_MOST_TEXT)

    def message(self) -> Message:
        """As our models read it."""
        text = self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class StreamOptions(BaseModel):
    """What a stream is to hold besides text."""

    include_usage: bool = False


class Completion(BaseModel):
    """`POST /v1/chat/completions`. Where the server has no model of that name, its own answers."""

    model: str = Field(default="", max_length=256)
    messages: list[Line] = Field(min_length=1, max_length=1000)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    n: Literal[1] = 1


def chat(host: Host) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1/chat")

    @routes.post("/completions")
    async def completions(wish: Completion) -> Response:  # pyright: ignore[reportUnusedFunction]
        most = min(wish.max_completion_tokens or wish.max_tokens or _MOST_TOKENS, _MOST_TOKENS)
        messages = [line.message() for line in wish.messages]
        deltas = _written(host, wish.model, messages, most)
        told = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": host.minds.known(wish.model)}
        if wish.stream:
            events = _events(deltas, told, usage=wish.stream_options.include_usage)
            return StreamingResponse(events, media_type="text/event-stream")
        text, usage = "", None
        async with aclosing(deltas):
            async for delta in deltas:
                text += delta.text
                usage = delta.usage or usage
        answer = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": _reason(usage, most), "logprobs": None}
        return JSONResponse({**told, "object": "chat.completion", "choices": [answer], "usage": _counted(usage)})

    return routes


async def _written(host: Host, model: str, messages: list[Message], most: int) -> AsyncGenerator[TextDelta]:
    async with host.minds.of(model) as mind:
        async with aclosing(within(mind.llm.reply(messages, max_tokens=most), PATIENCE, "The language model")) as deltas:
            async for delta in deltas:
                yield delta


async def _events(deltas: AsyncGenerator[TextDelta], told: dict[str, Any], *, usage: bool) -> AsyncGenerator[str]:
    """Server-sent events; a failure ends them with one that says so."""
    spent: Usage | None = None

    def event(delta: dict[str, Any], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        return _sent({**told, "object": "chat.completion.chunk", "choices": [choice]})

    try:
        yield event({"role": "assistant", "content": ""})
        async with aclosing(deltas):
            async for delta in deltas:
                spent = delta.usage or spent
                if delta.text:
                    yield event({"content": delta.text})
        yield event({}, "stop")
        if usage:
            yield _sent({**told, "object": "chat.completion.chunk", "choices": [], "usage": _counted(spent)})
    except AssistantError as error:
        yield _sent({"error": {"message": str(error), "type": "server_error", "code": "engine_failed", "param": None}})
    yield "data: [DONE]\n\n"


def _sent(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _counted(usage: Usage | None) -> dict[str, Any]:
    read, written = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    cached = {"cached_tokens": usage.cached_tokens if usage else 0}
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written, "prompt_tokens_details": cached}


def _reason(usage: Usage | None, most: int) -> str:
    return "length" if usage is not None and usage.completion_tokens >= most else "stop"
