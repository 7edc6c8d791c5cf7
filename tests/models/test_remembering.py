"""Two conversations on real models: what was said in the first one is known in the second, and can be forgotten by voice."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import soundfile
from speech_lab import kokoro_voice, say, words

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.types import Samples

pytestmark = [pytest.mark.models, pytest.mark.timeout(240)]


async def spoken(*sentences: str) -> Samples:
    """The user's side, with time for an answer after each sentence."""
    voice = kokoro_voice("af_heart")
    parts = [np.zeros(SPEECH_RATE // 2, np.float32)]
    for sentence in sentences:
        parts += [(await say(voice, sentence)).samples, np.zeros(6 * SPEECH_RATE, np.float32)]
    await voice.aclose()
    return np.concatenate(parts)


def talk(folder: Path, name: str, *sentences: str) -> tuple[list[dict[str, Any]], list[str]]:
    """A conversation in a process of its own; its events, and the answers."""
    soundfile.write(str(folder / f"{name}.wav"), anyio.run(spoken, *sentences), SPEECH_RATE)
    command = ["talk", "--input", f"{name}.wav", "--events", f"{name}.jsonl", "--voice", "joe"]
    run(folder, *command)
    events = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
    assert not [event for event in events if event["type"] == "error"]
    turns = [str(turn) for turn in range(1, len(sentences) + 1)]
    return events, ["".join(one["delta"] for one in events if one["type"] == "reply.text" and one["turn"] == turn) for turn in turns]


def run(folder: Path, *arguments: str) -> str:
    own = {"ASSISTANT_CONFIG": "", "ASSISTANT_MEMORY__FOLDER": str(folder / "memory"), "ASSISTANT_MEMORY__ENABLED": "true"}
    environment = dict(os.environ) | own | {"ASSISTANT_LLM__MAX_TOKENS": "24", "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "multimodal_assistant", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_what_was_said_once_is_known_later_until_it_is_forgotten(tmp_path: Path) -> None:
    talk(tmp_path, "monday", "My sister's name is Anna.")
    kept = json.loads(run(tmp_path, "memory", "list", "--json"))
    assert any("sister" in words(note["content"]) and "anna" in words(note["content"]) for note in kept if note["source"] == "user")

    events, answers = talk(tmp_path, "tuesday", "What is my sister's name?", "Forget what I said about my sister.")
    assert "anna" in words(answers[0])
    recall = [event["stages"]["recall"] for event in events if event["type"] == "turn.metrics"]
    assert all(milliseconds is not None and milliseconds < 80 + 20 for milliseconds in recall)
    left = [words(note["content"]) for note in json.loads(run(tmp_path, "memory", "list", "--json"))]
    assert not [note for note in left if "sister" in note]
