"""`assistant talk` at a terminal and a sound system, as a person meets it: ask, read, press keys, leave."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
from sound_lab import SoundServer

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.transports.file import read_audio

pytestmark = [pytest.mark.models, pytest.mark.timeout(120)]

QUESTION = Path(__file__).parents[2] / "samples" / "question.wav"
PATIENCE = 60.0


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, server: SoundServer, folder: Path, *arguments: str) -> None:
        self._person, self._program = pty.openpty()
        self.before = termios.tcgetattr(self._program)
        environment = (
            dict(os.environ) | server.environment | {"ASSISTANT_CONFIG": "", "HF_HUB_OFFLINE": "1", "TERM": "xterm", "COLUMNS": "100"}
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "multimodal_assistant", "talk", "--profile", "fast", *arguments],
            stdin=self._program,
            stdout=self._program,
            stderr=self._program,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        self.screen = ""

    @property
    def settings(self) -> list[object]:
        return termios.tcgetattr(self._program)

    def press(self, keys: str) -> None:
        os.write(self._person, keys.encode())

    def wait_for(self, text: str) -> None:
        """Until this was written after what was waited for before."""
        self._read(lambda: text in self.screen, text)
        self.screen = self.screen.partition(text)[2]

    def end(self) -> int:
        """Until the program has ended."""
        self._read(lambda: self.process.poll() is not None, "the end")
        return self.process.returncode

    def _read(self, enough: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not enough():
            assert time.monotonic() < end, f"no {what} in: {self.screen}"
            if select.select([self._person], [], [], 0.05)[0]:
                written = os.read(self._person, 65_536).decode(errors="ignore")
                self.screen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._person)
        os.close(self._program)


@pytest.fixture
def terminal(server: SoundServer, tmp_path: Path) -> Iterator[Terminal]:
    folder = str(tmp_path / "kept")
    running = Terminal(server, tmp_path, "--microphone", "headset", "--speaker", "kitchen", "--record", folder, "--events", "events.jsonl")
    yield running
    running.close()


def test_a_question_is_answered_keys_are_obeyed_and_all_is_kept(server: SoundServer, terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_for("Listening: microphone 'headset', speaker 'kitchen'.")
    terminal.wait_for("q quit")
    anyio.run(server.say, read_audio(QUESTION))
    terminal.wait_for("You        What is the capital of France?")
    terminal.wait_for("speaking")
    terminal.wait_for("ms to the first sound")
    terminal.wait_for("● listening")
    terminal.press("m")
    terminal.wait_for("microphone muted")
    anyio.run(server.say, read_audio(QUESTION))  # is not heard
    terminal.press("m")
    terminal.wait_for("▯")
    terminal.press("/reset\r")
    terminal.wait_for("the conversation so far is forgotten")
    terminal.press("q")
    assert terminal.end() == 0
    assert terminal.settings == terminal.before
    assert "Traceback" not in terminal.screen
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert events == [json.loads(line) for line in (tmp_path / "kept" / "events.jsonl").read_text().splitlines()]
    assert [event["turn"] for event in events if event["type"] == "turn.committed"] == ["1"]
    check_recording(tmp_path / "kept", events)


def check_recording(folder: Path, events: list[dict[str, object]]) -> None:
    """Question and answer are where the events say."""
    heard, played = read_audio(folder / "heard.wav"), read_audio(folder / "played.wav")
    times = {str(event["type"]): float(str(event["t"])) for event in events}

    def level(track: str, start: float, end: float) -> float:
        audio = heard if track == "heard" else played
        return dbfs(audio.samples[round(start * audio.rate) : round(end * audio.rate)])

    assert level("heard", times["speech.started"], times["speech.stopped"]) > -40
    assert level("played", 0, times["audio.started"]) < -100
    assert level("played", times["audio.started"], times["audio.finished"]) > -40
    assert level("played", times["audio.finished"] + 0.3, played.seconds) < -100
    assert heard.seconds == pytest.approx(played.seconds, abs=0.2)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_the_terminal_as_it_was(terminal: Terminal, end: signal.Signals) -> None:
    terminal.wait_for("q quit")
    assert terminal.settings != terminal.before
    terminal.process.send_signal(end)
    assert terminal.end() == 130
    assert terminal.settings == terminal.before
    assert "Traceback" not in terminal.screen
