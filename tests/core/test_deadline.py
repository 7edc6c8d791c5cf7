"""An engine that takes too long: the wait ends with a sentence, and what was awaited is stopped."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import pytest
from anyio.lowlevel import checkpoint

from multimodal_assistant.core.deadline import deadline, within
from multimodal_assistant.core.errors import EngineTimeout

pytestmark = pytest.mark.anyio


async def test_what_is_late_is_cancelled_and_named() -> None:
    stream = Stream(0, ends=False)

    async def wait() -> None:
        with deadline(0.01, "The voice"):
            async with aclosing(stream.run()) as items:
                await anext(items)

    with pytest.raises(EngineTimeout, match="The voice gave no answer within 0 s"):
        await wait()
    assert stream.closed


async def test_what_is_in_time_passes() -> None:
    with deadline(5, "The voice"):
        await checkpoint()


class Stream:
    """Gives `count` items, then nothing more, or no end."""

    def __init__(self, count: int, *, ends: bool) -> None:
        self.count, self.ends, self.closed = count, ends, False

    async def run(self) -> AsyncGenerator[int]:
        try:
            for item in range(self.count):
                yield item
            if not self.ends:
                await anyio.sleep_forever()
        finally:
            self.closed = True


async def test_a_stream_passes_whole() -> None:
    stream = Stream(3, ends=True)
    assert [item async for item in within(stream.run(), 5, "It")] == [0, 1, 2]
    assert stream.closed


async def test_a_stream_that_stalls_is_closed_after_what_it_gave() -> None:
    stream, found = Stream(2, ends=False), list[int]()

    async def read() -> None:
        async for item in within(stream.run(), 0.01, "It"):
            found.append(item)

    with pytest.raises(EngineTimeout, match="It gave no answer"):
        await read()
    assert found == [0, 1]
    assert stream.closed


async def test_leaving_early_closes_the_stream() -> None:
    stream = Stream(3, ends=True)
    async with aclosing(within(stream.run(), 5, "It")) as items:
        async for _ in items:
            break
    assert stream.closed
