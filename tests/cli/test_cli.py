"""The command line as a user meets it: a process, its exit code and what it prints."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from multimodal_assistant.cli import COMMANDS

HEAVY = ("numpy", "rich", "pydantic", "onnxruntime", "ctranslate2", "faster_whisper", "xllamacpp", "soundfile", "ollama", "openai", "httpx")


@dataclass(frozen=True)
class Run:
    """A finished command."""

    code: int
    out: str
    err: str


Command = Callable[..., Run]


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASSISTANT_")}
    return {**kept, "ASSISTANT_HOME": str(home / "home"), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home / "data"), **more}


@pytest.fixture
def assistant(tmp_path: Path) -> Command:
    """Runs the command in an empty folder with an empty home."""

    def run(*arguments: str, variables: Mapping[str, str] | None = None) -> Run:
        command = [sys.executable, "-m", "multimodal_assistant", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(tmp_path, **(variables or {})), cwd=tmp_path, check=False
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_help_lists_every_command(assistant: Command, arguments: list[str]) -> None:
    run = assistant(*arguments)
    assert (run.code, run.err) == (0, "")
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in run.out
        assert line in run.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_is_listed_exists_and_explains_itself(assistant: Command, command: str) -> None:
    run = assistant(command, "--help")
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("Usage: ")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["ask", "--help"]])
def test_help_imports_no_heavy_library(arguments: list[str], tmp_path: Path) -> None:
    program = f"""
import json, sys
from multimodal_assistant.cli import main
sys.argv = ["assistant", *{arguments!r}]
try:
    main()
except SystemExit as end:
    print("\\n" + json.dumps([end.code, [name for name in {HEAVY!r} if name in sys.modules]]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment(tmp_path), check=True)
    code, imported = json.loads(done.stdout.splitlines()[-1])
    allowed = {"numpy"} if arguments[0] == "ask" else set[str]()
    assert (code, set(imported) - allowed) == (0, set())


def test_version(assistant: Command) -> None:
    run = assistant("--version")
    assert run.code == 0
    assert run.out.startswith("assistant, version ")


@pytest.mark.parametrize(
    "arguments",
    [["talkk"], ["ask", "--no-such-flag"], ["ask", "--threads", "many"], ["ask", "--profile", "quick"], ["ask", "a.wav", "b.wav"]],
)
def test_a_wrong_command_or_flag_is_an_error_of_use_without_a_traceback(assistant: Command, arguments: list[str]) -> None:
    run = assistant(*arguments)
    assert (run.code, run.out) == (2, "")
    assert "Traceback" not in run.err
    errors = [line for line in run.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert any(word.lstrip("-") in errors[0] for word in arguments[-2:])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["ask"], "Give either a recording or --text."),
        (["ask", "question.wav", "--text", "Hi"], "Give either a recording or --text."),
        (["ask", "--text", "   "], "The question in --text is empty."),
        (["ask", "question.wav"], "There is no file question.wav."),
        (["ask", "--text", "Hi", "--out", "no/such/answer.wav"], "There is no folder no/such to write answer.wav into."),
        (["ask", "--text", "Hi", "--voice", "scripted", "--stt", "bse"], "There is no speech recognition model 'bse'."),
    ],
)
def test_a_request_that_makes_no_sense_is_one_sentence_and_a_remedy(assistant: Command, arguments: list[str], problem: str) -> None:
    run = assistant(*arguments, variables={"ASSISTANT_LLM__MODEL": "scripted"})
    assert (run.code, run.out) == (2, "")
    first, second = run.err.splitlines()
    assert first == f"assistant: {problem}"
    assert second.startswith("  ")


def test_a_wrong_setting_is_named(assistant: Command) -> None:
    run = assistant("ask", "--text", "Hi", variables={"ASSISTANT_TTS__SPEED": "9"})
    assert run.code == 2
    assert run.err.startswith("assistant: The setting tts.speed is wrong: ")
    assert len(run.err.splitlines()) == 2


def test_a_missing_model_is_exit_3_with_the_command_that_fetches_it(assistant: Command) -> None:
    run = assistant("ask", "--text", "Hi", "--llm", "qwen2.5-0.5b")
    assert (run.code, run.out) == (3, "")
    assert "Run: assistant models pull qwen2.5-0.5b" in run.err
    assert len(run.err.splitlines()) == 2


def test_a_question_in_writing_is_answered_with_scripted_engines(assistant: Command, tmp_path: Path) -> None:
    run = assistant("ask", "--text", "Hi", "--llm", "scripted", "--voice", "scripted", "--stt", "scripted")
    assert run.code == 0
    assert "I hear you." in run.out
    assert (tmp_path / "answer.wav").is_file()


_BUG = """
import sys
from multimodal_assistant import cli
from multimodal_assistant.cli import main

class Broken(cli.LazyGroup):
    def get_command(self, ctx, cmd_name):
        raise ZeroDivisionError("by nought")

cli.assistant.__class__ = Broken
sys.argv = ["assistant", "ask"]
main()
"""


def test_a_bug_is_exit_70_in_two_lines(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _BUG], capture_output=True, text=True, env=environment(tmp_path), check=False)
    assert (done.returncode, done.stdout) == (70, "")
    first, second = done.stderr.splitlines()
    assert first == "assistant: a mistake in the program: ZeroDivisionError: by nought"
    assert "ASSISTANT_DEBUG=1" in second


def test_a_bug_shows_where_it_is_when_asked(tmp_path: Path) -> None:
    variables = environment(tmp_path, ASSISTANT_DEBUG="1")
    done = subprocess.run([sys.executable, "-c", _BUG], capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.rstrip().endswith("ZeroDivisionError: by nought")
