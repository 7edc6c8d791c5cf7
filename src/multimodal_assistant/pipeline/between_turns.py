"""What is done between two turns: the language model reads the end of the conversation, and folds what is too old into a summary;
the voice that has just spoken rehearses what it may have to say.

Work for idle moments: cancelled, it has changed nothing.
"""

import logging
from contextlib import aclosing

import anyio
from anyio.abc import TaskGroup

from multimodal_assistant.core.deadline import within
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import LanguageModel, Prefilling

from .history import History
from .reply import Engines, Manner
from .respond import PATIENCE, conversation

log = logging.getLogger(__name__)

_ASK = "Before we go on: in at most three short sentences, what have I told you and asked you so far?"
_MOST_TOKENS = 120


class Idle:
    """Has that done while nobody has the floor; what goes wrong is logged, and costs the next answer time and nothing else."""

    def __init__(self, history: History, engines: Engines) -> None:
        self._history = history
        self._engines = engines
        self._work: anyio.CancelScope | None = None

    def begin(self, tasks: TaskGroup, manner: Manner, language: str) -> None:
        """Now is the time, unless it is being done. language: the user's."""
        if self._work is None:
            self._work = anyio.CancelScope()
            tasks.start_soon(self._prepare, self._work, manner, language, name="between turns")

    def end(self) -> None:
        """Somebody speaks."""
        if self._work is not None:
            self._work.cancel()

    async def _prepare(self, work: anyio.CancelScope, manner: Manner, language: str) -> None:
        with work:
            try:
                await read_up(self._history, self._engines.llm, system=manner.system)
            except AssistantError as error:
                log.warning("the conversation was not read up on: %s", error)
            try:
                await self._rehearse(manner, language)
            except AssistantError as error:
                log.warning("a voice did not rehearse: %s", error)
        self._work = None

    async def _rehearse(self, manner: Manner, language: str) -> None:
        """Have the voice that has just spoken ready to say that an answer is late."""
        messages = self._history.messages
        if manner.stopgaps is not None and manner.aloud and messages:
            await manner.stopgaps.rehearse(self._engines.tts, manner.voice, language, messages[-1].text)


async def read_up(history: History, llm: LanguageModel, *, system: str) -> None:
    """Fold what is too old, and have the model read the rest, so that it has only the question left to read."""
    await compact(history, llm, system=system)
    if isinstance(llm, Prefilling) and history.messages:
        await llm.prefill(conversation("", system=system, history=history.messages))


async def compact(history: History, llm: LanguageModel, *, system: str) -> None:
    """Fold what is too old into a summary, and have the model read what is left.

    The question is put at the end of the old part itself, which the prefix cache still holds: nothing but the question is evaluated.
    What is left has a new beginning and is read again, turn by turn, so that a user who speaks does not wait for all of it.
    """
    old = history.excess
    if not old:
        return
    earlier = tuple(message for message in history.messages if message.role == "system")
    reply = llm.reply(conversation(_ASK, system=system, history=(*earlier, *old)), max_tokens=_MOST_TOKENS)
    async with aclosing(within(reply, PATIENCE, "The language model")) as deltas:
        written = [delta.text async for delta in deltas]
    history.fold(old, " ".join("".join(written).split()))
    left = history.messages
    if isinstance(llm, Prefilling):
        for index, message in enumerate(left):
            if message.role == "user":
                await llm.prefill(conversation(message.text, system=system, history=left[:index]))
