"""`assistant memory` as a user meets it, with the real embedding model."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from multimodal_assistant.app import settings_from, store_of

pytestmark = [pytest.mark.models, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Shell:
    """Commands on memories of their own."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    def run(self, *arguments: object, code: int = 0, answers: str = "") -> str:
        """What the command prints; what it complains of, where it fails."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSISTANT_MEMORY")}
        environment = kept | {
            "ASSISTANT_MEMORY__FOLDER": str(self.folder / "memory"),
            "ASSISTANT_CONFIG": "",
            "COLUMNS": "200",
            **self.variables,
        }
        command = [sys.executable, "-m", "multimodal_assistant", "memory", *map(str, arguments)]
        done = subprocess.run(
            command, input=answers, capture_output=True, text=True, env=environment, cwd=self.folder, timeout=60, check=False
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *arguments: object) -> Any:
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_life_of_memories(shell: Shell) -> None:
    added = shell.json("add", "My sister Anna moved to Porto last spring.", "--time", "2026-05-01T10:00")
    assert added["content"] == "My sister Anna moved to Porto last spring."
    shell.run("add", "My favourite colour is blue.", "--time", "2026-05-02T10:00")
    newer = shell.json("add", "My favourite colour is green now.", "--time", "2026-05-03T10:00")

    found = shell.json("search", "Where does my sister live?", "-k", 1)
    assert [hit["content"] for hit in found["hits"]] == [added["content"]]
    unknown = shell.json("search", "Who painted the ceiling?", "-k", 1)
    assert found["confidence"] > unknown["confidence"]

    colours = shell.json("search", "What is my favourite colour?", "-k", 2)
    assert [hit["content"].split()[-1] for hit in colours["hits"]] == ["now.", "blue."]
    assert colours["hits"][1]["superseded_by"] == newer["id"]
    assert "rule: correction" in shell.run("history", colours["hits"][1]["id"])
    assert "2 changes were taken back" in shell.run("revert", colours["hits"][1]["id"], "--steps", 2)

    listed = shell.run("list").splitlines()
    assert len(listed) == 3
    assert "green" in listed[0]
    assert "Porto" in shell.run("show", added["id"])
    stats = shell.json("stats")
    assert (stats["notes"], stats["indexed"], stats["waiting_jobs"]) == (3, 3, 0)
    assert "holds 3 memories" in shell.run("rebuild")

    assert "3 memories are in" in shell.run("export", "all.jsonl")
    assert shell.run("export", "-") == shell.run("export") == (shell.folder / "all.jsonl").read_text("utf-8")
    assert "3 memories were taken over" in shell.run("import", "all.jsonl", "--user", "ben")
    assert "0 memories were taken over" in shell.run("import", "all.jsonl", "--user", "ben")
    assert "2 memories are gone" in shell.run("forget", "colour", answers="y\n")
    assert "0 memories are gone" in shell.run("forget", "Porto", answers="n\n")
    assert len(shell.run("list").splitlines()) == 1
    assert len(shell.run("list", "--user", "ben").splitlines()) == 3


def test_the_graph_is_a_page(shell: Shell) -> None:
    shell.run("add", "My dog Rex has a sore paw.")
    assert "drawn in graph.html" in shell.run("graph", "--out", "graph.html")
    assert "sore paw" in (shell.folder / "graph.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("show", "nowhere"), 2, "There is no memory 'nowhere'."),
        (("forget",), 2, "Say what is to be forgotten."),
        (("add", ""), 2, "A memory needs words."),
        (("export", "nowhere/all.jsonl"), 2, "nowhere/all.jsonl cannot be written: No such file or directory."),
        (("add", "x", "--time", "yesterday"), 2, "'yesterday' is no time."),
        (("import", "nothing.json"), 2, "nothing.json cannot be read"),
        (("list", "--user", " "), 2, "belongs to a user"),
    ],
)
def test_what_cannot_be_done_is_said(shell: Shell, arguments: tuple[str, ...], code: int, problem: str) -> None:
    assert problem in shell.run(*arguments, code=code)


TALK = {
    "sample_id": "tiny",
    "conversation": {
        "speaker_a": "Anna",
        "speaker_b": "Ben",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Anna", "dia_id": "D1:1", "text": "I adopted a puppy called Rex last week."},
            {"speaker": "Ben", "dia_id": "D1:2", "text": "I am learning to play the cello."},
            {"speaker": "Anna", "dia_id": "D1:3", "text": "The weather has been awful."},
        ],
    },
    "qa": [
        {"question": "What is the name of Anna's puppy?", "answer": "Rex", "evidence": ["D1:1"], "category": 4},
        {"question": "Which instrument does Ben learn?", "answer": "the cello", "evidence": ["D1:2"], "category": 4},
        {"question": "What is the name of Ben's puppy?", "adversarial_answer": "Rex", "evidence": ["D1:1"], "category": 5},
    ],
}
"""A conversation in the shape of LoCoMo's file."""


def test_retrieval_is_measured_on_a_file_of_locomo(shell: Shell) -> None:
    (shell.folder / "locomo.json").write_text(json.dumps([TALK]))
    report = shell.json("bench", "--locomo", "locomo.json")
    assert report["recall_at_10"] == {"4": 1.0, "1-4": 1.0, "all": 1.0}
    assert report["mrr"]["1-4"] == 1.0
    assert {"recall_at_5", "ndcg_at_10", "rejection_auc"} <= set(report)
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p99"]
    assert "2 questions that have an answer" in shell.run("bench", "--locomo", "locomo.json")
    assert not (shell.folder / "memory").exists(), "a measurement touches nobody's memories"
    for text, problem in (("[]", "no question"), ("not json", "not a file of LoCoMo"), ('{"a": 1}', "not a file of LoCoMo")):
        (shell.folder / "bad.json").write_text(text)
        assert problem in shell.run("bench", "--locomo", "bad.json", code=2)


def test_another_embedding_model_in_a_folder_embeds_everything_again(shell: Shell, tmp_path: Path) -> None:
    """The same weights under another name stand for another model: what the program does is the same."""
    shell.run("add", "My sister Anna moved to Porto last spring.")
    folder = tmp_path / "model"
    folder.mkdir()
    for file in store_of(settings_from()).path("minilm").iterdir():
        (folder / file.name).symlink_to(file)
    other = Shell(shell.folder, {"ASSISTANT_MEMORY__EMBEDDER": str(folder)})
    assert "Porto" in other.run("search", "Where does my sister live?")
    assert "is not there" in Shell(shell.folder, {"ASSISTANT_MEMORY__EMBEDDER": str(tmp_path)}).run("list", code=3)
