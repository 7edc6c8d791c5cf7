"""Qdrant's engine in this process (qdrant-edge-py): one folder, one process."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import qdrant_edge as qdrant

from multimodal_assistant.core.errors import IndexDamaged, MemoryStoreError

from .index import DENSE, SPARSE, Point, Pool, PoolRequest
from .note import Scope


class EdgeIndex:
    """Opens `folder`, or makes it. dimensions: of the dense vectors."""

    def __init__(self, folder: Path, *, dimensions: int) -> None:
        self._folder = folder
        self._shard: qdrant.EdgeShard | None = None
        try:
            if (folder / "segments").is_dir():
                self._shard = qdrant.EdgeShard.load(str(folder), None)
            else:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._shard = qdrant.EdgeShard.create(str(folder), _config(dimensions))
                for name, index in _payload_indexes().items():
                    self._shard.update(qdrant.UpdateOperation.create_field_index(name, index))
        except Exception as error:  # the engine raises one class for everything, and RuntimeError for its panics
            raise IndexDamaged(
                f"The index of memories in {folder} cannot be opened: {error}.", "It is built again by `assistant memory rebuild`."
            ) from error

    @property
    def shard(self) -> "qdrant.EdgeShard":
        if self._shard is None:
            raise MemoryStoreError("The index of memories is closed.")
        return self._shard

    def upsert(self, points: Sequence[Point]) -> None:
        self._update(qdrant.UpdateOperation.upsert_points([_point(one) for one in points]))

    def delete(self, seqs: Sequence[int]) -> None:
        self._update(qdrant.UpdateOperation.delete_points(list(seqs)))

    def pool(self, request: PoolRequest) -> Pool:
        where = _filter(request.scope)
        nearest = qdrant.Query.Nearest(request.dense.tolist(), using=DENSE)
        dense = qdrant.QueryRequest(limit=request.most, query=nearest, filter=where, with_payload=False)
        words = qdrant.SparseVector(list(request.indices), list(request.weights))
        sparse = qdrant.QueryRequest(
            limit=request.most,
            query=qdrant.Query.Nearest(words, using=SPARSE),
            filter=where,
            with_payload=False,
            # how rare a word is, among this user's notes: those of others would shift it, and tell what is in them
            params=qdrant.SearchParams(idf=qdrant.IdfParams(corpus=_filter(Scope(request.scope.user)))),
        )
        then = _filter(request.scope, request.windows)
        within = qdrant.QueryRequest(limit=request.most_within, query=nearest, filter=then, with_payload=False)
        queries = {"dense": dense} | ({"sparse": sparse} if len(request.indices) else {}) | ({"within": within} if request.windows else {})
        try:
            found = self.shard.query_batch(qdrant.QueryBatchRequest(list(queries.values())))
        except MemoryStoreError:
            raise
        except Exception as error:
            raise _failed("searched", error) from error
        scores = {name: {int(str(one.id)): one.score for one in hits} for name, hits in zip(queries, found, strict=True)}
        return Pool(scores["dense"], scores.get("sparse", {}), scores.get("within", {}))

    def count(self) -> int:
        return self.shard.count(qdrant.CountRequest(exact=True))

    def flush(self) -> None:
        try:
            self.shard.flush()
        except MemoryStoreError:
            raise
        except Exception as error:
            raise _failed("written", error) from error

    def optimize(self) -> None:
        try:
            self.shard.optimize()
        except MemoryStoreError:
            raise
        except Exception as error:
            raise _failed("optimized", error) from error

    def remove(self) -> None:
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        shard, self._shard = self._shard, None
        if shard is not None:
            shard.close()

    def _update(self, operation: "qdrant.UpdateOperation") -> None:
        try:
            self.shard.update(operation)
        except MemoryStoreError:
            raise
        except Exception as error:
            raise _failed("written", error) from error


def _failed(what: str, error: Exception) -> IndexDamaged:
    return IndexDamaged(f"The index of memories could not be {what}: {error}.", "It is built again by `assistant memory rebuild`.")


def _config(dimensions: int) -> "qdrant.EdgeConfig":
    return qdrant.EdgeConfig(
        vectors={
            DENSE: qdrant.EdgeVectorParams(dimensions, qdrant.Distance.Cosine, datatype=qdrant.VectorStorageDatatype.Float16),
        },
        sparse_vectors={SPARSE: qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)},
        max_search_threads=1,  # the other cores are the conversation's
    )


def _payload_indexes() -> "dict[str, qdrant.KeywordIndexParams | qdrant.FloatIndexParams]":
    return {
        "user": qdrant.KeywordIndexParams(is_tenant=True),
        "agent": qdrant.KeywordIndexParams(),
        "session": qdrant.KeywordIndexParams(),
        "said_at": qdrant.FloatIndexParams(),
    }


def _point(one: Point) -> "qdrant.Point":
    vectors: dict[str, qdrant.NamedVector] = {DENSE: one.dense.tolist()}
    if len(one.indices):
        vectors[SPARSE] = qdrant.SparseVector(list(one.indices), list(one.weights))
    payload = {"user": one.scope.user, "agent": one.scope.agent, "session": one.scope.session, "said_at": one.said_at}
    return qdrant.Point(one.seq, vectors, payload)


def _filter(scope: Scope, windows: Sequence[tuple[float, float]] = ()) -> "qdrant.Filter":
    named = [("user", scope.user), *((name, value) for name, value in (("agent", scope.agent), ("session", scope.session)) if value)]
    must: list[qdrant.ConditionType] = [qdrant.FieldCondition(name, match=qdrant.MatchValue(value)) for name, value in named]
    times: list[qdrant.ConditionType] = [
        qdrant.FieldCondition("said_at", range=qdrant.RangeFloat(gte=since, lt=until)) for since, until in windows
    ]
    return qdrant.Filter(must=must, should=times or None)
