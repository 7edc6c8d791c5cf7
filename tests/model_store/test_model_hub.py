"""The hub's own client against a small server that speaks its protocol."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from model_lab import make_zip, model_table, sha256

from multimodal_assistant.models.hub import PROBE_SECONDS, HubSource

DATA = bytes(range(256)) * (48 << 12)
"""50 MB: the client writes 10 MB at a time."""
HALF = len(DATA) // 2
PULLER = Path(__file__).with_name("puller.py")


class Hub(ThreadingHTTPServer):
    """One repository with one file; sends half of it and stops when told to."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubRequest)
        self.ranges: list[str | None] = []
        self.probes = 0
        self.stop_at_half = False
        self.half_sent = threading.Event()
        self.release = threading.Event()


class HubRequest(BaseHTTPRequestHandler):
    server: Hub  # type: ignore[assignment]  # narrower than the base class says

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        if self.path == "/":
            self.server.probes += 1
        if self.path != "/owner/repo/resolve/main/sub/model.bin":
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        wanted = self.headers.get("Range") if body else None
        start = int(match[1]) if wanted and (match := re.match(r"bytes=(\d+)-", wanted)) else 0
        self.send_response(200 if not start else 206 if start < len(DATA) else 416)
        self.send_header("ETag", f'"{sha256(DATA)}"')
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        if body:
            self.server.ranges.append(wanted)
            self.send_file(start)

    def send_file(self, start: int) -> None:
        if self.server.stop_at_half:
            for sent in range(start, HALF, 1 << 20):
                self.wfile.write(DATA[sent : min(HALF, sent + (1 << 20))])
            self.wfile.flush()
            self.server.half_sent.set()
            self.server.release.wait(30)
            return
        self.wfile.write(DATA[start:])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Generator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def wish(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "shop").mkdir()
    manifest = tmp_path / "manifest.toml"
    manifest.write_text(model_table("toy", {"sub/model.bin": DATA}, ["hf:owner/repo@main:{path}", "pypi:one==1:model.bin"]))
    return {"home": str(tmp_path / "my home"), "manifest": str(manifest), "shop": str(tmp_path / "shop"), "hub": True}


def start(wish: dict[str, Any], endpoint: str) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "*"}
    return subprocess.Popen([sys.executable, str(PULLER), json.dumps(wish)], stdout=subprocess.PIPE, text=True, env=environment)


def run(wish: dict[str, Any], endpoint: str) -> str:
    with start(wish, endpoint) as process:
        return process.communicate()[0]


def endpoint_of(hub: Hub) -> str:
    return f"http://127.0.0.1:{hub.server_port}"


def test_a_file_comes_from_the_hub(wish: dict[str, Any], hub: Hub) -> None:
    assert "fetched 1" in run(wish, endpoint_of(hub))
    assert (Path(wish["home"]) / "models/toy/sub/model.bin").read_bytes() == DATA
    assert hub.ranges == [None]
    assert hub.probes == 1


def test_a_killed_download_goes_on_where_it_stopped(wish: dict[str, Any], hub: Hub) -> None:
    hub.stop_at_half = True
    staging = Path(wish["home"]) / "models/staging"
    with start(wish, endpoint_of(hub)) as process:
        assert hub.half_sent.wait(30)
        deadline = time.monotonic() + 30
        while not any(path.stat().st_size for path in staging.rglob("*.partial")) and time.monotonic() < deadline:
            hub.release.wait(0.01)
        process.kill()
    hub.stop_at_half = False
    hub.release.set()
    assert "fetched 1" in run(wish, endpoint_of(hub))
    assert (Path(wish["home"]) / "models/toy/sub/model.bin").read_bytes() == DATA
    assert hub.ranges[0] is None
    assert re.fullmatch(r"bytes=[1-9]\d*-", hub.ranges[1] or "")
    assert len(hub.ranges) == 2


def test_a_download_killed_after_its_last_byte_is_finished(wish: dict[str, Any], hub: Hub) -> None:
    place = Path(wish["home"]) / "models/staging/toy/hf--owner--repo--main/sub/model.bin.partial"
    place.parent.mkdir(parents=True)
    place.write_bytes(DATA)
    assert "fetched 1" in run(wish, endpoint_of(hub))
    assert hub.ranges == [f"bytes={len(DATA)}-"]


def test_what_the_hub_does_not_have_is_a_reason_and_the_next_source_is_asked(wish: dict[str, Any], hub: Hub, tmp_path: Path) -> None:
    Path(wish["manifest"]).write_text(model_table("toy", {"model.bin": DATA}, ["hf:owner/repo@main:{path}", "pypi:one==1:model.bin"]))
    make_zip(tmp_path / "shop/one-1", {"model.bin": DATA})
    output = run(wish, endpoint_of(hub))
    assert "not from hf owner/repo main: the hub answered 404 (" in output
    assert "fetched 1" in output


def test_a_hub_out_of_reach_costs_little_and_is_asked_once(wish: dict[str, Any], tmp_path: Path) -> None:
    files = {f"{number}.bin": str(number).encode() for number in range(20)}
    Path(wish["manifest"]).write_text(model_table("toy", files, ["hf:owner/repo@main:{path}", "pypi:one==1:{path}"]))
    make_zip(tmp_path / "shop/one-1", files)
    started = time.monotonic()
    output = run(wish, "http://127.0.0.1:9")
    assert "fetched 20" in output
    assert output.count("the hub cannot be reached") == 1
    assert time.monotonic() - started < 10  # its client alone would repeat each of the 20 requests for 23 s


def test_a_hub_that_never_answers_is_given_up(wish: dict[str, Any], tmp_path: Path) -> None:
    import socket

    make_zip(tmp_path / "shop/one-1", {"sub/model.bin": DATA, "model.bin": DATA})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        output = run(wish, f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - started < PROBE_SECONDS + 10
    assert "fetched 1" in output
    assert "the hub " in output


def test_the_hub_is_not_asked_when_it_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert HubSource().obstacle() == "HF_HUB_OFFLINE is set"
