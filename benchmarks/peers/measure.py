"""Voice to voice, ours against Pipecat, turn block by turn block, with the same sound, weights and caller."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
import soundfile

from benchmarks.machine import Section, percentile
from benchmarks.questions import script, spoken_questions, waits
from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.config import Settings
from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.pipeline.respond import SPOKEN_STYLE
from multimodal_assistant.transports.file import read_audio

from .environment import python_of
from .ours import MAX_TOKENS

ROOT = Path(__file__).parents[2]
BLOCKS, PER_BLOCK, GAP_SECONDS = 3, 6, 8.0
VOICES = ("af_heart", "joe")


@dataclass(frozen=True, slots=True)
class _Block:
    file: Path
    ends: tuple[float, ...]


async def run() -> Section:
    """Both voices."""
    settings = settings_from()
    python = await anyio.to_thread.run_sync(python_of, "pipecat", settings.home / "bench")
    lines = [_setting(), "", "| voice | assistant | n | p50 | p95 | max | no answer |", "|---|---|---|---|---|---|---|"]
    for name in VOICES:
        found = await _compare(settings, python, name)
        lines += [_row(name, arm, values) for arm, values in found.items()]
    return Section("Voice to voice against Pipecat", "\n".join(lines))


def _setting() -> str:
    return (
        f"{BLOCKS * PER_BLOCK} questions per arm, {GAP_SECONDS:.0f} s apart; blocks of {PER_BLOCK} alternate between the two. One "
        "caller process speaks the same recording to both in real time (absolute deadlines, room noise) and measures from the last "
        "audible sample of the question to the first one above -45 dBFS that it plays. Both: Whisper base int8, SmolLM2-135M on "
        f"llama.cpp, two threads, replies of at most {MAX_TOKENS} tokens, the same voice weights. Pipecat 1.14.0: its Whisper service "
        "(English), Silero stop 0.2 s, Smart Turn v3.2, sentence aggregation; it prepares no answers ahead with a local recognizer."
    )


async def _compare(settings: Settings, python: Path, name: str) -> dict[str, list[float]]:
    asked = await spoken_questions()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        blocks = [_block(folder, number, asked) for number in range(BLOCKS)]
        await anyio.to_thread.run_sync(_converse, settings, python, name, folder, blocks)
        return {
            arm: [wait for number, block in enumerate(blocks) for wait in _heard(folder / f"{number:02}-{arm}.wav", block)]
            for arm in ("ours", "pipecat")
        }


def _block(folder: Path, number: int, asked: Sequence[Any]) -> _Block:
    chosen = [asked[(number * PER_BLOCK + index) % len(asked)] for index in range(PER_BLOCK)]
    made = script(chosen, gap=GAP_SECONDS, seed=number)
    file = folder / f"block-{number}.wav"
    soundfile.write(str(file), made.recording.samples, SPEECH_RATE)
    return _Block(file, made.ends)


def _heard(file: Path, block: _Block) -> list[float]:
    audio = read_audio(file)
    return waits(audio.samples, audio.rate, block.ends, GAP_SECONDS)


def _converse(settings: Settings, python: Path, name: str, folder: Path, blocks: Sequence[_Block]) -> None:
    """Start both assistants, let the caller talk with them, end them."""
    store = store_of(settings)
    llm = next(store.path("smollm2-135m").glob("*.gguf"))
    with ExitStack() as running:
        address = running.enter_context(_process([sys.executable, "-m", "benchmarks.peers.llm_server", str(llm), str(settings.threads)]))
        given = {
            "whisper": str(store.path("whisper-base")),
            "llm": address,
            "system": SPOKEN_STYLE,
            "max_tokens": MAX_TOKENS,
            "voice": name,
            "kokoro": str(store.path("kokoro") / "kokoro-v1.0.int8.onnx"),
            "voices": str(store.path("kokoro-voices")),
            "joe": str(store.path("joe") / "en_US-joe-medium.onnx"),
            "cache": str(settings.home / "derived"),
        }
        flags = {"stt": {"model": "base", "language": "en"}, "llm": {"model": "smollm2-135m"}, "tts": {"voice": name}}
        theirs = [
            str(python),
            str(ROOT / "benchmarks" / "peers" / "pipecat_peer.py"),
            f"{folder}/pipecat.sock",
            _json(folder / "given.json", given),
        ]
        ours = [sys.executable, "-m", "benchmarks.peers.ours", f"{folder}/ours.sock", _json(folder / "flags.json", flags)]
        running.enter_context(_process(theirs))
        running.enter_context(_process(ours))
        plan = {
            "arms": {"ours": f"{folder}/ours.sock", "pipecat": f"{folder}/pipecat.sock"},
            "blocks": [str(block.file) for block in blocks],
            "folder": str(folder),
        }
        subprocess.run([sys.executable, "-m", "benchmarks.peers.caller", _json(folder / "plan.json", plan)], check=True, cwd=ROOT)


@contextmanager
def _process(command: Sequence[str]) -> Generator[str]:
    """A helper that says one line when it is ready; ended at the end."""
    given = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "ACTIVE",
        "GOMP_SPINCOUNT": "1000",
        "OPENBLAS_NUM_THREADS": "1",
        "KMP_BLOCKTIME": "1",
        "LOGURU_LEVEL": "WARNING",
    }
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=given) as process:
        try:
            line = process.stdout.readline().strip() if process.stdout is not None else ""
            if not line:
                raise RuntimeError(f"{command[1:3]} ended before it was ready.")
            yield line
        finally:
            process.terminate()


def _json(file: Path, data: object) -> str:
    file.write_text(json.dumps(data), encoding="utf-8")
    return str(file)


def _row(name: str, arm: str, found: Sequence[float]) -> str:
    missing = sum(wait >= GAP_SECONDS for wait in found)
    return (
        f"| {name} | {'**ours**' if arm == 'ours' else 'Pipecat'} | {len(found)} | {percentile(found, 50):.2f} s "
        f"| {percentile(found, 95):.2f} s | {max(found):.2f} s | {missing} |"
    )
