"""What every index of memories does: Qdrant's engine in this process, and the client of a Qdrant server.

No real server is at hand here. The client runs once on its own in-memory engine, and once over HTTP against a fake server that stands on
that engine: what only a server does (its optimizer, its disk, clusters, other versions) is not covered.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from fake_qdrant import KEY, FakeQdrant, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from qdrant_client import QdrantClient

from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.memory.index import Point, PoolRequest, VectorIndex
from multimodal_assistant.memory.note import Scope
from multimodal_assistant.memory.qdrant_edge import EdgeIndex
from multimodal_assistant.memory.qdrant_server import ServerIndex, connect

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")

Opening = Callable[[Path], AbstractContextManager[VectorIndex]]

D = 8
ANNA, BEN = Scope("anna"), Scope("ben")


@contextmanager
def edge(folder: Path) -> Generator[VectorIndex]:
    index = EdgeIndex(folder / "index", dimensions=D)
    yield index
    index.close()


@contextmanager
def in_memory(folder: Path) -> Generator[VectorIndex]:
    index = ServerIndex(QdrantClient(":memory:"), "notes", dimensions=D)
    yield index
    index.close()


@contextmanager
def over_http(folder: Path) -> Generator[VectorIndex]:
    with serving(FakeQdrant()) as fake:
        index = connect(fake.url, KEY, "notes", dimensions=D)
        yield index
        index.close()


@pytest.fixture(params=[edge, in_memory, over_http], ids=["edge", "client in memory", "client over HTTP"])
def opening(request: pytest.FixtureRequest) -> Opening:
    return request.param


@pytest.fixture
def index(opening: Opening, tmp_path: Path) -> Generator[VectorIndex]:
    with opening(tmp_path) as index:
        yield index


def axis(*weights: float) -> NDArray[np.float32]:
    """A vector of length 1 along the first axes."""
    vector = np.zeros(D, np.float32)
    vector[: len(weights)] = weights
    return vector / np.float32(np.linalg.norm(vector))


def point(seq: int, scope: Scope = ANNA, dense: NDArray[np.float32] | None = None, words: Sequence[int] = (), at: float = 0.0) -> Point:
    return Point(seq, scope, at, axis(1) if dense is None else dense, list(words), [1.0] * len(words))


def near(
    dense: NDArray[np.float32], scope: Scope = ANNA, words: Sequence[int] = (), most: int = 10, windows: Sequence[tuple[float, float]] = ()
) -> PoolRequest:
    return PoolRequest(scope, dense, list(words), [1.0] * len(words), most, windows, 10)


def test_what_is_put_in_is_counted_once_however_often_it_comes(index: VectorIndex) -> None:
    assert index.count() == 0
    index.upsert([])
    index.upsert([point(1), point(2)])
    index.upsert([point(2), point(3)])
    assert index.count() == 3


def test_what_comes_again_takes_the_place_of_what_was_there(index: VectorIndex) -> None:
    index.upsert([point(1, dense=axis(1), words=[7], at=5.0), point(2, dense=axis(0, 1))])
    index.upsert([point(1, BEN, axis(0, 1), at=9.0)])
    assert set(index.pool(near(axis(1))).dense) == {2}
    found = index.pool(near(axis(0, 1), BEN, [7], windows=[(9.0, 10.0)]))
    assert found.dense == pytest.approx({1: 1.0}, abs=1e-3)
    assert found.sparse == {}  # the words it had are gone
    assert set(found.within) == {1}


def test_what_is_deleted_is_gone_and_numbers_that_are_not_there_do_no_harm(index: VectorIndex) -> None:
    index.upsert([point(1), point(2), point(3)])
    index.delete([2, 99, 2])
    index.delete([])
    index.delete([2])
    assert index.count() == 2
    assert set(index.pool(near(axis(1))).dense) == {1, 3}


def test_more_than_goes_at_once_goes(index: VectorIndex) -> None:
    index.upsert([point(seq, words=[seq]) for seq in range(1, 601)])
    assert index.count() == 600
    index.delete(list(range(1, 551)))
    assert index.count() == 50


def test_the_nearest_by_meaning_come_with_the_cosine_as_many_as_are_wanted(index: VectorIndex) -> None:
    index.upsert([point(1, dense=axis(1)), point(2, dense=axis(1, 1)), point(3, dense=axis(0, 1)), point(4, dense=axis(-1))])
    found = index.pool(near(axis(1), most=3))
    assert found.dense == pytest.approx({1: 1.0, 2: 0.5**0.5, 3: 0.0}, abs=2e-3)
    assert (found.sparse, found.within) == ({}, {})
    assert found.seqs == [1, 2, 3]


def test_a_rare_word_tells_more_than_a_common_one(index: VectorIndex) -> None:
    index.upsert([point(1, words=[7, 8]), point(2, words=[7]), point(3, words=[7]), point(4, words=[9]), point(5)])
    found = index.pool(near(axis(1), words=[7, 8]))
    assert set(found.sparse) == {1, 2, 3}
    assert found.sparse[1] > 2 * found.sparse[2]
    assert found.sparse[2] == pytest.approx(found.sparse[3])
    assert set(index.pool(near(axis(1), words=[9])).sparse) == {4}
    assert index.pool(near(axis(1), words=[1234])).sparse == {}


def test_how_rare_a_word_is_does_not_tell_what_others_have(index: VectorIndex) -> None:
    index.upsert([point(1, words=[7]), point(2, words=[8]), point(3)])
    before = index.pool(near(axis(1), words=[7, 8])).sparse
    index.upsert([point(seq, BEN, words=[7]) for seq in range(10, 40)])
    assert index.pool(near(axis(1), words=[7, 8])).sparse == pytest.approx(before)


def test_of_the_times_in_question_the_nearest_are_found_as_well(index: VectorIndex) -> None:
    """From, and up to: epoch seconds, which float32 could not tell apart."""
    epoch = 1_778_155_200.0
    index.upsert([point(seq, dense=axis(1, seq), at=epoch + seq) for seq in range(10)])
    found = index.pool(near(axis(1), most=1, windows=[(epoch + 2, epoch + 4), (epoch + 7, epoch + 8)]))
    assert set(found.within) == {2, 3, 7}
    assert set(found.dense) == {0}
    assert index.pool(near(axis(1), windows=[(epoch - 9, epoch)])).within == {}
    assert found.within[2] > found.within[3] > found.within[7]


def test_a_scope_holds_what_is_within_it_and_nothing_else(index: VectorIndex) -> None:
    index.upsert(
        [
            point(1, Scope("anna", "cook", "monday"), words=[7]),
            point(2, Scope("anna", "cook", "tuesday"), words=[7]),
            point(3, Scope("anna", "guide", "monday"), words=[7]),
            point(4, Scope("anna"), words=[7]),
            point(5, Scope("ben", "cook", "monday"), words=[7]),
        ]
    )
    for scope, seqs in (
        (Scope("anna"), {1, 2, 3, 4}),
        (Scope("anna", "cook"), {1, 2}),
        (Scope("anna", session="monday"), {1, 3}),
        (Scope("anna", "cook", "monday"), {1}),
        (Scope("ben", "guide"), set[int]()),
        (Scope("Anna"), set[int]()),
        (Scope("ann"), set[int]()),
    ):
        found = index.pool(near(axis(1), scope, [7], windows=[(-1.0, 1.0)]))
        assert (set(found.dense), set(found.sparse), set(found.within)) == (seqs, seqs, seqs), scope


_NAMES = st.sampled_from(["a", "A", "ab", "a b", 'a"b', "ä", "a\\", "*", "日本"])
_SCOPES = st.builds(Scope, _NAMES, st.sampled_from(["", "x", "y"]), st.sampled_from(["", "s", "t"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.lists(_SCOPES, max_size=12), asked=_SCOPES)
def test_nothing_leaks_out_of_a_scope(opening: Opening, tmp_path_factory: pytest.TempPathFactory, kept: list[Scope], asked: Scope) -> None:
    with opening(tmp_path_factory.mktemp("m")) as index:
        index.upsert([point(seq, scope, words=[7]) for seq, scope in enumerate(kept)])
        found = index.pool(near(axis(1), asked, [7], most=50, windows=[(-1.0, 1.0)]))
        within = {seq for seq, scope in enumerate(kept) if asked.holds(scope)}
        assert set(found.dense) == set(found.sparse) == within
        assert set(found.within) == set(sorted(within)[:10]) or len(found.within) == 10


def test_upkeep_loses_nothing(index: VectorIndex) -> None:
    index.upsert([point(seq, words=[seq]) for seq in range(1, 300)])
    index.delete(list(range(1, 200)))
    index.flush()
    index.optimize()
    assert index.count() == 100
    assert set(index.pool(near(axis(1), words=[250])).sparse) == {250}


def test_what_is_closed_says_so_and_closes_again(index: VectorIndex) -> None:
    index.upsert([point(1)])
    index.close()
    index.close()
    for ask in (
        index.count,
        lambda: index.upsert([point(2)]),
        lambda: index.delete([1]),
        lambda: index.pool(near(axis(1))),
    ):
        with pytest.raises(MemoryStoreError):
            ask()


def test_what_is_removed_is_closed(index: VectorIndex) -> None:
    index.upsert([point(1)])
    index.remove()
    index.close()
    with pytest.raises(MemoryStoreError):
        index.count()


def test_the_engine_in_this_process_finds_after_it_was_opened_again_what_was_flushed(tmp_path: Path) -> None:
    with edge(tmp_path) as index:
        index.upsert([point(1, words=[7]), point(2, BEN)])
        index.flush()
    with edge(tmp_path) as index:
        assert index.count() == 2
        assert set(index.pool(near(axis(1), words=[7])).sparse) == {1}
        index.remove()
    assert not (tmp_path / "index").exists()
