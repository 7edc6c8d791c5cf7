"""How long an engine may take: past that the conversation goes on without it."""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from typing import TypeVar

import anyio

from .errors import EngineTimeout

T = TypeVar("T")


@contextmanager
def deadline(seconds: float, engine: str) -> Generator[None]:
    """Cancel what is awaited inside after `seconds` and raise `EngineTimeout`."""
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise _late(seconds, engine)


async def within(items: AsyncGenerator[T], seconds: float, engine: str) -> AsyncGenerator[T]:
    """The same stream, which raises `EngineTimeout` where one item takes longer than `seconds`. Closes `items` when it is closed."""
    async with aclosing(items):
        while True:
            try:
                with deadline(seconds, engine):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item


def _late(seconds: float, engine: str) -> EngineTimeout:
    return EngineTimeout(f"{engine} gave no answer within {seconds:.0f} s.", "Ask again; if it happens often, see `assistant doctor`.")
