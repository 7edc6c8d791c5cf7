"""Calls written as plain JSON, cut into pieces in any way."""

import json

import pytest

from multimodal_assistant.core.types import ToolCall
from multimodal_assistant.engines.llm.bare_calls import BareCalls

CALL = '{"name": "weather", "arguments": {"city": "Rome"}}'
NOT = [
    "The capital is Paris.",
    '{"name": "nobody", "arguments": {}} is JSON.',
    "`code` first",
    "```python\nprint()\n```",
    "<b>",
    "{ open",
    "",
    "  ",
]


def read(pieces: list[str]) -> tuple[str, ToolCall | None]:
    bare, text = BareCalls({"weather"}), ""
    for piece in pieces:
        words = bare.feed(piece)
        if isinstance(words, ToolCall):
            return text, words
        text += words
    return text + bare.flush(), None


def cuts(text: str) -> list[list[str]]:
    """In one piece, letter by letter, and in two at every place."""
    return [[text], list(text), *([text[:place], text[place:]] for place in range(1, len(text)))]


@pytest.mark.parametrize("text", [CALL, f"```json\n{CALL}\n```", f"\n<tool_call>\n{CALL}", f"{CALL}. It is sunny there."])
def test_a_call_is_found_and_nothing_of_it_is_said(text: str) -> None:
    for pieces in cuts(text):
        said, call = read(pieces)
        assert said == ""
        assert call is not None
        assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Rome"})


@pytest.mark.parametrize("text", NOT)
def test_everything_else_is_said(text: str) -> None:
    for pieces in cuts(text):
        assert read(pieces) == (text, None)
