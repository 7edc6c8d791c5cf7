"""A reply, piece by piece → the same, without a call that a small model writes as plain JSON instead of in the way of its template. Pure.

Qwen2.5-Coder-0.5B does that with every call: `{"name": "weather", "arguments": {"city": "Rome"}}`, at times between code marks.
"""

import json
import re
from collections.abc import Collection
from typing import Any, cast

from multimodal_assistant.core.types import ToolCall

from .lines import new_call

_WRAPPING = re.compile(r"\s*(?:<tool_call>\s*|```(?:json)?\s*)?")
_BEGINNINGS = ("<tool_call>", "```json")
_LONGEST = 8_000  # characters that may turn out to be a call


class BareCalls:
    """names: of the functions at hand. Only what a reply begins with can be a call; what follows one is made up."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._held = ""
        self._passing = False

    def feed(self, delta: str) -> str | ToolCall:
        """The next characters; the text that is known to be the reply's, or the call."""
        if self._passing:
            return delta
        self._held += delta
        begun = _WRAPPING.match(self._held)
        rest = self._held[begun.end() if begun else 0 :]
        if rest.startswith("{"):
            return self._object(rest)
        start = self._held.strip()
        if not rest or any(beginning.startswith(start) for beginning in _BEGINNINGS):
            return ""
        return self.flush()

    def flush(self) -> str:
        """The reply has ended, or is none that begins with a call: what was held back."""
        self._passing = True
        held, self._held = self._held, ""
        return held

    def _object(self, text: str) -> str | ToolCall:
        try:
            found, _ = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):  # not complete yet
            return "" if len(text) < _LONGEST else self.flush()
        call = cast("dict[str, Any]", found)
        name, arguments = call.get("name"), call.get("arguments", call.get("parameters", {}))
        if not isinstance(name, str) or name not in self._names:
            return self.flush()
        self._held = ""
        return new_call(name, arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False))
