"""The page that is served is the one that its sources give."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
STATIC = Path(__file__).parents[2] / "src/multimodal_assistant/server/static"
NODE = shutil.which("node")


buildable = pytest.mark.skipif(NODE is None or not (WEB / "node_modules").is_dir(), reason="no Node, or `npm --prefix web ci` was not run")


@buildable
def test_building_it_again_gives_the_same_bytes(tmp_path: Path) -> None:
    assert NODE is not None
    subprocess.run([NODE, WEB / "build.mjs", tmp_path], check=True, timeout=50)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {path.name: path.read_bytes() for path in STATIC.iterdir()}


@buildable
def test_what_it_makes_of_the_events() -> None:
    assert NODE is not None
    done = subprocess.run([NODE, "--test", WEB / "test/conversation.test.mjs"], check=False, timeout=50, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_nobody_is_named_who_would_have_to_be_asked() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        said = {key: value for key, value in package.items() if key != "funding"}  # where its makers take donations
        assert "http" not in json.dumps(said), name
    for path in STATIC.iterdir():
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path.name
