"""What a camera costs a conversation: time to the answer, processor and memory; and how soon an answer about the view begins.

Turns with and without a camera alternate in one process, over the same questions. The "camera" is a film of 1280 x 720 that is played
at its own pace, 10 frames a second, another photograph every ten seconds with fresh noise in every frame; its decoding is part of the cost.
"""

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import av
import numpy as np
import psutil

from benchmarks.conversing import GAP_SECONDS, MAX_TOKENS, Conversation, House, conversation, housed
from benchmarks.machine import Section, percentile
from benchmarks.questions import script, spoken_questions
from benchmarks.speech import say, voice
from benchmarks.vision.photographs import fitted
from multimodal_assistant.app import settings_from
from multimodal_assistant.core.events import EventBus, ReplyText
from multimodal_assistant.core.protocols import Sight
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.pipeline.sight import NoSight
from multimodal_assistant.seeing import live_sight
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
        async with housed(settings_from(**_FLAGS)) as house:
            await _asked(house, ordinary, None)  # what the engines take for conversations is not the camera's
            before, added = psutil.Process().memory_info().rss, 0.0
            for index in range(_ROUNDS):
                some = [ordinary[(index * _PER_ROUND + turn) % len(ordinary)] for turn in range(_PER_ROUND)]
                without += await _asked(house, some, None)
                beside += await _asked(house, some, film)
                added = added or (psutil.Process().memory_info().rss - before) / 1e6
                about += await _asked(house, visual * 2, film)
            idle, watching = await _idle(house, None), await _idle(house, film)
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


async def _asked(house: House, questions: Sequence[Samples], film: Path | None) -> list[float]:
    asked = script(questions, gap=GAP_SECONDS)
    async with _conversation(house, asked.recording, film) as talk:
        await talk.session.run()
    return talk.waits(asked.ends)


async def _idle(house: House, film: Path | None) -> float:
    """Share of one core while nobody speaks."""
    silence = AudioChunk(np.zeros(int(_IDLE_SECONDS * 16000), np.float32), 16000)
    process = psutil.Process()
    async with _conversation(house, silence, film) as talk:
        before = sum(process.cpu_times()[:2])
        await talk.session.run()
        return (sum(process.cpu_times()[:2]) - before) / _IDLE_SECONDS


@asynccontextmanager
async def _conversation(house: House, recording: AudioChunk, film: Path | None) -> AsyncGenerator[Conversation]:
    """film: what the camera sees, if there is one."""
    begun: list[Session] = []
    bus = EventBus()
    bus.subscribe(ReplyText, lambda _: None)
    settings = settings_from(**_FLAGS)
    async with AsyncExitStack() as stack:
        sight: Sight = NoSight()
        if film is not None:
            source = VideoFile(film)
            llm = house.assistant.engines.llm
            sight = await stack.enter_async_context(
                live_sight(settings, llm, source, bus, busy=lambda: bool(begun) and begun[0].making, notice=lambda _: None)
            )
        talk = conversation(house, recording, manner=Manner(max_tokens=MAX_TOKENS, sight=sight), bus=bus)
        begun.append(talk.session)
        yield talk


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
