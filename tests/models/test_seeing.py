"""Seeing as a user meets it: the commands on photographs, and a conversation before a film, on real weights."""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import av
import numpy as np
import pytest
import soundfile
from photo_lab import photo, place
from speech_lab import kokoro_voice, say

from multimodal_assistant.core.types import Samples

pytestmark = [pytest.mark.models, pytest.mark.timeout(180)]

RATE = 16000
QUESTION = Path(__file__).parents[2] / "samples" / "question.wav"
EMBEDDED = ("--llm", "smollm2-135m", "--voice", "joe", "--memory", "off")


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nothing of this machine's settings but the model store."""
    config = folder / "settings.toml"
    config.touch()
    mine = ("ASSISTANT_LLM", "ASSISTANT_STT", "ASSISTANT_TTS", "ASSISTANT_PROFILE", "ASSISTANT_DEBUG", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)} | {"ASSISTANT_CONFIG": str(config)}
    command = [sys.executable, "-m", "multimodal_assistant", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, env=environment, cwd=folder, check=False)


def test_see_names_what_is_there_and_draws_it(tmp_path: Path) -> None:
    done = run(tmp_path, "see", place("chelsea"), place("coffee"), "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    cat, coffee = map(json.loads, done.stdout.splitlines())
    assert cat["things"][0]["label"] == "cat"
    assert {thing["label"] for thing in coffee["things"]} >= {"cup"}
    assert "espresso" in coffee["words"]
    with av.open(cat["out"]) as copy:
        container: Any = copy
        drawn = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    plain = photo("chelsea").astype(int)
    assert drawn.shape == plain.shape
    assert (np.abs(drawn - plain).max(axis=2) > 60).mean() > 0.005  # the box, and its label


def test_see_reads_where_it_is_asked(tmp_path: Path) -> None:
    done = run(tmp_path, "see", place("page"), "--read")
    assert done.returncode == 0
    assert "Region-based segmentation" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("see", "nothing.jpg"), "There is no file nothing.jpg."),
        (("see", "settings.toml"), "settings.toml is empty (0 bytes)."),
        (("see", "text.jpg"), "text.jpg is not a picture that can be read."),
        (("see", "cut.png"), "cut.png is cut short."),
        (("see", "a.png", "--out", "a.txt"), "a.txt does not say which kind of picture to save."),
        (("see", "a.png", "b.png", "--out", "c.png"), "c.png is no folder, and there are 2 pictures to save."),
        (("ask", "--text", "What is this?", "--image", "text.jpg"), "text.jpg is not a picture that can be read."),
        (("talk", "--input", QUESTION, "--video", "nix.mp4"), "There is no file nix.mp4."),
        (("talk", "--input", QUESTION, "--video", "cut.png"), "cut.png is cut short."),
        (("talk", "--input", "q.wav", "--camera", "0", "--video", "film.mp4"), "--camera and --video cannot go together."),
    ],
)
def test_bad_input_gets_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "text.jpg").write_text("This is no picture. " * 20)
    (tmp_path / "cut.png").write_bytes(place("chelsea").read_bytes()[:5000])
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert f"assistant: {said}" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_picture_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    done = run(tmp_path, "see", place("chelsea"), "nothing.png", place("coffee"), "--json")
    assert done.returncode == 2
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [str(place("chelsea")), str(place("coffee"))]
    assert "There is no file nothing.png." in done.stderr
    assert "1 of 3 pictures could not be read." in done.stderr


def test_ask_about_a_picture(tmp_path: Path) -> None:
    asked = (
        "ask",
        "--text",
        "Is there a dog in the picture?",
        "--image",
        place("chelsea"),
        "--json",
        "--out",
        tmp_path / "a.wav",
        *EMBEDDED,
    )
    done = run(tmp_path, *asked)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["reply"].startswith("No, I see no dog. I see a cat.")
    assert report["audio_seconds"] > 1


def film(path: Path, *names: str, seconds: int, tail: float) -> None:
    """Photographs one after the other, with the noise of a camera; the last one for `tail` seconds more."""
    rng = np.random.default_rng(3)
    with av.open(str(path), "w") as opened:
        container: Any = opened
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 448, 300, "yuv420p", 2_000_000
        shown = [name for name in names for _ in range(5 * seconds)] + [names[-1]] * round(5 * tail)
        for index, name in enumerate(shown):
            still = np.resize(photo(name)[:300, :448], (300, 448, 3)).astype(int)
            frame = av.VideoFrame.from_ndarray((still + rng.integers(-4, 5, still.shape)).clip(0, 255).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 5)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


async def spoken(*texts: tuple[float, str], seconds: float) -> Samples:
    """A recording with each text at its moment."""
    voice = kokoro_voice("af_heart")
    sound = np.zeros(round(seconds * RATE), np.float32)
    try:
        for moment, text in texts:
            chunk = await say(voice, text)
            begin = round(moment * RATE)
            sound[begin : begin + len(chunk.samples)] = chunk.samples
    finally:
        await voice.aclose()
    return sound + np.random.default_rng(1).normal(0, 0.0005, len(sound)).astype(np.float32)


def test_a_conversation_before_a_film(tmp_path: Path) -> None:
    film(tmp_path / "film.mp4", "chelsea", "coffee", seconds=10, tail=0)
    recording = anyio.run(
        lambda: spoken((4.0, "What do you see?"), (15.0, "What do you see now?"), (26.0, "What do you see?"), seconds=29.0)
    )
    soundfile.write(tmp_path / "q.wav", recording, RATE)
    done = run(tmp_path, "talk", "--input", "q.wav", "--video", "film.mp4", "--events", "events.jsonl", *EMBEDDED)
    assert done.returncode == 0, done.stderr
    assert "TensorFlow" not in done.stderr
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    answers = ["".join(event["delta"] for event in events if event["type"] == "reply.text" and event["turn"] == turn) for turn in "123"]
    assert "a cat" in answers[0]
    assert "cup" in answers[1]
    assert "cat" not in answers[1]
    assert answers[2] == "I cannot see anything: film.mp4 shows nothing."
    looked = [event["stages"]["look"] for event in events if event["type"] == "turn.metrics"]
    assert len(looked) == 3
