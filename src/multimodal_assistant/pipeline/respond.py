"""A conversation so far, and what was said → the reply as a text stream."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from multimodal_assistant.core.deadline import within
from multimodal_assistant.core.errors import EngineUnavailable
from multimodal_assistant.core.protocols import LanguageModel, ToolCalling
from multimodal_assistant.core.types import Glance, Message, TextDelta, Tool
from multimodal_assistant.processors.reply_filter import ReplyFilter

UNSEEN = Glance()

PATIENCE = 30.0
"""Seconds that a language model may take for its next word: a server may have to load it first."""

SPOKEN_STYLE = "You are a friendly voice assistant. Answer in one or two short spoken sentences, in plain words, without lists or markdown."
"""The standing instruction, short and positive: every "no" in it makes the smallest models worse.

It never changes within a conversation, so that the prefix cache always holds it.
"""


_RECALLED = "(From earlier conversations:\n{memories})\n\n{said}"
"""Memories stand with the words they are for, at the end of what the model reads: all before them is in its prefix cache, and they too,
where they were found while the words were being said. They are of this answer alone; the history has the words only."""


_IN_VIEW = "(In view: {words})\n\n{said}"


def with_view(said: str, words: str) -> str:
    """What is in view stands before the words that are about it, for a model that does not see."""
    return _IN_VIEW.format(words=words, said=said) if words else said


def conversation(said: str, *, system: str, history: Sequence[Message], glance: Glance = UNSEEN, recalled: str = "") -> list[Message]:
    """What the model reads: the same from the start each time, new at its end only.

    A summary joins the standing instruction, and an aside that nobody has answered yet the present words: roles alternate.
    """
    if history and history[0].role == "system":
        system, history = f"{system}\n{history[0].text}", history[1:]
    if history and history[-1].role == "user":
        said, history = f"{history[-1].text} {said}".strip(), history[:-1]
    if not said and glance.picture is None and history and history[-1].role == "tool":  # the outcome of a call is what there is to answer
        return [Message("system", system), *history]
    said = with_view(said, glance.words)
    if recalled:
        said = _RECALLED.format(memories=recalled, said=said)
    return [Message("system", system), *history, Message("user", said, picture=glance.picture)]


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The functions that a reply may ask for. required: it has to ask for one."""

    tools: tuple[Tool, ...] = ()
    required: bool = False


def written(llm: LanguageModel, messages: Sequence[Message], max_tokens: int, toolbox: Toolbox | None) -> AsyncGenerator[TextDelta]:
    """What the model writes, with these functions at hand. Raises `EngineUnavailable` where it cannot call any."""
    if toolbox is None or not toolbox.tools:
        return llm.reply(messages, max_tokens=max_tokens)
    if not isinstance(llm, ToolCalling):
        raise EngineUnavailable("The language model of this assistant cannot call functions.", "Choose another with --llm.")
    return llm.reply_or_call(messages, max_tokens=max_tokens, tools=toolbox.tools, required=toolbox.required)


async def respond(
    said: str,
    llm: LanguageModel,
    *,
    system: str = SPOKEN_STYLE,
    history: Sequence[Message] = (),
    max_tokens: int = 160,
    toolbox: Toolbox | None = None,
    glance: Glance = UNSEEN,
    recalled: str = "",
) -> AsyncGenerator[TextDelta]:
    """Write the reply to `said`, without the model's private thoughts and code blocks; the last piece carries the usage.

    glance: what is in view. recalled: memories that bear on it, one to a line.
    """
    if glance.answer:
        yield TextDelta(glance.answer)
        return
    messages = conversation(said, system=system, history=history, glance=glance, recalled=recalled)
    spoken = ReplyFilter()
    usage = None
    async with aclosing(within(written(llm, messages, max_tokens, toolbox), PATIENCE, "The language model")) as deltas:
        async for delta in deltas:
            usage = delta.usage or usage
            text = spoken.feed(delta.text)
            if text or delta.calls:
                yield TextDelta(text, calls=delta.calls)
    yield TextDelta(spoken.flush(), usage)
