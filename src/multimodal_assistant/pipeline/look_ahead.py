"""A model that sees looks at the picture while the user is still speaking, where its server keeps what it has looked at.

A picture costs a model more than a question does (Gemma 3: 256 tokens, and an encoder before them). A server that keeps the beginning of
the last request evaluates only what is new in the next one; whether it does so with pictures depends on its version, its model and the
order in which its template puts them. So it is tried, once, before anybody relies on it.
"""

import logging
from collections.abc import Sequence
from contextlib import aclosing

import anyio

from multimodal_assistant.core.deadline import within
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.core.types import Glance, Message, Picture, Tool, Usage

from .respond import PATIENCE, Toolbox, conversation, written

log = logging.getLogger(__name__)

_HALF = 0.5
"""The second look takes less than this share of the first, or the picture was not kept."""
_PROBE_SECONDS = 60.0  # a model may have to be loaded first


async def keeps_pictures(llm: LanguageModel, picture: Picture, *, system: str, tools: Sequence[Tool] = ()) -> bool:
    """Ask twice about one picture, in other words: whether the second answer begins much sooner, or the server says that it knew it.

    tools: declared with it, as they will be. A failure is a no: nothing is lost but the advantage.
    """

    async def ask(said: str, glance: Glance) -> Usage | None:
        return await _one_token(llm, conversation(said, system=system, history=(), glance=glance), tools)

    first = second = None
    with anyio.move_on_after(_PROBE_SECONDS):
        try:
            await ask("Good morning.", Glance())  # it is loaded, and knows the instruction
            first = await ask("Describe it.", Glance(picture))
            second = await ask("Which colours are there?", Glance(picture))
        except AssistantError as error:
            log.info("no picture will be looked at ahead: %s", error)
    if first is None or second is None:
        return False
    log.info("a picture took %.2f s, and %.2f s the second time", first.first_token_seconds, second.first_token_seconds)
    knew = second.cached_tokens >= _HALF * second.prompt_tokens > 0
    return knew or second.first_token_seconds < _HALF * first.first_token_seconds


async def look_ahead(llm: LanguageModel, picture: Picture, *, system: str, history: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
    """Have the model look at what the next answer will be about, with the functions that will be declared with it.

    What goes wrong is logged: the answer itself will tell.
    """
    try:
        await _one_token(llm, conversation("", system=system, history=history, glance=Glance(picture)), tools)
    except AssistantError as error:
        log.warning("a picture was not looked at ahead: %s", error)


async def _one_token(llm: LanguageModel, messages: Sequence[Message], tools: Sequence[Tool]) -> Usage | None:
    usage = None
    async with aclosing(within(written(llm, messages, 1, Toolbox(tuple(tools))), PATIENCE, "The language model")) as deltas:
        async for delta in deltas:
            usage = delta.usage or usage
    return usage
