"""Voice to voice in a real browser on real models, beside the same recording played from a file; and talking over it there."""

import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio.to_thread
import numpy as np
import soundfile

from benchmarks.interjections import interruptions
from benchmarks.machine import Section, percentile
from benchmarks.questions import Script, script, spoken_questions, waits
from benchmarks.speech import say, voice
from multimodal_assistant.app import settings_from
from multimodal_assistant.core.audio import SPEECH_RATE, audible
from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports.file import read_audio

from .chromium import RATE, Heard, converse

QUESTIONS, FROM_FILE, GAP_SECONDS = 46, 23, 4.5
INTERRUPTIONS, BETWEEN_SECONDS = 30, 4.0
_GRACE_SECONDS = 0.25  # after an interruption, in which no new answer can begin
_OWN_END_SECONDS = 0.4  # an answer that is over this soon after the onset was not interrupted
_STORYTELLER = "You are a storyteller. Answer in at least eight spoken sentences, in plain words, without lists or markdown."
_BRIEF = {"ASSISTANT_LLM__MAX_TOKENS": "12"}
_AT_LENGTH = {"ASSISTANT_LLM__MAX_TOKENS": "150", "ASSISTANT_LLM__SYSTEM": _STORYTELLER}


async def run() -> Section:
    """Both."""
    asked = await spoken_questions()
    half = [script([asked[(turn + part) % len(asked)] for turn in range(FROM_FILE)], gap=GAP_SECONDS, seed=part) for part in range(2)]
    whole = script([asked[turn % len(asked)] for turn in range(QUESTIONS)], gap=GAP_SECONDS)
    first = await anyio.to_thread.run_sync(_from_file, half[0])
    browser, connected = await anyio.to_thread.run_sync(_in_browser, whole)
    second = await anyio.to_thread.run_sync(_from_file, half[1])
    over = await anyio.to_thread.run_sync(_talked_over, await _interrupted())
    return Section("In the browser", "\n".join([*_table(browser, connected, [*first, *second]), "", over]))


@contextmanager
def _server(environment: dict[str, str]) -> Generator[str]:
    command = [sys.executable, "-m", "multimodal_assistant", "serve", "--port", "0", "--profile", "fast"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        try:
            assert process.stdout is not None
            yield next(line.split()[2] for line in process.stdout if line.startswith("Talk at "))
        finally:
            process.terminate()


def _from_file(asked: Script) -> list[float]:
    with TemporaryDirectory() as folder:
        question, answer = Path(folder) / "question.wav", Path(folder) / "answer.wav"
        soundfile.write(str(question), asked.recording.samples, SPEECH_RATE)
        command = [sys.executable, "-m", "multimodal_assistant", "talk", "--profile", "fast"]
        command += ["--input", str(question), "--output", str(answer)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **_BRIEF})
        played = read_audio(answer)
    return waits(played.samples, played.rate, asked.ends, GAP_SECONDS)


def _in_browser(asked: Script) -> tuple[list[float], Heard]:
    with _server(_BRIEF) as address:
        heard = converse(address, asked.recording)
    return waits(heard.heard, RATE, asked.ends, GAP_SECONDS), heard


def _table(browser: Sequence[float], heard: Heard, file: Sequence[float]) -> list[str]:
    def row(name: str, found: Sequence[float]) -> str:
        silent = sum(wait >= GAP_SECONDS for wait in found)
        return (
            f"| {name} | {len(found)} | **{percentile(found, 50):.2f} s** | {percentile(found, 95):.2f} s | {max(found):.2f} s | {silent} |"
        )

    later = percentile(browser, 50) - percentile(file, 50)
    return [
        (
            "`assistant serve --profile fast` and Chromium on the same two cores; the microphone is a recording. From the last voiced "
            "sample that the page captured to the first audible one that it played. Beside it, before and after, the same questions "
            "by `assistant talk --input`."
        ),
        "",
        "| by | n | p50 | p95 | max | no answer |",
        "|---|---|---|---|---|---|",
        row("Chromium, WebRTC", browser),
        row("file", file),
        "",
        (
            f"The browser hears the answer {1000 * later:.0f} ms later (p50). From the click to the connection: {heard.connected:.2f} s. "
            f"Over {len(heard.heard) / RATE / 60:.1f} minutes its jitter buffer aimed at {1000 * percentile(heard.targets, 50):.0f} ms "
            f"(p50), {1000 * max(heard.targets):.0f} ms at most; {heard.concealed:.2%} of the samples were made up by it."
        ),
    ]


async def _interrupted() -> tuple[Script, list[tuple[float, float]]]:
    """A question and one interruption after another, and when each is heard: (onset, end) in seconds."""
    folder = settings_from().home / "bench" / "overlaps"
    speaker = voice("bf_emma", streamed=False)
    begin = (await say(speaker, "Tell me a long story about a fox and a river.")).samples
    await speaker.aclose()
    said = [one.samples for one in await interruptions(folder, INTERRUPTIONS)]
    made = script([begin, *said], gap=BETWEEN_SECONDS)
    spans: list[tuple[float, float]] = []
    for samples, end in zip(said, made.ends[1:], strict=True):
        first, last = audible(samples, SPEECH_RATE)
        spans.append((end - (last - first) / SPEECH_RATE, end))
    return made, spans


def _talked_over(made: tuple[Script, list[tuple[float, float]]]) -> str:
    asked, spans = made
    with _server(_AT_LENGTH) as address:
        heard = converse(address, asked.recording).heard
    silences = [silence for onset, end in spans if (silence := _silence(heard, onset, end)) is not None]
    return (
        f"Talking over it there, {len(silences)} interruptions by five voices: silent {1000 * percentile(silences, 50):.0f} ms (p50), "
        f"**{1000 * percentile(silences, 95):.0f} ms** (p95), {1000 * max(silences):.0f} ms (max) after the first sample of the "
        "interruption that the page captured."
    )


def _silence(heard: Samples, onset: float, end: float) -> float | None:
    """Seconds from the onset to the last audible sample of the answer under it; None where there was none."""

    def loud(begin: float, until: float) -> tuple[int, int]:
        stretch = heard[round(begin * RATE) : round(until * RATE)]
        first, last = audible(stretch, RATE)
        return (first, last) if first < len(stretch) else (0, 0)

    under = all(loud(onset + step, onset + step + 0.1) != (0, 0) for step in (-0.1, 0.0))
    if not under:
        return None
    _, last = loud(onset, end + _GRACE_SECONDS)
    return float(np.float64(last) / RATE)
