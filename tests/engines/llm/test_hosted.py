"""What the adapters of servers share."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import pytest

from multimodal_assistant.core.errors import EngineTimeout, InvalidSetting
from multimodal_assistant.engines.llm.hosted import Chunk, Deadlines, base_address, connection, within

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("localhost", "http://localhost:11434"),
        ("localhost:5", "http://localhost:5"),
        ("http://box", "http://box:11434"),
        ("https://box/ollama/", "https://box:443/ollama"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://[::]:7", "http://[::1]:7"),
        ("http://user:password@box:7", "http://box:7"),
    ],
)
async def test_addresses(host: str, address: str) -> None:
    assert base_address(host, 11434) == address


@pytest.mark.parametrize("host", ["ftp://box", "http://", "box:port", "http://[::1", "box:99999"])
async def test_what_is_no_address(host: str) -> None:
    with pytest.raises(InvalidSetting):
        base_address(host, 11434)


async def test_no_proxy_stands_before_a_server_on_this_machine() -> None:
    assert connection("http://localhost:5")["trust_env"] is False
    assert connection("https://[::1]:5/v1") == {"trust_env": False, "verify": True}
    assert connection("http://10.0.0.1:5") == {"trust_env": True}


async def test_time_spent_by_the_reader_counts_against_no_idle_deadline() -> None:
    async def chunks() -> AsyncGenerator[Chunk]:
        for text in "abc":
            yield Chunk(text)

    slow = anyio.Event()
    async with aclosing(within(chunks(), Deadlines(first_token=5, idle=0.02), "It")) as deltas:
        assert (await anext(deltas)).text == "a"
        with anyio.move_on_after(0.05):
            await slow.wait()
        assert [delta.text async for delta in deltas] == ["b", "c", ""]


async def test_the_source_is_closed_at_its_deadline() -> None:
    closed = anyio.Event()

    async def chunks() -> AsyncGenerator[Chunk]:
        try:
            yield Chunk("a")
            await anyio.sleep_forever()
        finally:
            closed.set()

    async with aclosing(within(chunks(), Deadlines(first_token=5, idle=0.02), "It")) as deltas:
        assert (await anext(deltas)).text == "a"
        with pytest.raises(EngineTimeout, match=r"sent nothing for 0\.02 s"):
            await anext(deltas)
    assert closed.is_set()
