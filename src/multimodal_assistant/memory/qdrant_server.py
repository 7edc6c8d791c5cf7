"""The index on a Qdrant server, for several machines or millions of notes. It gets numbers and scopes; the words stay in the log."""

import contextlib
import logging
from collections.abc import Generator, Sequence
from ipaddress import ip_address
from json import JSONDecodeError
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from multimodal_assistant.core.errors import IndexDamaged, MemoryStoreError

from .index import DENSE, SPARSE, Point, Pool, PoolRequest
from .note import Scope

log = logging.getLogger(__name__)

_TIMEOUT = 10  # seconds
_AT_ONCE = 256


class ServerIndex:
    """One collection, opened or made. client: of the server, closed with the index; dimensions: of the dense vectors.

    The server has to be of version 1.19 or later: it is asked how rare a word is among the notes of one user.
    """

    def __init__(self, client: QdrantClient, collection: str, *, dimensions: int) -> None:
        self._client = client
        self._collection = collection
        try:
            with _told("opened"):
                if not client.collection_exists(collection):
                    client.create_collection(
                        collection,
                        vectors_config={
                            DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE, datatype=models.Datatype.FLOAT16)
                        },
                        sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                    )
                self._index_payloads()
        except MemoryStoreError:
            client.close()
            raise

    def _index_payloads(self) -> None:
        """Each time: a process that ended right after it made the collection has left some out, and the server has the others already."""
        user = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        self._client.create_payload_index(self._collection, "user", user)
        for name in ("agent", "session"):
            self._client.create_payload_index(self._collection, name, models.PayloadSchemaType.KEYWORD)
        self._client.create_payload_index(self._collection, "said_at", models.PayloadSchemaType.FLOAT)

    def upsert(self, points: Sequence[Point]) -> None:
        with _told("written"):
            for start in range(0, len(points), _AT_ONCE):
                self._client.upsert(self._collection, [_point(one) for one in points[start : start + _AT_ONCE]], wait=True)

    def delete(self, seqs: Sequence[int]) -> None:
        if not seqs:
            return
        with _told("written"):
            self._client.delete(self._collection, models.PointIdsList(points=list(seqs)), wait=True)

    def pool(self, request: PoolRequest) -> Pool:
        where = _filter(request.scope)
        dense = models.QueryRequest(query=request.dense.tolist(), using=DENSE, filter=where, limit=request.most)
        words = models.SparseVector(indices=list(request.indices), values=list(request.weights))
        sparse = models.QueryRequest(
            query=words,
            using=SPARSE,
            filter=where,
            limit=request.most,
            # how rare a word is, among this user's notes: those of others would shift it, and tell what is in them
            params=models.SearchParams(idf=models.IdfCorpusParams(corpus=_filter(Scope(request.scope.user)))),
        )
        then = _filter(request.scope, request.windows)
        within = models.QueryRequest(query=request.dense.tolist(), using=DENSE, filter=then, limit=request.most_within)
        queries = {"dense": dense} | ({"sparse": sparse} if len(request.indices) else {}) | ({"within": within} if request.windows else {})
        with _told("searched"):
            found = self._client.query_batch_points(self._collection, list(queries.values()))
            scores = {name: {int(str(point.id)): point.score for point in one.points} for name, one in zip(queries, found, strict=True)}
        return Pool(scores["dense"], scores.get("sparse", {}), scores.get("within", {}))

    def count(self) -> int:
        with _told("read"):
            return self._client.count(self._collection, exact=True).count

    def flush(self) -> None:
        """The server has written what it acknowledged (`wait`)."""

    def optimize(self) -> None:
        """The server does so by itself."""

    def remove(self) -> None:
        try:
            with _told("removed"):
                self._client.delete_collection(self._collection)
        finally:
            self._client.close()

    def close(self) -> None:
        self._client.close()


def connect(url: str, api_key: str | None, collection: str, *, dimensions: int) -> ServerIndex:
    """Raises `MemoryStoreError` where no server answers, or it does not let us in."""
    with _told("opened"):
        place = urlsplit(url if "//" in url else f"//{url}")
        if api_key and place.scheme != "https" and not _is_here(place.hostname or ""):
            log.warning("the API key of the Qdrant server goes to %s unencrypted: anybody on the way can read it", place.hostname)
        # As a header, because the client warns of an `api_key` without encryption even where it never leaves this machine; and without the
        # look at the server's version, which the client takes on a thread of its own, to warn on the terminal when no server answers.
        headers = {"api-key": api_key} if api_key else None
        client = QdrantClient(url=url, headers=headers, timeout=_TIMEOUT, check_compatibility=False)
    return ServerIndex(client, collection, dimensions=dimensions)


def _is_here(host: str) -> bool:
    """Whether what goes to that host stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def _told(what: str) -> Generator[None]:
    """Whatever goes wrong inside is a `MemoryStoreError`: the client raises its own errors, those of libraries below it, and plain ones."""
    try:
        yield
    except Exception as error:
        raise _kind(error)(
            f"The index of memories on the Qdrant server could not be {what}: {_reason(error)}.",
            "Check ASSISTANT_MEMORY__QDRANT_URL and its API key.",
        ) from error


def _kind(error: Exception) -> type[MemoryStoreError]:
    """Damaged is what the server has and cannot use; from one that does not answer, or lets nobody in, a new index would come no better."""
    return IndexDamaged if isinstance(error, UnexpectedResponse) and error.status_code in {400, 404, 500} else MemoryStoreError


def _reason(error: Exception) -> str:
    """In one line."""
    match error:
        case UnexpectedResponse(status_code=401 | 403):
            return "it does not accept the API key"
        case UnexpectedResponse():
            return f"it answered {error.status_code} {error.reason_phrase}".rstrip()
        case JSONDecodeError() | ValidationError() | ResponseHandlingException(source=ValidationError()):
            return "what it answered is nothing that a Qdrant server would answer"
        case ResponseHandlingException(source=source):
            return f"no answer ({_first_line(source)})"
        case _:
            return _first_line(error)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


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
