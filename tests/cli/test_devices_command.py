"""Devices on the command line where there are none: `tests/devices` has them where there are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only ALSA can be told that there are no devices")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command on a machine without a sound card, with or without PortAudio."""
    (folder / "no-devices.conf").write_text("pcm.absent { type hw\n card 99 }\n")
    environment = dict(os.environ) | {"ALSA_CONFIG_PATH": str(folder / "no-devices.conf"), "ASSISTANT_CONFIG": ""}
    command = [sys.executable, "-m", "multimodal_assistant", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("flags", [(), ("--microphone", "webcam"), ("--record", "kept")])
def test_talking_without_a_microphone_is_refused_with_what_works(tmp_path: Path, flags: tuple[str, ...]) -> None:
    done = run(tmp_path, "talk", *flags)
    assert done.returncode == 3
    problem, remedy = done.stderr.splitlines()
    assert problem.startswith("assistant: ")
    assert "assistant ask" in remedy
    assert "talk --input" in remedy
    assert done.stdout == ""
    assert not (tmp_path / "kept").exists()


def test_output_without_input_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "talk", "--output", "out.wav")
    assert done.returncode == 2
    assert "--record" in done.stderr


def test_the_doctor_notes_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", "--no-measure")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("note") and ("microphone" in line or "audio" in line)]
    assert "none" in line or "PortAudio" in line
