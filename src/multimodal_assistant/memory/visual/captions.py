"""Views that were kept → what a language model that sees says of them, in idle time: it knows more things by sight than the recognizers."""

import logging
from collections.abc import Callable
from contextlib import aclosing

import anyio

from multimodal_assistant.core.deadline import within
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.core.types import Message
from multimodal_assistant.memory.aside import stepping_aside

from .store import VisualMemory
from .view import KeptView

log = logging.getLogger(__name__)

ASK = "List the things in this picture and where they are, in one sentence. Name only what you can see."
_MOST_TOKENS = 80
_MOST_CHARACTERS = 400
_PATIENCE = 60.0  # seconds for the next word
_LOOK_AGAIN = 2.0


class Captioner:
    """quiet: whether nobody has the floor; as soon as somebody has, the model is let go, and asked again later."""

    def __init__(self, memory: VisualMemory, llm: LanguageModel, *, quiet: Callable[[], bool]) -> None:
        self._memory = memory
        self._llm = llm
        self._quiet = quiet
        self._failed: set[int] = set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            if not self._quiet() or not await stepping_aside(self.step, self._quiet):
                await anyio.sleep(_LOOK_AGAIN)

    async def step(self) -> bool:
        """The newest view that nobody has said anything of; False where there is none. What fails is not tried again in this run."""
        view = await self._memory.uncaptioned(self._failed)
        if view is None:
            return False
        try:
            caption = await self._caption(view)
        except AssistantError as error:
            log.warning("a view has no caption: %s", error)
            caption = ""
        if not caption or not await self._memory.caption(view.user, view.id, caption):
            self._failed.add(view.id)
        return True

    async def _caption(self, view: KeptView) -> str:
        picture = await self._memory.picture(view.user, view.id)
        if picture is None:
            return ""
        reply = self._llm.reply([Message("user", ASK, picture=picture)], max_tokens=_MOST_TOKENS)
        async with aclosing(within(reply, _PATIENCE, "The language model")) as deltas:
            written = "".join([delta.text async for delta in deltas])
        return " ".join(written.split())[:_MOST_CHARACTERS]
