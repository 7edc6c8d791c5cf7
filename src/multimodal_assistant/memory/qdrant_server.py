"""The index on a Qdrant server, for several machines or millions of notes. It gets numbers and scopes; the words stay in the log."""

from collections.abc import Sequence
from typing import Any

from qdrant_client import QdrantClient, models

from multimodal_assistant.core.errors import MemoryStoreError

from .index import DENSE, SPARSE, Point, Pool, PoolRequest
from .note import Scope

_TIMEOUT = 10  # seconds
_AT_ONCE = 256


class ServerIndex:
    """One collection. client: of the server; dimensions: of the dense vectors."""

    def __init__(self, client: QdrantClient, collection: str, *, dimensions: int) -> None:
        self._client = client
        self._collection = collection
        try:
            if not client.collection_exists(collection):
                client.create_collection(
                    collection,
                    vectors_config={
                        DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE, datatype=models.Datatype.FLOAT16)
                    },
                    sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                )
                client.create_payload_index(
                    collection, "user", models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
                )
                for name in ("agent", "session"):
                    client.create_payload_index(collection, name, models.PayloadSchemaType.KEYWORD)
                client.create_payload_index(collection, "said_at", models.PayloadSchemaType.FLOAT)
        except Exception as error:  # the client raises what its HTTP library raises
            raise _failed("opened", error) from error

    def upsert(self, points: Sequence[Point]) -> None:
        try:
            for start in range(0, len(points), _AT_ONCE):
                self._client.upsert(self._collection, [_point(one) for one in points[start : start + _AT_ONCE]], wait=True)
        except Exception as error:
            raise _failed("written", error) from error

    def delete(self, seqs: Sequence[int]) -> None:
        try:
            self._client.delete(self._collection, models.PointIdsList(points=list(seqs)), wait=True)
        except Exception as error:
            raise _failed("written", error) from error

    def pool(self, request: PoolRequest) -> Pool:
        where = _filter(request.scope)
        dense = models.QueryRequest(query=request.dense.tolist(), using=DENSE, filter=where, limit=request.most)
        words = models.SparseVector(indices=list(request.indices), values=list(request.weights))
        sparse = models.QueryRequest(query=words, using=SPARSE, filter=where, limit=request.most)
        then = _filter(request.scope, request.windows)
        within = models.QueryRequest(query=request.dense.tolist(), using=DENSE, filter=then, limit=request.most_within)
        queries = {"dense": dense} | ({"sparse": sparse} if len(request.indices) else {}) | ({"within": within} if request.windows else {})
        try:
            found = self._client.query_batch_points(self._collection, list(queries.values()))
        except Exception as error:
            raise _failed("searched", error) from error
        scores = {name: {int(str(point.id)): point.score for point in one.points} for name, one in zip(queries, found, strict=True)}
        return Pool(scores["dense"], scores.get("sparse", {}), scores.get("within", {}))

    def count(self) -> int:
        try:
            return self._client.count(self._collection, exact=True).count
        except Exception as error:
            raise _failed("read", error) from error

    def flush(self) -> None:
        """The server has written what it acknowledged (`wait`)."""

    def optimize(self) -> None:
        """The server does so by itself."""

    def remove(self) -> None:
        try:
            self._client.delete_collection(self._collection)
            self._client.close()
        except Exception as error:
            raise _failed("removed", error) from error

    def close(self) -> None:
        self._client.close()


def connect(url: str, api_key: str | None, collection: str, *, dimensions: int) -> ServerIndex:
    """Raises `MemoryStoreError` where no server answers, or it does not let us in."""
    try:
        client = QdrantClient(url=url, api_key=api_key, timeout=_TIMEOUT)
    except Exception as error:
        raise _failed("opened", error) from error
    return ServerIndex(client, collection, dimensions=dimensions)


def _failed(what: str, error: Exception) -> MemoryStoreError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return MemoryStoreError(
        f"The index of memories on the Qdrant server could not be {what}: {reason}.", "Check ASSISTANT_MEMORY__QDRANT_URL and its API key."
    )


def _point(one: Point) -> models.PointStruct:
    vectors: dict[str, Any] = {DENSE: one.dense.tolist()}
    if len(one.indices):
        vectors[SPARSE] = models.SparseVector(indices=list(one.indices), values=list(one.weights))
    payload = {"user": one.scope.user, "agent": one.scope.agent, "session": one.scope.session, "said_at": one.said_at}
    return models.PointStruct(id=one.seq, vector=vectors, payload=payload)


def _filter(scope: Scope, windows: Sequence[tuple[float, float]] = ()) -> models.Filter:
    named = [("user", scope.user), *((name, value) for name, value in (("agent", scope.agent), ("session", scope.session)) if value)]
    must: list[Any] = [models.FieldCondition(key=name, match=models.MatchValue(value=value)) for name, value in named]
    times: list[Any] = [models.FieldCondition(key="said_at", range=models.Range(gte=since, lt=until)) for since, until in windows]
    return models.Filter(must=must, should=times or None)
