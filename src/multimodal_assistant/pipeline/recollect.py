"""Words of the user → what is remembered about them, in time or not at all."""

import logging

import anyio

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import Remembering

log = logging.getLogger(__name__)

IN_TIME = 0.08
"""Seconds after which the turn goes on without: an answer that knows less is better than a late one."""


async def recollect(memory: Remembering | None, said: str) -> str | None:
    """The memories for an answer to `said`, one to a line, "" where there are none; None where they are late, or the memory fails."""
    if memory is None or not said:
        return ""
    with anyio.move_on_after(IN_TIME):
        try:
            return await memory.recall(said)
        except AssistantError as error:
            log.warning("nothing could be recalled: %s", error)
            return None
    log.warning("nothing was recalled within %.0f ms", 1000 * IN_TIME)
    return None


def remember(memory: Remembering | None, said: str, heard: str) -> None:
    """Keep a turn, where there is a memory."""
    if memory is not None:
        memory.remember(said, heard)


class Recollection:
    """The memories for one turn: looked for while it is being said, and again when all of it is known."""

    def __init__(self) -> None:
        self._ahead = ""

    async def ahead(self, memory: Remembering | None, so_far: str) -> str:
        """For the words so far; the model reads them ahead."""
        self._ahead = await recollect(memory, so_far) or self._ahead
        return self._ahead

    async def settle(self, memory: Remembering | None, said: str) -> str:
        """For all of the words. Where the best of it has been read ahead, what was read stays as it is: the model has it already."""
        found = await recollect(memory, said)
        if found is None:
            return self._ahead
        best, _, _ = found.partition("\n")
        return self._ahead if best and best in self._ahead.split("\n") else found
