"""A Qdrant server of a few REST calls on 127.0.0.1, which can refuse, break and talk nonsense.

It stands on the client library's own in-memory engine, so that it finds what a server would find; the wire between is real.
"""

import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qdrant_client import QdrantClient, models

KEY = "let-me-in"

Route = Callable[["FakeQdrant", str, Any], object]


class FakeQdrant:
    """The collections of a server, and how it behaves."""

    def __init__(self, key: str = KEY) -> None:
        self.key = key
        self.url = ""
        self.indexed: dict[str, list[str]] = {}
        """Collection → fields of the payload that it has an index of."""
        self.requests: list[str] = []
        self.trouble: str | None = None
        """`500`: it fails; `cut`: it hangs up in the middle of an answer; `nonsense`, `nonsense in JSON`: it is some other server."""
        self.trouble_after = 0
        """So many more requests are answered first."""
        self.damaged = ""
        """A collection that cannot be used any more."""
        self._engine = QdrantClient(":memory:")
        self._one_at_a_time = threading.Lock()

    @property
    def collections(self) -> list[str]:
        return sorted(one.name for one in self._engine.get_collections().collections)

    def points(self, collection: str) -> int:
        return self._engine.count(collection, exact=True).count

    def answer(self, method: str, path: str, body: Any) -> tuple[int, object]:
        """(status, result)."""
        with self._one_at_a_time:
            self.requests.append(f"{method} {path}")
            for pattern, route in _ROUTES:
                if match := re.fullmatch(pattern, f"{method} {path}"):
                    name = match.group(1)
                    if name == self.damaged:
                        return 500, "Service internal error: the WAL is damaged"
                    if not pattern.startswith(("GET", "DELETE")) and pattern != _CREATE and not self._engine.collection_exists(name):
                        return 404, f"Not found: Collection `{name}` doesn't exist!"
                    return 200, route(self, name, body)
        return 404, "no such call"

    def exists(self, name: str, _: Any) -> object:
        return {"exists": self._engine.collection_exists(name)}

    def create(self, name: str, body: Any) -> object:
        wanted = models.CreateCollection.model_validate(body)
        return self._engine.create_collection(name, wanted.vectors, wanted.sparse_vectors)

    def index(self, name: str, body: Any) -> object:
        fields = self.indexed.setdefault(name, [])
        if body["field_name"] not in fields:
            fields.append(body["field_name"])
        return _DONE

    def upsert(self, name: str, body: Any) -> object:
        self._engine.upsert(name, models.PointsList.model_validate(body).points)
        return _DONE

    def delete(self, name: str, body: Any) -> object:
        self._engine.delete(name, models.PointIdsList.model_validate(body))
        return _DONE

    def query(self, name: str, body: Any) -> object:
        found = self._engine.query_batch_points(name, models.QueryRequestBatch.model_validate(body).searches)
        return [one.model_dump(mode="json") for one in found]

    def count(self, name: str, body: Any) -> object:
        return {"count": self.points(name)}

    def remove(self, name: str, _: Any) -> object:
        return self._engine.delete_collection(name)

    def in_trouble(self) -> str | None:
        """What goes wrong with the next request."""
        with self._one_at_a_time:
            if self.trouble is None or self.trouble_after > 0:
                self.trouble_after -= 1
                return None
            return self.trouble


_DONE = {"operation_id": 1, "status": "completed"}
_CREATE = "PUT /collections/([^/]+)"
_ROUTES: tuple[tuple[str, Route], ...] = (
    ("GET /collections/([^/]+)/exists", FakeQdrant.exists),
    (_CREATE, FakeQdrant.create),
    ("PUT /collections/([^/]+)/index", FakeQdrant.index),
    ("PUT /collections/([^/]+)/points", FakeQdrant.upsert),
    ("POST /collections/([^/]+)/points/delete", FakeQdrant.delete),
    ("POST /collections/([^/]+)/points/query/batch", FakeQdrant.query),
    ("POST /collections/([^/]+)/points/count", FakeQdrant.count),
    ("DELETE /collections/([^/]+)", FakeQdrant.remove),
)


@contextmanager
def serving(fake: FakeQdrant) -> Generator[FakeQdrant]:
    """`fake` at `fake.url`, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            trouble = fake.in_trouble()
            if trouble == "nonsense":
                self._say(200, b"<html>It works!</html>")
            elif trouble == "nonsense in JSON":
                self._say(200, b'{"result": "It works!"}')
            elif trouble == "cut":
                self._say(200, b'{"result": ', more=100)
            elif trouble:
                self._say(int(trouble), b'{"status": {"error": "out of disk"}}')
            elif self.headers.get("api-key") != fake.key:
                self._say(401, b"Invalid API key or JWT")
            else:
                status, result = fake.answer(self.command, self.path.partition("?")[0], json.loads(body or b"null"))
                told = {"result": result, "status": "ok"} if status == 200 else {"status": {"error": result}}
                self._say(status, json.dumps(told | {"time": 0.001}).encode())

        do_PUT = do_POST = do_DELETE = do_GET

        def _say(self, status: int, body: bytes, more: int = 0) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) + more))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = bool(more)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests say what they want to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
