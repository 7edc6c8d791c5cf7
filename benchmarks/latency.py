"""Voice to voice: from the last voiced sample of a question to the first audible sample of the answer, in real time.

The conversation is a recording played at its own pace into the same session code that devices use; both moments are read
from the sound: the end of the question from the file it was cut from, the beginning of the answer from what was played
(above -45 dBFS). Nothing the session says of itself is used. A turn without an answer counts as the whole gap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

from multimodal_assistant.app import assemble, settings_from, turn_detector
from multimodal_assistant.core.audio import SPEECH_RATE, audible
from multimodal_assistant.core.events import DraftRetracted, Event, EventBus
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.replay import ReplayConnection

from .machine import Section, percentile
from .speech import say, voice

QUESTIONS = (
    "What is the capital of France?",
    "How many legs does a spider have?",
    "Who wrote Romeo and Juliet?",
    "Is it going to rain this afternoon?",
    "What do bees make?",
    "Which planet is closest to the sun?",
    "What is the opposite of hot?",
    "How many days are there in a week?",
    "What color is a lemon?",
    "Can you speak Italian?",
)
TURNS = 30
GAP_SECONDS = 6.0
_ROOM = 0.0006  # amplitude of the noise of a quiet room: digital silence is what no microphone gives

ARMS = (
    ("fast", {"profile": "fast"}),
    ("fast, Whisper base", {"profile": "fast", "stt": {"model": "base"}}),
    ("Qwen 0.5B, joe", {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "joe"}}),
    ("Qwen 0.5B, Kokoro", {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "af_heart"}}),
)


@dataclass(frozen=True, slots=True)
class _Script:
    """A recording of questions and when each one ends, in seconds."""

    recording: AudioChunk
    ends: tuple[float, ...]


async def run() -> Section:
    """All arms on the same recording."""
    script = await _script()
    lines = [
        f"{TURNS} questions by a synthetic voice, {GAP_SECONDS:.0f} s apart, in the noise of a quiet room; replies limited to 24 tokens.",
        "",
        "| profile | p50 | p95 | max | no answer | drafts thrown away | CPU of two cores | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, flags in ARMS:
        lines.append(await _arm(name, flags, script))
    return Section("Voice to voice", "\n".join(lines))


async def _arm(name: str, flags: Mapping[str, Any], script: _Script) -> str:
    settings = settings_from(**flags)
    retracted: list[Event] = []
    bus = EventBus()
    bus.subscribe(DraftRetracted, retracted.append)
    process = psutil.Process()
    async with await assemble(settings) as assistant, turn_detector(settings) as detector:
        await assistant.warm()
        await detector.warm()
        connection = ReplayConnection(script.recording, quiet=lambda: session.quiet)
        session = Session(connection, assistant.engines, detector, manner=Manner(max_tokens=24), bus=bus)
        before = sum(process.cpu_times()[:2])
        await session.run()
        busy = sum(process.cpu_times()[:2]) - before
        memory = process.memory_info().rss / 1e6
    waits = _waits(connection.output, connection.rate, script.ends)
    answered = [wait for wait in waits if wait < GAP_SECONDS]
    share = busy / (len(connection.output) / connection.rate) / 2
    return (
        f"| {name} | **{percentile(waits, 50):.2f} s** | {percentile(waits, 95):.2f} s | {max(waits):.2f} s "
        f"| {len(waits) - len(answered)} of {len(waits)} | {len(retracted)} | {share:.0%} | {memory:.0f} MB |"
    )


def _waits(output: Samples, rate: int, ends: tuple[float, ...]) -> list[float]:
    """Seconds from the end of each question to the first audible sample after it; the gap where there is none."""
    waits: list[float] = []
    for end in ends:
        stretch = output[round(end * rate) : round((end + GAP_SECONDS) * rate)]
        first, _ = audible(stretch, rate)
        waits.append(first / rate if first < len(stretch) else GAP_SECONDS)
    return waits


async def _script() -> _Script:
    speaker = voice("bf_emma")
    noise = np.random.default_rng(0)
    pieces: list[Samples] = [np.zeros(round(0.8 * SPEECH_RATE), np.float32)]
    ends: list[float] = []
    spoken = [(await say(speaker, question)).samples for question in QUESTIONS]
    await speaker.aclose()
    for turn in range(TURNS):
        question = spoken[turn % len(spoken)]
        _, last = audible(question, SPEECH_RATE)
        ends.append((sum(map(len, pieces)) + last) / SPEECH_RATE)
        pieces += [question, np.zeros(round(GAP_SECONDS * SPEECH_RATE), np.float32)]
    whole = np.concatenate(pieces)
    whole += np.float32(_ROOM) * noise.standard_normal(len(whole), dtype=np.float32)
    return _Script(AudioChunk(whole, SPEECH_RATE), tuple(ends))
