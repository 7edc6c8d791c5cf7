"""Conversations, functions and calls in the shapes of OpenAI's chat API, which its servers and llama.cpp share."""

import base64
import secrets
from collections.abc import Sequence
from typing import Any

from multimodal_assistant.core.types import Message, Picture, Tool, ToolCall


def lines(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The conversation; lines without words or calls are left out."""
    return [_line(message) for message in messages if message.text or message.calls or message.role == "tool" or message.picture]


def told(messages: Sequence[Message]) -> list[Message]:
    """The same conversation with the outcomes of calls in the words of the user, and without the calls.

    Small models have hardly ever read a line of the role `tool`: Qwen2.5 of 0.5 B repeats its call for it, and answers from this.
    """
    names = {call.id: call.name for message in messages for call in message.calls}
    plain: list[Message] = []
    for message in messages:
        if message.role == "tool":
            message = Message("user", f"({names.get(message.answers, 'The function')} says: {message.text})")
        if not message.text:
            continue
        if plain and plain[-1].role == message.role == "user":
            message = Message("user", f"{plain.pop().text} {message.text}")
        plain.append(Message(message.role, message.text))
    return plain


def _line(message: Message) -> dict[str, Any]:
    line: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.picture is not None:
        shown = {"type": "image_url", "image_url": {"url": data_uri(message.picture)}}
        line["content"] = [shown, {"type": "text", "text": message.text}]
    if message.calls:
        line["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in message.calls
        ]
    if message.role == "tool":
        line["tool_call_id"] = message.answers
    return line


def data_uri(picture: Picture) -> str:
    """RFC 2397."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def declared(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The functions. Servers want a schema even where there are no arguments."""
    none: dict[str, Any] = {"type": "object", "properties": {}}
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters) or none},
        }
        for tool in tools
    ]


def new_call(name: str, arguments: str, wanted: str = "") -> ToolCall:
    """A call, with a name of its own where the backend gave it none."""
    return ToolCall(wanted or f"call_{secrets.token_hex(8)}", name, arguments or "{}")


class Fragments:
    """Calls come piece by piece: the name first, then the arguments."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, str]] = {}

    def add(self, index: int, *, call: str | None, name: str | None, arguments: str | None) -> None:
        """The next piece of the call of that number."""
        known = self._calls.setdefault(index, {"call": "", "name": "", "arguments": ""})
        known["call"] = known["call"] or call or ""
        known["name"] = known["name"] or name or ""
        known["arguments"] += arguments or ""

    def whole(self) -> tuple[ToolCall, ...]:
        """All of them; the pieces are forgotten."""
        calls, self._calls = self._calls, {}
        return tuple(new_call(call["name"], call["arguments"], call["call"]) for _, call in sorted(calls.items()) if call["name"])
