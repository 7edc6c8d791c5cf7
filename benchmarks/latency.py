"""Voice to voice: from the last voiced sample of a question to the first audible sample of the answer, in real time.

The conversation is a recording played at its own pace into the same session code that devices use; both moments are read
from the sound: the end of the question from the file it was cut from, the beginning of the answer from what was played
(above -45 dBFS). Nothing the session says of itself is used. A turn without an answer counts as the whole gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jiwer
import psutil

from multimodal_assistant.app import settings_from
from multimodal_assistant.core.events import DraftRetracted, Event, EventBus, TranscriptFinal, TurnCommitted
from multimodal_assistant.core.types import Samples

from .conversing import GAP_SECONDS, MAX_TOKENS, conversation, housed
from .machine import Section, percentile
from .questions import QUESTIONS, script, spoken_questions
from .stt import plain


@dataclass(frozen=True, slots=True)
class Arm:
    """One choice of engines and how often it is asked."""

    name: str
    turns: int
    flags: Mapping[str, Any]


ARMS = (
    Arm("fast: tiny.en, SmolLM2, joe", 100, {"profile": "fast"}),
    Arm("base, SmolLM2, joe", 20, {"profile": "fast", "stt": {"model": "base"}}),
    Arm("tiny.en, SmolLM2, Kokoro", 20, {"profile": "fast", "tts": {"voice": "af_heart"}}),
    Arm("base, Qwen 0.5B, joe", 20, {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "joe"}}),
    Arm("balanced: base, Qwen 0.5B, Kokoro", 20, {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "af_heart"}}),
)


async def run() -> Section:
    """All arms on the same questions."""
    asked = await spoken_questions()
    lines = [
        (
            f"{len(QUESTIONS)} questions in turn by a synthetic voice, {GAP_SECONDS:.1f} s apart, in the noise of a quiet room; replies of "
            f"at most {MAX_TOKENS} tokens. Cut off: turns that were taken before the question had ended. Words wrong: of the final "
            "transcripts. Memory: of the one process that runs all of them in turn, and keeps some of what the earlier ones took."
        ),
        "",
        "| engines | n | p50 | p95 | max | no answer | cut off | words wrong | drafts thrown away | CPU of two cores | memory |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [await _measured(arm, asked) for arm in ARMS]
    return Section("Voice to voice", "\n".join(lines))


async def _measured(arm: Arm, questions: Sequence[Samples]) -> str:
    settings = settings_from(**arm.flags)
    order = [turn % len(questions) for turn in range(arm.turns)]
    asked = script([questions[index] for index in order], gap=GAP_SECONDS)
    told: list[Event] = []
    bus = EventBus()
    bus.subscribe(Event, told.append)
    process = psutil.Process()
    async with housed(settings) as house:
        talk = conversation(house, asked.recording, bus=bus)
        before = sum(process.cpu_times()[:2])
        await talk.session.run()
        busy = sum(process.cpu_times()[:2]) - before
        memory = process.memory_info().rss / 1e6
    found = talk.waits(asked.ends)
    silent = sum(wait >= GAP_SECONDS for wait in found)
    early = [event for event in told if isinstance(event, TurnCommitted) and _within(event.t, asked.ends)]
    heard = " ".join(plain(event.transcript.text) for event in told if isinstance(event, TranscriptFinal))
    retracted = sum(isinstance(event, DraftRetracted) for event in told)
    wrong = float(jiwer.wer(" ".join(plain(QUESTIONS[index]) for index in order), heard))
    share = busy / (len(talk.connection.output) / talk.connection.rate) / 2
    return (
        f"| {arm.name} | {len(found)} | **{percentile(found, 50):.2f} s** | {percentile(found, 95):.2f} s | {max(found):.2f} s "
        f"| {silent} | {len(early)} | {wrong:.1%} | {retracted} | {share:.0%} | {memory:.0f} MB |"
    )


def _within(moment: float, ends: Sequence[float]) -> bool:
    """Whether `moment` lies in a question: since the gap before the next end was over, and before that end."""
    later = [end for end in ends if end > moment]
    return bool(later) and all(moment > end + GAP_SECONDS for end in ends if end <= moment)
