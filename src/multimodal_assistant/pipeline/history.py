"""What was said and heard so far, as a language model reads it."""

from multimodal_assistant.core.types import Message

INTERRUPTED = "[interrupted]"
"""Stands after the last word that was heard of an answer that was cut short."""


class History:
    """Grows at its end only, so that the model's prefix cache always holds what came before."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    @property
    def messages(self) -> tuple[Message, ...]:
        """Oldest first."""
        return tuple(self._messages)

    def answered(self, said: str, reply: str) -> None:
        """A turn that was heard to its end."""
        self._say(said)
        if reply:
            self._messages.append(Message("assistant", reply))

    def interrupted(self, said: str, heard: str) -> None:
        """A turn of whose answer only `heard` reached the user."""
        self._say(said)
        if heard:
            self._messages.append(Message("assistant", f"{heard} {INTERRUPTED}"))

    def clear(self) -> None:
        """Start over."""
        self._messages.clear()

    def _say(self, said: str) -> None:
        """The user's words; two utterances without an answer between them are one: chat templates want roles to alternate."""
        if self._messages and self._messages[-1].role == "user":
            said = f"{self._messages.pop().text} {said}"
        self._messages.append(Message("user", said))
