"""Pulls that are killed, interrupted, raced against one another, or starved of disk."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from model_lab import NOISE, FolderSource, make_zip, model_table, sha256

from multimodal_assistant.models.manifest import load_manifest
from multimodal_assistant.models.store import ModelStore

PULLER = Path(__file__).with_name("puller.py")
PARTS: list[str | list[str]] = [["pypi:one==1:data", "pypi:two==1:data", "pypi:three==1:data"]]


@pytest.fixture
def wish(tmp_path: Path) -> dict[str, Any]:
    """A model of three parts, and a gate before the second."""
    shop = tmp_path / "shop"
    shop.mkdir()
    for number, name in enumerate(("one", "two", "three")):
        make_zip(shop / f"{name}-1", {"data": NOISE[number * 3000 : (number + 1) * 3000]})
    manifest = tmp_path / "manifest.toml"
    manifest.write_text(model_table("toy", {"model.bin": NOISE}, PARTS))
    os.mkfifo(tmp_path / "gate")
    home = tmp_path / "my home"
    return {"home": str(home), "manifest": str(manifest), "shop": str(shop), "gates": {"two": str(tmp_path / "gate")}}


@contextlib.contextmanager
def puller(wish: dict[str, Any]) -> Generator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, str(PULLER), json.dumps(wish)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the process ended without saying {text!r}")


def rest_of(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate()
    return output


def test_a_killed_pull_goes_on_where_it_stopped(wish: dict[str, Any]) -> None:
    with puller(wish) as first:
        read_until(first, "at the gate of two")
        first.send_signal(signal.SIGKILL)
        first.wait()
    home, registry = Path(wish["home"]), FolderSource(Path(wish["shop"]))
    assert registry.fetched == ["one", "two"]
    assert list((home / "models/blobs").iterdir()) == []

    store = ModelStore(home, load_manifest(Path(wish["manifest"])), None, {"pypi": registry})
    assert store.pull("toy") == ("model.bin",)
    assert registry.fetched == ["one", "two", "two", "three"]
    assert sha256((store.path("toy") / "model.bin").read_bytes()) == sha256(NOISE)
    assert not (home / "models/staging/toy").exists()


def test_two_pulls_at_once_fetch_once(wish: dict[str, Any]) -> None:
    with puller(wish) as first:
        read_until(first, "at the gate of two")
        with puller({**wish, "gates": {}}) as second:
            read_until(second, "another process is fetching toy; waiting for it")
            Path(wish["gates"]["two"]).write_bytes(b"")  # the gate opens
            assert "fetched 1" in rest_of(first)
            assert "fetched 0" in rest_of(second)
        assert (first.returncode, second.returncode) == (0, 0)
    assert FolderSource(Path(wish["shop"])).fetched == ["one", "two", "three"]


def test_ctrl_c_leaves_neither_half_a_blob_nor_a_child(wish: dict[str, Any], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    pip = (
        "import os, signal, sys\n"
        "print('Progress 1 of 10', flush=True)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "while True: signal.pause()\n"
    )
    with puller({**wish, "pip": [sys.executable, "-c", pip]}) as process:
        child = int((tmp_path / "pid").read_text())
        os.kill(child, 0)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
    models = Path(wish["home"]) / "models"
    assert list((models / "blobs").iterdir()) == []
    assert [path for path in models.rglob("*") if path.name.startswith("fetch-") or path.suffix == ".part"] == []


def test_a_disk_that_takes_no_more_is_one_sentence(wish: dict[str, Any]) -> None:
    with puller({**wish, "gates": {}, "limit": 6000}) as process:
        output = rest_of(process)
    assert process.returncode == 3
    assert "ModelError: The disk is full, or a limit on file sizes is reached" in output
    assert "Traceback" not in output
    models = Path(wish["home"]) / "models"
    assert list((models / "blobs").iterdir()) == []
    with puller({**wish, "gates": {}}) as process:
        assert "fetched 1" in rest_of(process)
    assert FolderSource(Path(wish["shop"])).fetched == ["one", "two", "three"]
