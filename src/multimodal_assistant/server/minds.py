"""The language models that conversations of a server may choose from."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from multimodal_assistant.core.engine_pool import EnginePool
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.sight import Viewer
from multimodal_assistant.seeing import viewer_of

MOST_OPEN = 1
"""Other models that stay open while no conversation has them: each may take gigabytes."""


@dataclass(frozen=True, slots=True)
class Mind:
    """A language model, and what was found out about it."""

    llm: LanguageModel
    viewer: Viewer
    manner: Manner

    @property
    def name(self) -> str:
        """Of the model."""
        return dict(self.llm.details).get("model", "")


class Minds:
    """first: the server's own, which is loaded. others: name → a model that is not."""

    def __init__(self, first: Mind, others: Mapping[str, Callable[[], LanguageModel]]) -> None:
        self.first = first
        self._make = {name: make for name, make in others.items() if name != first.name}
        self._pool = EnginePool(lambda name: self._make[name](), MOST_OPEN)

    @property
    def names(self) -> tuple[str, ...]:
        """All there are, the first first."""
        return (self.first.name, *sorted(self._make))

    @asynccontextmanager
    async def of(self, name: str) -> AsyncGenerator[Mind]:
        """The one of that name, as long as the block lasts; of any other name, the first: clients of other servers ask for theirs.

        It is loaded when it is first asked, or warmed. What has to be tried out, whether it asks to look, is known of the first alone.
        """
        if name not in self._make:
            yield self.first
            return
        async with self._pool.using(name) as llm:
            yield Mind(llm, await _viewer(llm), replace(self.first.manner, may_look=False, looks_ahead=False))

    def known(self, name: str) -> str:
        """The name of the one that `of` gives."""
        return name if name in self._make else self.first.name

    async def aclose(self) -> None:
        """Put away what is open, but for the first, which belongs to somebody else."""
        await self._pool.aclose()


def asked_model(session: Any) -> str:
    """What a session, as a client describes it, is wished to begin with; "" where nothing is."""
    wish = cast("dict[str, object]", session).get("model") if isinstance(session, dict) else None
    return wish if isinstance(wish, str) else ""


async def _viewer(llm: LanguageModel) -> Viewer:
    """A model that cannot be reached sees nothing; why it does not answer is told when it should."""
    try:
        return await viewer_of(llm)
    except AssistantError:
        return Viewer()
