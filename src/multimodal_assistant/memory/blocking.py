"""The memory system for programs that have no event loop."""

from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import anyio.from_thread

from .note import MemoryNote
from .system import AgenticMemorySystem

P = ParamSpec("P")
T = TypeVar("T")


class BlockingMemorySystem:
    """The methods of `AgenticMemorySystem`, each of which returns when it is done. See `blocking`."""

    def __init__(self, system: AgenticMemorySystem, portal: anyio.from_thread.BlockingPortal) -> None:
        def blocked(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
            @wraps(method)
            def call(*args: P.args, **kwargs: P.kwargs) -> T:
                return portal.call(lambda: method(*args, **kwargs))

            return call

        self.add_note = blocked(system.add_note)
        self.add_notes = blocked(system.add_notes)
        self.read = blocked(system.read)
        self.read_multiple = blocked(system.read_multiple)
        self.latest = blocked(system.latest)
        self.update = blocked(system.update)
        self.revert = blocked(system.revert)
        self.delete = blocked(system.delete)
        self.forget = blocked(system.forget)
        self.search = blocked(system.search)
        self.search_agentic = blocked(system.search_agentic)
        self.search_by_time = blocked(system.search_by_time)
        self.find_related_memories = blocked(system.find_related_memories)
        self.find_related_memories_raw = blocked(system.find_related_memories_raw)
        self.analyze_content = blocked(system.analyze_content)
        self.process_memory = blocked(system.process_memory)
        self.consolidate_memories = blocked(system.consolidate_memories)
        self.export = blocked(lambda: _all(system))


async def _all(system: AgenticMemorySystem) -> list[MemoryNote]:
    return [note async for note in system.export()]


@contextmanager
def blocking(opened: AbstractAsyncContextManager[AgenticMemorySystem]) -> Generator[BlockingMemorySystem]:
    """The memory system that `opened` gives, until the end of the block, from any thread."""
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(opened) as system:
        yield BlockingMemorySystem(system, portal)
