"""What a camera costs a conversation: time to the answer, processor and memory; and how soon an answer about the view begins.

Turns with and without a camera alternate in one process, over the same questions. The "camera" is a film of 1280 x 720 that is played
at its own pace, 10 frames a second, another photograph every ten seconds with fresh noise in every frame; its decoding is part of the cost.
"""

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import av
import numpy as np
import psutil

from benchmarks.latency import GAP_SECONDS, MAX_TOKENS
from benchmarks.machine import Section, percentile
from benchmarks.questions import script, spoken_questions, waits
from benchmarks.speech import say, voice
from benchmarks.vision.photographs import fitted
from multimodal_assistant.app import Assistant, assemble, settings_from, turn_detector
from multimodal_assistant.core.events import EventBus, ReplyText
from multimodal_assistant.core.protocols import Sight
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.pipeline.reply import EndOfTurn, Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.pipeline.sight import NoSight
from multimodal_assistant.seeing import live_sight
from multimodal_assistant.transports.replay import ReplayConnection
from multimodal_assistant.transports.video_file import VideoFile

_ROUNDS = 3
_PER_ROUND = 10
_FLAGS = {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "joe"}}
_IDLE_SECONDS = 30.0
_FRAMES_PER_SECOND = 10
_IN_VIEW = (
    "chelsea",
    "coffee",
    "motorcycle_left",
    "laptop",
    "astronaut",
    "horse",
    "china",
    "barista",
    "croissant",
    "desk",
    "flower",
    "cap",
)
_LOOKED_AT = (
    "What do you see?",
    "What can you see now?",
    "Is there a dog in the picture?",
    "What is in front of the camera?",
    "What animal is that?",
)


@dataclass(frozen=True, slots=True)
class _House:
    """The engines that all turns share."""

    assistant: Assistant
    detector: EndOfTurn
    film: Path


async def run() -> Section:
    """Ordinary questions without and with the camera, then questions about the view."""
    ordinary = await spoken_questions()
    speaker = voice("bf_emma", streamed=False)
    visual = [(await say(speaker, text)).samples for text in _LOOKED_AT]
    await speaker.aclose()
    without: list[float] = []
    beside: list[float] = []
    about: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        film = Path(scratch) / "film.mp4"
        await anyio.to_thread.run_sync(_shoot, film)
        async with await assemble(settings_from(**_FLAGS)) as assistant, turn_detector(settings_from(**_FLAGS)) as detector:
            await assistant.warm()
            await detector.warm()
            house = _House(assistant, detector, film)
            await _asked(house, ordinary, camera=False)  # what the engines take for conversations is not the camera's
            before, added = psutil.Process().memory_info().rss, 0.0
            for index in range(_ROUNDS):
                some = [ordinary[(index * _PER_ROUND + turn) % len(ordinary)] for turn in range(_PER_ROUND)]
                without += await _asked(house, some, camera=False)
                beside += await _asked(house, some, camera=True)
                added = added or (psutil.Process().memory_info().rss - before) / 1e6
                about += await _asked(house, visual * 2, camera=True)
            idle, watching = await _idle(house, camera=False), await _idle(house, camera=True)
    rows = [("ordinary questions, no camera", without), ("ordinary questions, camera on", beside), ("questions about the view", about)]
    lines = [
        f"base, Qwen 0.5B, joe; what is in view goes to the model in words. {_ROUNDS} rounds of {_PER_ROUND} turns each, in turn.",
        "",
        "| turns | n | p50 | p95 |",
        "|---|---|---|---|",
        *(f"| {name} | {len(found)} | **{percentile(found, 50):.2f} s** | {percentile(found, 95):.2f} s |" for name, found in rows),
        "",
        (
            f"The camera adds {1000 * (percentile(beside, 50) - percentile(without, 50)):.0f} ms to the median. While nobody speaks "
            f"it takes {watching - idle:.1%} of one core, film decoding included; the first conversation before it takes {added:.0f} MB."
        ),
    ]
    return Section("A camera beside the conversation", "\n".join(lines))


async def _asked(house: _House, questions: Sequence[Samples], *, camera: bool) -> list[float]:
    asked = script(questions, gap=GAP_SECONDS)
    async with _conversation(house, asked.recording, camera=camera) as (session, connection):
        await session.run()
    return waits(connection.output, connection.rate, asked.ends, GAP_SECONDS)


async def _idle(house: _House, *, camera: bool) -> float:
    """Share of one core while nobody speaks."""
    silence = AudioChunk(np.zeros(int(_IDLE_SECONDS * 16000), np.float32), 16000)
    process = psutil.Process()
    async with _conversation(house, silence, camera=camera) as (session, _):
        before = sum(process.cpu_times()[:2])
        await session.run()
        return (sum(process.cpu_times()[:2]) - before) / _IDLE_SECONDS


@asynccontextmanager
async def _conversation(house: _House, recording: Any, *, camera: bool) -> AsyncGenerator[tuple[Session, ReplayConnection]]:
    begun: list[Session] = []
    bus = EventBus()
    bus.subscribe(ReplyText, lambda _: None)
    settings = settings_from(**_FLAGS)
    async with AsyncExitStack() as stack:
        sight: Sight = NoSight()
        if camera:
            source = VideoFile(house.film)
            llm = house.assistant.engines.llm
            sight = await stack.enter_async_context(
                live_sight(settings, llm, source, bus, busy=lambda: bool(begun) and begun[0].making, notice=lambda _: None)
            )
        connection = ReplayConnection(recording, quiet=lambda: begun[0].quiet)
        manner = replace(Manner(max_tokens=MAX_TOKENS), sight=sight)
        begun.append(Session(connection, house.assistant.engines, house.detector, manner=manner, bus=bus))
        yield begun[0], connection


def _shoot(path: Path, seconds: int = 120) -> None:
    """The film."""
    rng = np.random.default_rng(6)
    with av.open(str(path), "w") as film:
        container: Any = film
        stream = container.add_stream("mpeg4", rate=_FRAMES_PER_SECOND)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1280, 720, "yuv420p", 6_000_000
        for name in _IN_VIEW[: seconds // 10]:
            still = fitted(name, 1280, 720).astype(np.int16)
            for _ in range(10 * _FRAMES_PER_SECOND):
                noisy = np.clip(still + rng.integers(-4, 5, still.shape), 0, 255).astype(np.uint8)
                for packet in stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")):
                    container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
