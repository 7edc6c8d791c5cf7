"""`assistant ask` in a process of its own, with nothing of this machine's settings but the model store."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from multimodal_assistant.core.types import Samples

QUESTION = Path(__file__).parents[2] / "samples" / "question.wav"
FAST = ("--llm", "smollm2-135m", "--voice", "joe")
COMMAND = (sys.executable, "-m", "multimodal_assistant", "ask")
DEADLINE_SECONDS = 170


@dataclass(frozen=True)
class Run:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        (line,) = self.out.splitlines()
        return json.loads(line)


@dataclass(frozen=True)
class Place:
    """Where a command runs: a folder of its own for the answer, and one for temporary files."""

    folder: Path
    scratch: Path

    @property
    def out(self) -> Path:
        return self.folder / "answer.wav"

    def environment(self, **more: str) -> dict[str, str]:
        """No network names, no Ollama, no settings file; temporary files where they can be counted."""
        mine = ("ASSISTANT_LLM", "ASSISTANT_STT", "ASSISTANT_TTS", "ASSISTANT_PROFILE", "ASSISTANT_DEBUG", "FORCE_COLOR")
        config = self.folder / "settings.toml"
        config.touch()
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(mine)},
            "ASSISTANT_CONFIG": str(config),
            "ASSISTANT_LLM__OLLAMA_HOST": "http://127.0.0.1:9",
            "HF_HUB_OFFLINE": "1",
            "TMPDIR": str(self.scratch),
            "COLUMNS": "200",
            **more,
        }

    def ask(self, *arguments: object, before: Sequence[str] = (), **environment: str) -> Run:
        """Run to the end. No failure shows a traceback, and temporary files are gone afterwards."""
        command = [*before, *COMMAND, *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment(**environment),
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert self.left_behind() == []
        return Run(done.returncode, done.stdout, done.stderr)

    def left_behind(self) -> list[str]:
        """Files of ours that should not be there any more."""
        return [path.name for path in self.scratch.glob("assistant-*")] + [
            path.name for path in self.folder.iterdir() if path.suffix == ".part"
        ]

    @contextmanager
    def started(self, *arguments: object, **environment: str) -> "Generator[subprocess.Popen[str]]":
        """A process to be interrupted; whatever happens, nothing of its group survives the block."""
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment(**environment),
            start_new_session=True,
        )
        try:
            with process:
                yield process
        finally:
            if group(process.pid):
                os.killpg(process.pid, signal.SIGKILL)


def group(leader: int) -> list[int]:
    """Processes of the group that `leader` began."""
    members: list[int] = []
    for pid in psutil.pids():
        try:
            if os.getpgid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                members.append(pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


def hiss(seconds: float, rate: int = 16_000) -> Samples:
    return (0.05 * np.random.default_rng(3).standard_normal(round(seconds * rate))).astype(np.float32)


def wav_header(rate: int, sound_bytes: int) -> bytes:
    """A 16-bit mono WAV up to its sound."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + sound_bytes, b"WAVE") + form + struct.pack("<4sI", b"data", sound_bytes)


def bad_input(kind: str, folder: Path) -> Path:
    """A file that is no question."""
    path = folder / f"{kind.replace(' ', '-')}.wav"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("What is the capital of France?\n" * 20)
    elif kind == "cut short":
        whole = QUESTION.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "header only":
        path.write_bytes(wav_header(16_000, 0))
    elif kind == "no rate":
        path.write_bytes(wav_header(0, 32_000) + b"\0" * 32_000)
    elif kind == "ten hours":
        size = 10 * 3600 * 16_000 * 2
        with path.open("wb") as file:
            file.write(wav_header(16_000, size))
            file.truncate(44 + size)  # a hole: it takes no room on the disk
    elif kind == "folder":
        path.mkdir()
    elif kind == "silence":
        soundfile.write(str(path), np.zeros(32_000, np.float32), 16_000)
    elif kind == "noise":
        soundfile.write(str(path), hiss(2.0), 16_000)
    else:
        assert kind == "missing"
    return path


def sentences(text: str) -> list[str]:
    """What is written on standard error, sentence by sentence."""
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]
