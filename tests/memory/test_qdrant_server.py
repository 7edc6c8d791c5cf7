"""The client of a Qdrant server on the wire: what it asks, what it says when something is wrong, and a whole memory on it.

No real server is at hand here: a fake one, on the client library's in-memory engine, speaks its REST calls on 127.0.0.1. See `test_index`
for what it finds.
"""

import logging
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest
from fake_qdrant import KEY, FakeQdrant, serving
from opened import NOW

from multimodal_assistant.core.errors import IndexDamaged, MemoryStoreError
from multimodal_assistant.engines.scripted import ScriptedEmbedder
from multimodal_assistant.memory.index import Point, PoolRequest, VectorIndex
from multimodal_assistant.memory.note import Scope
from multimodal_assistant.memory.qdrant_server import connect
from multimodal_assistant.memory.store import open_store
from multimodal_assistant.memory.system import AgenticMemorySystem

D = 8
ANNA = Scope("anna")
DENSE = np.eye(D, dtype=np.float32)[0]


@pytest.fixture
def server() -> Generator[FakeQdrant]:
    with serving(FakeQdrant()) as fake:
        yield fake


def notes(server: FakeQdrant, key: str | None = KEY) -> VectorIndex:
    return connect(server.url, key, "notes", dimensions=D)


def point(seq: int) -> Point:
    return Point(seq, ANNA, 0.0, DENSE, [7], [1.0])


CALLS: dict[str, tuple[Callable[[VectorIndex], object], str]] = {
    "upsert": (lambda index: index.upsert([point(2)]), "written"),
    "delete": (lambda index: index.delete([1]), "written"),
    "pool": (lambda index: index.pool(PoolRequest(ANNA, DENSE, [7], [1.0], 5)), "searched"),
    "count": (lambda index: index.count(), "read"),
    "remove": (lambda index: index.remove(), "removed"),
}
"""Call → it, and what could not be done where it fails."""


def test_a_collection_is_made_once_with_its_indexes(server: FakeQdrant) -> None:
    index = notes(server)
    index.upsert([point(1)])
    index.close()
    again = notes(server)
    assert again.count() == 1
    again.close()
    assert server.collections == ["notes"]
    assert server.indexed == {"notes": ["user", "agent", "session", "said_at"]}
    assert server.requests.count("PUT /collections/notes") == 1


def test_a_collection_whose_maker_died_before_its_indexes_gets_them(server: FakeQdrant) -> None:
    server.trouble, server.trouble_after = "500", 3
    with pytest.raises(MemoryStoreError):
        notes(server)
    assert server.indexed == {"notes": ["user"]}
    server.trouble = None
    notes(server).close()
    assert server.indexed == {"notes": ["user", "agent", "session", "said_at"]}


@pytest.mark.parametrize("key", [None, "", "guess"])
def test_a_wrong_key_is_said_in_one_sentence_without_it(server: FakeQdrant, key: str | None) -> None:
    with pytest.raises(MemoryStoreError) as caught:
        notes(server, key)
    assert caught.value.problem == "The index of memories on the Qdrant server could not be opened: it does not accept the API key."
    assert "guess" not in str(caught.value)
    assert server.collections == []


def test_where_no_server_answers_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else can take the port meanwhile
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(MemoryStoreError, match=r"could not be opened: no answer \(.*refused\)\.") as caught:
            connect(url, KEY, "notes", dimensions=D)
    assert "ASSISTANT_MEMORY__QDRANT_URL" in caught.value.remedy
    assert KEY not in caplog.text


@pytest.mark.anyio
async def test_a_memory_whose_server_does_not_answer_says_so_and_nothing_else(
    server: FakeQdrant, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither is anything built again, nor is there a claim that it was."""
    async with memory_on(server, tmp_path) as memory:
        await memory.add_note(TEXTS[0])
    there = server.url
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(MemoryStoreError, match=r"^The index .+ could not be opened: no answer \(.*refused\)\.") as caught:
            async with memory_on(server, tmp_path):
                pass
    assert not isinstance(caught.value, IndexDamaged)
    assert caplog.records == []
    server.url = there
    for trouble in ("nonsense", "401"):
        server.trouble = trouble
        with pytest.raises(MemoryStoreError):
            async with memory_on(server, tmp_path):
                pass
    server.trouble = None
    async with memory_on(server, tmp_path) as memory:
        assert await memory.search("sister", 1)
    assert server.collections == ["assistant-index-0"]
    assert caplog.records == []


@pytest.mark.anyio
async def test_a_collection_that_is_damaged_is_built_anew(server: FakeQdrant, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with memory_on(server, tmp_path) as memory:
        ids = [await memory.add_note(text) for text in TEXTS]
    server.damaged = "assistant-index-0"
    async with memory_on(server, tmp_path) as memory:
        assert [hit.note.id for hit in await memory.search("salt soup", 1)] == ids[1:2]
    assert "It is built again now." in caplog.text


@pytest.mark.parametrize("url", ["http://", "http://[", "ftp://127.0.0.1:1", "http://127.0.0.1:notaport"])
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(MemoryStoreError, match="could not be opened: ") as caught:
        connect(url, None, "notes", dimensions=D)
    assert "\n" not in caught.value.problem


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("500", "it answered 500 Internal Server Error"),
        ("429", "it answered 429 Too Many Requests"),
        ("401", "it does not accept the API key"),
        ("cut", r"no answer \(.+\)"),
        ("nonsense", "what it answered is nothing that a Qdrant server would answer"),
        ("nonsense in JSON", "what it answered is nothing that a Qdrant server would answer"),
    ],
)
@pytest.mark.parametrize(("call", "what"), CALLS.values(), ids=CALLS)
def test_a_server_that_breaks_is_told_of_in_one_sentence_and_may_come_back(
    server: FakeQdrant, trouble: str, said: str, call: Callable[[VectorIndex], object], what: str
) -> None:
    index = notes(server)
    index.upsert([point(1)])
    server.trouble = trouble
    with pytest.raises(MemoryStoreError, match=rf"^The index of memories on the Qdrant server could not be {what}: {said}\.") as caught:
        call(index)
    assert "\n" not in caught.value.problem
    server.trouble = None
    if what != "removed":
        assert index.count() == 1
        call(index)
    index.close()
    assert server.collections == ["notes"]


def test_what_was_written_before_the_break_is_written_again_without_harm(server: FakeQdrant) -> None:
    index = notes(server)
    points = [point(seq) for seq in range(600)]
    server.trouble, server.trouble_after = "cut", 2
    with pytest.raises(MemoryStoreError):
        index.upsert(points)
    server.trouble = None
    assert index.count() == 512
    index.upsert(points)
    assert index.count() == 600
    index.close()


def test_a_key_that_goes_over_the_network_in_the_clear_is_warned_of(caplog: pytest.LogCaptureFixture, server: FakeQdrant) -> None:
    notes(server).close()
    assert caplog.records == []  # it does not leave this machine
    with pytest.raises(MemoryStoreError):
        connect("http://0.0.0.0:1", KEY, "notes", dimensions=D)  # nobody is there, but the address is not only this machine's
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "0.0.0.0" in record.getMessage()
    assert KEY not in caplog.text


@asynccontextmanager
async def memory_on(server: FakeQdrant, folder: Path, user: str = "anna") -> AsyncGenerator[AgenticMemorySystem]:
    """As the program opens it: a collection to a generation."""

    def index(generation: Path, dimensions: int) -> VectorIndex:
        return connect(server.url, KEY, f"assistant-{generation.name}", dimensions=dimensions)

    async with open_store(folder, ScriptedEmbedder(), index, model="scripted") as store:
        yield AgenticMemorySystem(store, user, clock=lambda: NOW)


TEXTS = ["My sister is called Anna.", "The soup needs salt.", "Porto is lovely in spring.", "I left the keys on the table."]


@pytest.mark.anyio
async def test_a_whole_memory_lives_on_a_server(server: FakeQdrant, tmp_path: Path) -> None:
    async with memory_on(server, tmp_path) as memory:
        ids = [await memory.add_note(text) for text in TEXTS]
        await AgenticMemorySystem(memory.store, "ben").add_note("The keys of Ben.")
        assert [hit.note.id for hit in await memory.search("Where are the keys?", 1)] == ids[3:]
        assert server.collections == ["assistant-index-0"]
        assert await memory.consolidate_memories() == 5
        assert server.collections == ["assistant-index-1"]  # the old one is removed
        assert [hit.note.id for hit in await memory.search("salt soup", 1)] == ids[1:2]
        assert len(await memory.forget("soup")) == 1
        assert server.points("assistant-index-1") == 4
        assert ids[1] not in [hit.note.id for hit in await memory.search("salt soup", 5)]
    async with memory_on(server, tmp_path) as memory:
        assert server.collections == ["assistant-index-1"]
        assert {hit.note.id for hit in await memory.search("keys", 5)} == {ids[0], ids[2], ids[3]}
        assert len(await AgenticMemorySystem(memory.store, "ben").search("keys", 5)) == 1


@pytest.mark.anyio
async def test_searches_go_on_while_a_collection_is_built_anew(server: FakeQdrant, tmp_path: Path) -> None:
    async with memory_on(server, tmp_path) as memory:
        for number in range(80):
            await memory.add_note(f"Number {number} is a number.")
        await memory.store.settle()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(memory.consolidate_memories)
            for number in range(10):
                await memory.add_note(f"Extra {number} came meanwhile.")
                assert await memory.search("Number 7", 3)
        await memory.store.settle()
        assert await memory.store.indexed() == 90
        assert server.collections == ["assistant-index-1"]


@pytest.mark.anyio
async def test_what_is_said_while_the_server_is_away_is_kept_and_found_when_it_is_back(server: FakeQdrant, tmp_path: Path) -> None:
    async with memory_on(server, tmp_path) as memory:
        ids = [await memory.add_note(TEXTS[0])]
        await memory.store.settle()
        server.trouble = "500"
        ids.append(await memory.add_note(TEXTS[1]))  # the words are on this machine's disk
        with pytest.raises(MemoryStoreError, match="it answered 500"):
            await memory.search("soup", 1)
        server.trouble = None
        assert [hit.note.id for hit in await memory.search("soup", 1)] == ids[1:]


@pytest.mark.anyio
async def test_a_collection_that_somebody_deleted_is_filled_again_from_the_log(server: FakeQdrant, tmp_path: Path) -> None:
    async with memory_on(server, tmp_path) as memory:
        ids = [await memory.add_note(text) for text in TEXTS]
    server.remove("assistant-index-0", None)
    async with memory_on(server, tmp_path) as memory:
        assert [hit.note.id for hit in await memory.search("salt soup", 1)] == ids[1:2]
