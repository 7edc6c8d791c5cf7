"""`assistant talk` as a user meets it: a recording of three turns, the answers on its clock, and a line for everything that happened."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import soundfile
from speech_lab import kokoro_voice, say, words

from multimodal_assistant.core.audio import SPEECH_RATE, dbfs
from multimodal_assistant.core.types import Samples
from multimodal_assistant.processors.speakable import speakable
from multimodal_assistant.transports.file import read_audio

pytestmark = [pytest.mark.models, pytest.mark.timeout(180)]

QUESTIONS = ("What is the capital of France?", "Please tell me a long story about elephants.", "Stop. What color is the sky?")
GAPS = (4.0, 4.0, 0.5)
"""Seconds after each question: time for the answer; time for the beginning of the answer; the rest is waited for."""
LEAD = 0.5

KNOWN = ("capital france", "story elephants", "sky")
"""Words that have to be understood of each question."""

STAGES = {
    *("stt", "end_of_sentence", "recall", "look", "llm_first_token", "llm_first_clause", "tts_first_audio"),
    *("draft", "committed", "first_audio"),
}


@dataclass(frozen=True)
class Talk:
    """A finished conversation."""

    code: int
    shown: str
    err: str
    events: list[dict[str, Any]]
    output: Samples
    rate: int

    def of(self, kind: str, turn: str | None = None) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind and turn in {None, event["turn"]}]

    def between(self, start: float, end: float) -> Samples:
        return self.output[round(start * self.rate) : round(end * self.rate)]


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nothing of this machine's settings but the model store."""
    config = folder / "settings.toml"
    config.touch()
    mine = ("ASSISTANT_LLM", "ASSISTANT_STT", "ASSISTANT_TTS", "ASSISTANT_PROFILE", "ASSISTANT_DEBUG", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)} | {
        "ASSISTANT_CONFIG": str(config),
        "ASSISTANT_LLM__MAX_TOKENS": "28",
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "multimodal_assistant", "talk", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    return done


async def asked() -> Samples:
    """The user's side."""
    voice = kokoro_voice("af_heart")
    parts = [np.zeros(round(LEAD * SPEECH_RATE), np.float32)]
    for question, gap in zip(QUESTIONS, GAPS, strict=True):
        parts += [(await say(voice, question)).samples, np.zeros(round(gap * SPEECH_RATE), np.float32)]
    await voice.aclose()
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    folder = tmp_path_factory.mktemp("talk")
    soundfile.write(str(folder / "conv.wav"), anyio.run(asked), SPEECH_RATE)
    done = run(folder, "--input", "conv.wav", "--output", "out.wav", "--events", "ev.jsonl", "--profile", "fast")
    lines = (folder / "ev.jsonl").read_text("utf-8").splitlines()
    output = read_audio(folder / "out.wav")
    return Talk(done.returncode, done.stdout, done.stderr, [json.loads(line) for line in lines], output.samples, output.rate)


def test_it_ends_well(talk: Talk) -> None:
    assert talk.code == 0, talk.err
    assert not talk.of("error")


def test_every_line_says_when_what_and_in_which_turn(talk: Talk) -> None:
    assert talk.events
    for event in talk.events:
        assert list(event)[:3] == ["t", "type", "turn"]
        assert isinstance(event["t"], float | int)
    times = [event["t"] for event in talk.events]
    assert times == sorted(times)
    turns = [int(event["turn"]) for event in talk.events]
    assert turns == sorted(turns)
    assert set(turns) == {1, 2, 3}


def test_every_turn_tells_its_story_in_order(talk: Talk) -> None:
    for turn, end in (("1", "audio.finished"), ("2", "audio.stopped"), ("3", "audio.finished")):
        kinds = [event["type"] for event in talk.events if event["turn"] == turn]
        milestones = ["speech.started", "draft.started", "turn.committed", "transcript.final", "audio.started", end]
        assert [kinds.count(kind) for kind in ("speech.started", "transcript.final", "audio.started", end)] == [1, 1, 1, 1], kinds
        places = [kinds.index(kind) for kind in milestones]
        assert places == sorted(places), kinds
        assert kinds.index("speech.stopped") < kinds.index("draft.started")
        assert kinds.count("turn.metrics") == 1
        assert kinds.count("draft.started") == kinds.count("draft.retracted") + 1
        assert "reply.text" in kinds


def test_the_lines_carry_what_they_are_about(talk: Talk) -> None:
    assert all(event["reason"] for event in talk.of("turn.committed"))
    assert all(event["language"] == "en" for event in talk.of("transcript.final"))
    assert all(event["delta"] for event in talk.of("reply.text"))
    for metrics in talk.of("turn.metrics"):
        assert set(metrics["stages"]) == STAGES
        assert all(value is None or value >= 0 for value in metrics["stages"].values())
        assert metrics["stages"]["first_audio"] >= metrics["stages"]["committed"] >= 200


def test_the_questions_are_understood(talk: Talk) -> None:
    for final, known in zip(talk.of("transcript.final"), KNOWN, strict=True):
        assert set(known.split()) <= set(words(final["text"]).split()), final["text"]


def test_what_was_heard_of_the_interrupted_answer_is_its_beginning(talk: Talk) -> None:
    (stopped,) = talk.of("audio.stopped")
    heard = words(stopped["heard_text"]).split()
    reply = words(speakable("".join(event["delta"] for event in talk.of("reply.text", "2")))).split()
    assert heard
    assert heard == reply[: len(heard)]
    assert talk.of("audio.paused", "2")
    assert stopped["reason"]


@pytest.mark.parametrize("turn", ["1", "2", "3"])
def test_captions_keep_pace_with_the_voice(talk: Talk, turn: str) -> None:
    spoken, written = (talk.of(kind, turn) for kind in ("reply.spoken", "reply.text"))
    (start,) = talk.of("audio.started", turn)
    assert len(spoken) > 2
    assert all(start["t"] < event["t"] for event in spoken[1:])
    assert spoken[-1]["t"] - start["t"] > 0.15 * len(spoken)
    shown, all_of_it = ("".join(event["delta"] for event in events).strip() for events in (spoken, written))
    assert all_of_it.startswith(shown)
    assert (shown == all_of_it) == (turn != "2")


def test_answers_sound_from_where_they_start_to_where_they_end_and_nowhere_else(talk: Talk) -> None:
    started = [event["t"] for event in talk.of("audio.started")]
    ended = sorted(event["t"] for kind in ("audio.finished", "audio.stopped") for event in talk.of(kind))
    silent_from = 0.0
    for start, end in zip(started, ended, strict=True):
        assert not talk.between(silent_from, start - 0.03).any()
        assert dbfs(talk.between(start, start + 1.0)) > -45
        assert start < end
        silent_from = end + 0.05
    assert not talk.between(silent_from, len(talk.output) / talk.rate).any()


def test_the_output_is_on_the_clock_of_the_recording(talk: Talk) -> None:
    assert len(talk.output) / talk.rate >= talk.events[-1]["t"]
    (first, *_) = talk.of("speech.started")
    assert first["since"] == pytest.approx(LEAD + 0.2, abs=0.25)


def test_a_person_reads_questions_answers_and_times(talk: Talk) -> None:
    for final in talk.of("transcript.final"):
        assert f"You        {final['text']}" in talk.shown
    assert talk.shown.count("ms to the first sound") == 3
    assert "interrupted; you heard" in talk.shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--input", "none.wav"), "none.wav"),
        (("--input", "here.wav", "--output", "nowhere/out.wav"), "out.wav"),
        (("--input", "here.wav", "--events", "nowhere/ev.jsonl"), "ev.jsonl"),
        (("--input", "settings.toml"), "settings.toml"),
        (("--input", "here.wav", "--voice", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_loaded(tmp_path: Path, arguments: tuple[str, ...], named: str) -> None:
    soundfile.write(str(tmp_path / "here.wav"), np.zeros(1600, np.float32), SPEECH_RATE)
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert not (tmp_path / "out.wav").exists()
