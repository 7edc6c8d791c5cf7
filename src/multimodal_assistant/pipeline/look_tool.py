"""A model that sees asks to look: words may need the view though no pattern knows them ("is it straight now?").

The function is declared with every request of a conversation before a view, or the beginning of the prompt, which servers keep, would not
be the same each time. A model that asks for it is asked again, with the picture that is in view then, and its second answer is the answer.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import anyio

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import LanguageModel, ToolCalling
from multimodal_assistant.core.types import Glance, Message, Picture, TextDelta, Tool

log = logging.getLogger(__name__)

LOOK = Tool("look", "See what is in view of the user's camera or screen now. For questions that no picture was shown with.")

_BLIND = "nothing: the camera shows nothing now"
_PROBE_SECONDS = 60.0  # a model may have to be loaded first


async def may_look(llm: LanguageModel, *, system: str) -> bool:
    """Whether it takes a request that the function is declared with: not every model that sees can call. A failure is a no."""
    if not isinstance(llm, ToolCalling):
        return False
    messages = [Message("system", system), Message("user", "Good morning.")]
    with anyio.move_on_after(_PROBE_SECONDS):
        try:
            async with aclosing(llm.reply_or_call(messages, max_tokens=1, tools=(LOOK,))) as deltas:
                async for _ in deltas:
                    pass
        except AssistantError as error:
            log.info("the model is not offered to look: %s", error)
            return False
        return True
    return False


async def looking(
    ask: Callable[[Glance, bool], AsyncGenerator[TextDelta]],
    glance: Glance,
    look: Callable[[], Awaitable[Picture | None]],
    tell: Callable[[Glance], None],
) -> AsyncGenerator[TextDelta]:
    """The answer that `ask` gets from the model, or the one that it gets once the model has looked, as far as it wants to.

    ask: takes what the model is shown, and whether this is the second time. look: what is in view now, None where nothing can be seen.
    tell: hears what it has been shown instead. A model that asks for other functions too gets those: it can look when they are done.
    """
    wants = written = calls = False
    async with aclosing(ask(glance, False)) as deltas:
        async for delta in deltas:
            wants = wants or any(call.name == LOOK.name for call in delta.calls)
            others = _without_look(delta)
            written = written or bool(others.text)
            calls = calls or bool(others.calls)
            yield others
    if not wants or calls:
        return
    picture = await look()
    shown = Glance(picture) if picture is not None else Glance(words=_BLIND)
    tell(shown)
    if written:
        yield TextDelta(" ")
    async with aclosing(ask(shown, True)) as deltas:
        async for delta in deltas:
            yield _without_look(delta)


def _without_look(delta: TextDelta) -> TextDelta:
    return TextDelta(delta.text, delta.usage, tuple(call for call in delta.calls if call.name != LOOK.name))
