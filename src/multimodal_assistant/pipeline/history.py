"""What was said and heard so far, as a language model reads it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from multimodal_assistant.core.types import Message, ToolCall

from .respond import with_view

INTERRUPTED = "—"
"""Stands after the last word that was heard of an answer that was cut short, as in written dialogue. Models imitate what they read,
and small ones would say "interrupted"; a dash is silent."""


_BYTES_PER_TOKEN = 3.0
"""Rather few: other scripts than Latin take more tokens for a letter."""
_SUMMARY = "Earlier in this conversation: "


def tokens(messages: Sequence[Message]) -> int:
    """About how many tokens the messages take, rather too many than too few."""
    return sum(round(_bytes(message) / _BYTES_PER_TOKEN) + 4 for message in messages)


def _bytes(message: Message) -> int:
    return len(message.text.encode()) + sum(len(f"{call.name}{call.arguments}".encode()) for call in message.calls)


class History:
    """Grows at its end only, so that the model's prefix cache always holds what came before; what is too old becomes a summary.

    budget: tokens it may take. Beyond that `excess` is to be folded into a summary; where nobody does, the oldest of it is dropped
    at one and a half times the budget. keep: told what was said, and what was heard of the answer to it, as it comes to stand here.
    """

    def __init__(self, budget: int = 1500, *, keep: Callable[[str, str], None] = lambda _said, _heard: None) -> None:
        self._budget = budget
        self._keep = keep
        self._summary = ""
        self._messages: list[Message] = []
        self._open: dict[str, ToolCall] = {}  # calls without an outcome: what nothing came of has never been

    @property
    def messages(self) -> tuple[Message, ...]:
        """Oldest first; a summary of what came before them is a system message at the beginning."""
        summary = (Message("system", f"{_SUMMARY}{self._summary}"),) if self._summary else ()
        return (*summary, *self._messages)

    @property
    def excess(self) -> tuple[Message, ...]:
        """The oldest exchanges, as many as must go for the rest to take half of the budget; none while all of it fits."""
        if tokens(self.messages) <= self._budget:
            return ()
        count = 0
        while tokens(self._messages[count:]) > self._budget / 2 and self._next_exchange(count) < len(self._messages):
            count = self._next_exchange(count)
        return tuple(self._messages[:count])

    def _next_exchange(self, begin: int) -> int:
        """Where the exchange after the one that begins there has its beginning: a call is not parted from its outcome."""
        users = (index for index in range(begin + 1, len(self._messages)) if self._messages[index].role == "user")
        return next(users, len(self._messages))

    def fold(self, old: Sequence[Message], summary: str) -> None:
        """Replace `old`, which stands at the beginning, by a summary of it and of the summary before it."""
        if tuple(self._messages[: len(old)]) == tuple(old):  # else it has been cleared meanwhile
            del self._messages[: len(old)]
            self._summary = summary

    def answered(self, said: str, reply: str, seen: str = "", *, private: bool = False) -> None:
        """A turn that was heard to its end. seen: what was in view, in words. private: it was not to be kept when it was said."""
        if not private:
            self._keep(said, reply)
        self._say(with_view(said, seen))
        if reply:
            self._messages.append(Message("assistant", reply))

    def interrupted(self, said: str, heard: str, seen: str = "", *, private: bool = False) -> None:
        """A turn of whose answer only `heard` reached the user."""
        if not private:
            self._keep(said, heard)
        self._say(with_view(said, seen))
        if heard:
            self._messages.append(Message("assistant", f"{heard} {INTERRUPTED}"))

    def aside(self, said: str) -> None:
        """What the user said over an answer that went on: it waits for the next turn."""
        self._keep(said, "")
        self._say(said)

    def retold(self, said: str) -> None:
        """What the user said in an earlier conversation."""
        self._say(said)

    def told(self, reply: str) -> None:
        """Something the assistant is to have said."""
        if not self._messages or self._messages[-1].role == "assistant":
            self._say("")
        self._messages.append(Message("assistant", reply))

    def called(self, calls: Sequence[ToolCall]) -> None:
        """The answer that has just ended asks for these."""
        self._open.update({call.id: call for call in calls})

    def returned(self, call: str, outcome: str) -> bool:
        """What came of a call; False where none of that name waits for it."""
        made = self._open.pop(call, None)
        if made is None:
            return False
        if not self._messages:
            self._say("")
        self._messages += [Message("assistant", "", calls=(made,)), Message("tool", outcome, answers=call)]
        return True

    def unsay(self, role: Literal["user", "assistant"], words: str) -> bool:
        """Take back the latest words of that kind that read so; False where they are not there, or in a summary already."""
        for index in reversed(range(len(self._messages))):
            message = self._messages[index]
            if words and message.role == role and words in message.text:
                left = " ".join(message.text.replace(words, " ", 1).replace(INTERRUPTED, "").split())
                self._messages[index] = replace(message, text=left)
                return True
        return False

    def uncall(self, call: str) -> None:
        """Take back a call and what came of it."""
        self._open.pop(call, None)
        kept = [line for line in self._messages if line.answers != call and all(made.id != call for made in line.calls)]
        self._messages[:] = kept

    def clear(self) -> None:
        """Start over."""
        self._messages.clear()
        self._open.clear()
        self._summary = ""

    def _say(self, said: str) -> None:
        """The user's words, or none; two utterances without an answer between them are one: chat templates want roles to alternate."""
        if not said and self._messages and self._messages[-1].role == "tool":
            return
        if self._messages and self._messages[-1].role == "user":
            said = f"{self._messages.pop().text} {said}".strip()
        self._messages.append(Message("user", said))
        while tokens(self._messages) > 1.5 * self._budget and self._next_exchange(0) < len(self._messages):
            del self._messages[: self._next_exchange(0)]
