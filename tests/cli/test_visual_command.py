"""`assistant memory visual` as a user meets it, with real weights and photographs."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.photo_lab import place

pytestmark = [pytest.mark.models, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Shell:
    """Commands on a memory of their own."""

    folder: Path

    def run(self, *arguments: object, code: int = 0, answers: str = "", **variables: str) -> str:
        """What the command prints; what it complains of, where it fails."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSISTANT_MEMORY", "ASSISTANT_VISION"))}
        environment = kept | {
            "ASSISTANT_MEMORY__FOLDER": f"{self.folder / 'memory'}",
            "ASSISTANT_CONFIG": "",
            "COLUMNS": "200",
            "TZ": "UTC",
        }
        command = [sys.executable, "-m", "multimodal_assistant", "memory", "visual", *map(str, arguments)]
        done = subprocess.run(
            command,
            input=answers,
            capture_output=True,
            text=True,
            env=environment | variables,
            cwd=self.folder,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "mistake in the program" not in done.stderr
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *arguments: object) -> Any:
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_life_of_views(shell: Shell) -> None:
    assert "There is none." in shell.run("list")
    cat, tools = shell.json("add", place("chelsea"), place("tools"))
    assert [thing["label"] for thing in cat["things"]] == ["cat"]
    (cup,) = shell.json("add", place("coffee"), "--caption", "Grandmother's porcelain.")
    assert [one["id"] for one in shell.json("list")] == [cup["id"], tools["id"], cat["id"]]
    assert [(one["id"], one["why"]) for one in shell.json("search", "kitten")] == [(cat["id"], "seen")]
    assert [(one["id"], one["why"]) for one in shell.json("search", "porcelain")] == [(cup["id"], "words")]
    assert shell.json("search", "hammer")[0]["id"] == tools["id"]
    assert shell.json("search", "elephant") == []
    assert len(shell.json("search", "elephant", "--all")) == 3
    assert shell.json("search", "cat", "--since", "2999-01-01T00:00") == []
    assert "cat" in shell.run("search", "my cat")
    assert "It has not been seen." in shell.run("search", "my dog")

    shown = shell.run("show", cat["id"], "--out", "cat.jpg")
    assert "saved: cat.jpg" in shown
    assert (shell.folder / "cat.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    stats = shell.json("stats")
    assert (stats["views"], stats["keep_days"], stats["most_views"]) == (3, 7.0, 2000)

    assert shell.json("list", "--user", "ben") == []
    assert "3 views are gone" not in shell.run("forget", "--all", answers="n\n")
    assert "1 view is gone." in shell.run("forget", cup["id"], "--yes")
    assert shell.json("forget", "--since", "2000-01-01T00:00", "--yes") == {"forgotten": 2}
    assert "0 views are gone." in shell.run("forget", "--all", "--yes")
    kept = [path for path in (shell.folder / "memory" / "visual").rglob("*") if path.is_file()]
    assert {path.name for path in kept} <= {"lock", "views.sqlite3", "views.sqlite3-wal", "views.sqlite3-shm"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "99"), "There is no view 99."),
        (("forget", "99", "--yes"), "There is no view 99."),
        (("forget",), "Say what is to be forgotten"),
        (("forget", "1", "--all"), "Say what is to be forgotten"),
        (("list", "--since", "yesterday"), "'yesterday' is no time."),
        (("add", "nothing.jpg"), "There is no file nothing.jpg."),
        (("add", "text.jpg"), "text.jpg is not a picture"),
        (("add", "text.jpg", "--time", "2999-01-01T00:00"), "is yet to come"),
        (("list", "--user", " "), "a user"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    (shell.folder / "text.jpg").write_text("This is no picture.")
    code = 0 if arguments[0] == "list" and "--user" in arguments else 2
    if code == 0:
        assert "There is none." in shell.run(*arguments)
        return
    complaint = shell.run(*arguments, code=code)
    assert told in complaint
    assert len(complaint.strip().splitlines()) <= 2


@pytest.mark.parametrize("arguments", [("show", "many"), ("show", "-3"), ("show", "9" * 30), ("search", "x", "-k", "0"), ("add",)])
def test_what_is_no_argument_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert "Error" in shell.run(*arguments, code=2)


def test_what_is_older_than_anything_kept_is_said_to_be(shell: Shell) -> None:
    assert "longer ago than anything is kept: 7 days" in shell.run("add", place("chelsea"), "--time", "2001-01-01T00:00", code=2)
    assert "There is no folder" in shell.run("search", "cat", code=3, ASSISTANT_VISION__CLIP="/nowhere")
    assert "There is none." in shell.run("list", ASSISTANT_VISION__CLIP="/nowhere")
    assert "vision.keep_days" in shell.run("list", code=2, ASSISTANT_VISION__KEEP_DAYS="0")
    assert "vision.most_views" in shell.run("list", code=2, ASSISTANT_VISION__MOST_VIEWS="0")
