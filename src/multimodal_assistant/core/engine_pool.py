"""Engines by name: opened when they are first needed, shared by all who use them, and closed when too many stand idle."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio

from .protocols import Engine

log = logging.getLogger(__name__)
E = TypeVar("E", bound=Engine)


@dataclass
class _Open(Generic[E]):
    engine: E
    users: int = 0


class EnginePool(Generic[E]):
    """make: opens the one of that name. most_idle: that stay open while nobody uses them, those that were used last."""

    def __init__(self, make: Callable[[str], E], most_idle: int) -> None:
        self._make = make
        self._most_idle = most_idle
        self._open: dict[str, _Open[E]] = {}  # the one that was used last at the end

    @asynccontextmanager
    async def using(self, name: str) -> AsyncGenerator[E]:
        """That one, open as long as the block lasts and perhaps longer."""
        one = self._open.pop(name, None) or _Open(self._make(name))
        self._open[name] = one
        one.users += 1
        try:
            yield one.engine
        finally:
            one.users -= 1
            with anyio.CancelScope(shield=True):
                await self._close_idle()

    def has(self, name: str) -> bool:
        """Whether that one is open."""
        return name in self._open

    async def aclose(self) -> None:
        """Close all that are open."""
        every, self._open = self._open, {}
        for one in every.values():
            await one.engine.aclose()

    async def _close_idle(self) -> None:
        idle = [name for name, one in self._open.items() if not one.users]
        for name in idle[: max(len(self._open) - self._most_idle, 0)]:
            log.info("%s is put away", name)
            await self._open.pop(name).engine.aclose()
