"""A conversation that is asked what was in view before, from the frames of a film to the sound of the answer."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
import soundfile
from test_seeing import RATE, film, spoken

from multimodal_assistant.transports.pictures import picture_pixels

pytestmark = [pytest.mark.models, pytest.mark.timeout(240)]

_TALK = ("talk", "--llm", "smollm2-135m", "--voice", "joe")


def assistant(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process with a memory of its own."""
    own = {
        "ASSISTANT_CONFIG": "",
        "ASSISTANT_MEMORY__FOLDER": f"{folder / 'memory'}",
        "ASSISTANT_MEMORY__ENABLED": "true",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "multimodal_assistant", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=200, env=dict(os.environ) | own | variables, cwd=folder, check=False
    )


def answers(folder: Path, name: str, turns: str) -> list[str]:
    events = [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]
    assert not [event for event in events if event["type"] == "error"]
    return ["".join(one["delta"] for one in events if one["type"] == "reply.text" and one["turn"] == turn) for turn in turns]


def test_what_was_in_view_is_remembered_told_and_forgotten(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4", "chelsea", "coffee", seconds=10, tail=4)
    asked = ((15.0, "Where did you last see a cat?"), (22.0, "When did you last see an elephant?"))
    soundfile.write(tmp_path / "q.wav", anyio.run(lambda: spoken(*asked, seconds=26.0)), RATE)
    soundfile.write(tmp_path / "f.wav", anyio.run(lambda: spoken((1.0, "Forget what you have seen."), seconds=4.0)), RATE)
    on = {"ASSISTANT_VISION__REMEMBER": "true"}

    done = assistant(tmp_path, *_TALK, "--input", "q.wav", "--video", "film.mp4", "--events", "first.jsonl", **on)
    assert done.returncode == 0, done.stderr
    assert "What the camera sees is remembered for 7 days" in done.stdout + done.stderr
    where, elephant = answers(tmp_path, "first.jsonl", "12")
    assert "I saw a cat" in where
    assert where.endswith(("just now.", "a minute ago."))
    assert elephant == "I have not seen an elephant."
    (saves,) = re.findall(r"\[its picture, afterwards: assistant (.*)\]", done.stdout)
    assert assistant(tmp_path, *shlex.split(saves)).returncode == 0
    assert picture_pixels((tmp_path / "seen.jpg").read_bytes()).shape == (214, 320, 3)
    kept = json.loads(assistant(tmp_path, "memory", "visual", "list", "--json").stdout)
    assert {thing["label"] for view in kept for thing in view["things"]} >= {"cat", "cup"}

    done = assistant(tmp_path, *_TALK, "--input", "f.wav", "--events", "second.jsonl", **on)
    assert done.returncode == 0, done.stderr
    assert answers(tmp_path, "second.jsonl", "1")[0].startswith("I forget what I have seen:")
    assert json.loads(assistant(tmp_path, "memory", "visual", "list", "--json").stdout) == []


def test_nothing_is_kept_unless_it_is_wanted(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4", "chelsea", seconds=3, tail=1)
    soundfile.write(tmp_path / "q.wav", anyio.run(lambda: spoken((1.0, "What do you see?"), seconds=4.0)), RATE)
    done = assistant(tmp_path, *_TALK, "--input", "q.wav", "--video", "film.mp4", "--events", "first.jsonl")
    assert done.returncode == 0, done.stderr
    assert "remembered" not in done.stdout + done.stderr
    assert not (tmp_path / "memory" / "visual").exists()
