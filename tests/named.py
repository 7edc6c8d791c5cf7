"""Language models that can be told apart."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details, Message, TextDelta
from multimodal_assistant.engines.scripted import ScriptedLlm


class Named(ScriptedLlm):
    """It says who it is."""

    def __init__(self, name: str, *, broken: bool = False) -> None:
        super().__init__(replies=[f"I am {name}."])
        self._name = name
        self._broken = broken
        self.closed = False
        self.read: list[list[str]] = []
        """The texts of the conversation, request by request."""

    @property
    def details(self) -> Details:
        return {**super().details, "model": self._name}

    async def warm(self) -> None:
        if self._broken:
            raise EngineFailed("The model is broken.")

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        self.read.append([message.text for message in messages])
        async with aclosing(super().reply(messages, max_tokens=max_tokens)) as deltas:
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        self.closed = True
        await super().aclose()
