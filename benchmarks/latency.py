"""Voice to voice: from the last voiced sample of a question to the first audible sample of the answer, in real time.

The conversation is a recording played at its own pace into the same session code that devices use; both moments are read
from the sound: the end of the question from the file it was cut from, the beginning of the answer from what was played
(above -45 dBFS). Nothing the session says of itself is used. A turn without an answer counts as the whole gap.
"""

from collections.abc import Mapping
from typing import Any

import psutil

from multimodal_assistant.app import assemble, settings_from, turn_detector
from multimodal_assistant.core.events import DraftRetracted, Event, EventBus
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.replay import ReplayConnection

from .machine import Section, percentile
from .questions import Script, script, spoken_questions, waits

TURNS = 30
GAP_SECONDS = 6.0

ARMS = (
    ("fast", {"profile": "fast"}),
    ("fast, Whisper base", {"profile": "fast", "stt": {"model": "base"}}),
    ("Qwen 0.5B, joe", {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "joe"}}),
    ("Qwen 0.5B, Kokoro", {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "af_heart"}}),
)


async def run() -> Section:
    """All arms on the same recording."""
    asked = await spoken_questions()
    recording = script([asked[turn % len(asked)] for turn in range(TURNS)], gap=GAP_SECONDS)
    lines = [
        f"{TURNS} questions by a synthetic voice, {GAP_SECONDS:.0f} s apart, in the noise of a quiet room; replies limited to 24 tokens.",
        "",
        "| profile | p50 | p95 | max | no answer | drafts thrown away | CPU of two cores | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, flags in ARMS:
        lines.append(await _arm(name, flags, recording))
    return Section("Voice to voice", "\n".join(lines))


async def _arm(name: str, flags: Mapping[str, Any], asked: Script) -> str:
    settings = settings_from(**flags)
    retracted: list[Event] = []
    bus = EventBus()
    bus.subscribe(DraftRetracted, retracted.append)
    process = psutil.Process()
    async with await assemble(settings) as assistant, turn_detector(settings) as detector:
        await assistant.warm()
        await detector.warm()
        connection = ReplayConnection(asked.recording, quiet=lambda: session.quiet)
        session = Session(connection, assistant.engines, detector, manner=Manner(max_tokens=24), bus=bus)
        before = sum(process.cpu_times()[:2])
        await session.run()
        busy = sum(process.cpu_times()[:2]) - before
        memory = process.memory_info().rss / 1e6
    found = waits(connection.output, connection.rate, asked.ends, GAP_SECONDS)
    answered = [wait for wait in found if wait < GAP_SECONDS]
    share = busy / (len(connection.output) / connection.rate) / 2
    return (
        f"| {name} | **{percentile(found, 50):.2f} s** | {percentile(found, 95):.2f} s | {max(found):.2f} s "
        f"| {len(found) - len(answered)} of {len(found)} | {len(retracted)} | {share:.0%} | {memory:.0f} MB |"
    )
