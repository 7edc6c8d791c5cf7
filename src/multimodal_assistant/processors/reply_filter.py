"""The deltas of a language model → the same without what nobody should hear: thoughts and code blocks."""

import re
from typing import Literal

_TAGS = ("think", "thinking", "thought", "reasoning", "reflection")
_NAMES = "|".join(_TAGS)
_BEGINNINGS = "|".join(sorted({tag[:length] for tag in _TAGS for length in range(len(tag) + 1)}, key=len, reverse=True))
_OPENING = re.compile(rf"(?P<fence>`{{3,}}|~{{3,}})|<(?P<stray>/?)(?:{_NAMES})[^\S\n]{{0,8}}>", re.IGNORECASE)
_UNFINISHED = re.compile(rf"(?:`{{1,2}}|~{{1,2}}|</?(?:{_BEGINNINGS})[^\S\n]{{0,8}})\Z", re.IGNORECASE)
"""What may yet become an opening."""
_END_OF_THOUGHT = re.compile(rf"</(?:{_NAMES})\s{{0,8}}>", re.IGNORECASE)
_LOOKBACK = 24
"""Longer than any end of a thought."""
_STEP = 1024
"""Characters taken in at once, so that a huge delta costs no more than many small ones."""


class ReplyFilter:
    """Removes thoughts (`<think>…</think>`) and code blocks (``` or ~~~) from a stream of text.

    What it lets through depends on the text alone, not on how it was cut into deltas. A block that is never closed is
    dropped to the end; an end tag without a beginning is dropped alone; a tag that is quoted in backticks is text. A
    code block leaves a line break behind, so that the sentences around it stay apart.
    """

    def __init__(self) -> None:
        self._restart()

    def _restart(self) -> None:
        self._held = ""
        self._before = "\n"
        """The last character that went through."""
        self._inside: Literal["", "thought", "fence"] = ""
        self._fence = ""

    def feed(self, delta: str) -> str:
        """Take the next characters; return those that are now known to be part of the reply."""
        passed: list[str] = []
        for start in range(0, len(delta), _STEP):
            self._held += delta[start : start + _STEP]
            passed.append(self._read(final=False))
        return "".join(passed)

    def flush(self) -> str:
        """The reply has ended: return what was held back and start afresh."""
        text = self._read(final=True)
        self._restart()
        return text

    def _read(self, *, final: bool) -> str:
        passed: list[str] = []
        before = -1
        while self._held and len(self._held) != before:
            before = len(self._held)
            if self._inside == "thought":
                self._skip_thought()
            elif self._inside == "fence":
                passed.append(self._skip_fence(final))
            else:
                passed.append(self._pass(final))
        return "".join(passed)

    def _pass(self, final: bool) -> str:
        """Let text through up to the next opening, and enter that."""
        opening = _OPENING.search(self._held)
        if opening is None:
            unfinished = None if final else _UNFINISHED.search(self._held, max(0, len(self._held) - _LOOKBACK))
            return self._let_through(unfinished.start() if unfinished else len(self._held))
        if opening["fence"] and opening.end() == len(self._held) and not final:
            return self._let_through(opening.start())
        text = self._let_through(opening.start())
        tag = opening.group()
        if not self._opens(tag):
            return text + self._let_through(len(tag))
        self._held = self._held[len(tag) :]
        if opening["fence"]:
            self._inside, self._fence = "fence", tag
        elif not opening["stray"]:
            self._inside = "thought"
        return text

    def _opens(self, tag: str) -> bool:
        """Whether `tag` means something where it stands."""
        if tag[0] == "~":
            return self._before == "\n"
        return tag[0] == "`" or self._before != "`"

    def _let_through(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        if text.strip(" "):
            self._before = text.rstrip(" ")[-1]
        return text

    def _skip_thought(self) -> None:
        end = _END_OF_THOUGHT.search(self._held)
        if end is None:
            self._held = self._held[-_LOOKBACK:]
        else:
            self._held, self._inside = self._held[end.end() :], ""

    def _skip_fence(self, final: bool) -> str:
        """Drop everything up to the closing marks, which may still be growing."""
        mark = self._fence[0]
        start = self._held.find(self._fence)
        if start < 0:
            self._held = self._held[len(self._held.rstrip(mark)) :]
            return ""
        rest = self._held[start:].lstrip(mark)
        if not rest and not final:
            self._held = self._fence
            return ""
        self._held, self._inside, self._before = rest, "", "\n"
        return "\n"
