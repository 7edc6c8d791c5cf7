"""Talking over the assistant: how soon it falls silent, what does not stop it, and whether it knows which words were heard.

Real engines in real time; the assistant's own sound is not in the microphone (a headset, or a canceller that works). All
moments are read from the sound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from multimodal_assistant.app import assemble, settings_from, store_of, turn_detector
from multimodal_assistant.core.audio import SPEECH_RATE, audible, resample
from multimodal_assistant.core.events import AudioFinished, AudioStopped, EventBus
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.session import Session

from .interjections import backchannels, interruptions
from .machine import Section, percentile
from .overlaps import BLOCK_SECONDS, Interjection, Overlap, Talker
from .played import Clause, Gap, OverheardVoice, gap_after, words_heard
from .speech import say, voice


@dataclass(frozen=True, slots=True)
class Arm:
    """One choice of engines, and how much is said over its answers."""

    name: str
    flags: Mapping[str, Any]
    interruptions: int
    listening: int
    noises: int


ARMS = (
    Arm("fast", {"profile": "fast"}, 92, 27, 9),
    Arm("balanced", {"llm": {"model": "qwen2.5-0.5b"}, "tts": {"voice": "af_heart"}}, 12, 8, 3),
)


_ASK = ("Tell me a long story about a fox and a river.", "Tell me everything you know about the moon.", "Describe a day by the sea.")
_AT_LENGTH = "You are a storyteller. Answer in at least eight spoken sentences, in plain words, without lists or markdown."
_GRACE = 0.25  # seconds after an interruption in which no new answer can begin
_OWN_END = 0.4  # an answer that is over this soon after the onset was not interrupted
_VERDICT = 1.5  # after an interruption, in which the verdict on it must have fallen


@dataclass(frozen=True, slots=True)
class _Conversation:
    """What was played, and what was said over it."""

    output: Samples
    rate: int
    overlaps: Sequence[Overlap]
    clauses: Sequence[Clause]
    stopped: Sequence[AudioStopped]
    finished: Sequence[AudioFinished]
    late: int


async def run() -> Section:
    """All arms."""
    folder = settings_from().home / "bench" / "overlaps"
    lines = [
        _setting(),
        "",
        (
            "| profile | silent p50 | p95 | max | n | answer goes on after a listener's word | after a noise | at the same sample "
            "| heard words within ±1 | exact | worst | within ±1 of what Whisper hears |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [await measure(arm, folder) for arm in ARMS]
    return Section("Talking over the assistant", "\n".join(lines))


def _setting() -> str:
    return (
        "Interruptions, words of a listener, and coughs, claps and doors over running answers, by five synthetic voices, in the noise of "
        "a room. Silent: from the first audible sample of the interruption to the last one (above -45 dBFS) of the answer; an answer that "
        "goes on counts with the whole length of the interruption."
    )


async def measure(arm: Arm, folder: Path) -> str:
    """One row."""
    interrupted = await _converse(arm.flags, await interruptions(folder, arm.interruptions), goes_on=False)
    counted = [overlap for overlap in interrupted.overlaps if under_an_answer(interrupted, overlap)]
    silences = [silence_after(interrupted, overlap) for overlap in counted]
    errors = [error for overlap in counted if (error := word_error(interrupted, overlap)) is not None]
    checked = [len(told.split()) - len(text.split()) for told, text in await _recognized(interrupted)]
    listened = await _converse(arm.flags, await backchannels(folder, arm.listening, arm.noises), goes_on=True)
    heard = [overlap for overlap in listened.overlaps if under_an_answer(listened, overlap)]
    words = [went_on(listened, overlap) for overlap in heard if overlap.interjection.voice != "noise"]
    sounds = [went_on(listened, overlap) for overlap in heard if overlap.interjection.voice == "noise"]
    gaps = [gap_of(listened, overlap) for overlap in heard]
    same = [gap.lost == 0 for gap in gaps if gap is not None and gap.lost is not None]
    return (
        f"| {arm.name} | **{_ms(percentile(silences, 50))}** | **{_ms(percentile(silences, 95))}** | {_ms(max(silences))} "
        f"| {len(silences)} "
        f"| {sum(words)} of {len(words)} | {sum(sounds)} of {len(sounds)} | {sum(same)} of {len(same)} "
        f"| {sum(abs(error) <= 1 for error in errors)} of {len(errors)} | {sum(error == 0 for error in errors)} "
        f"| {max(errors, key=abs, default=0):+d} | {sum(abs(error) <= 1 for error in checked)} of {len(checked)} |"
    )


async def _converse(flags: Mapping[str, Any], interjections: Sequence[Interjection], *, goes_on: bool) -> _Conversation:
    asker = voice("bf_emma", streamed=False)
    questions = [(await say(asker, text)).samples for text in _ASK]
    await asker.aclose()
    settings = settings_from(**flags)
    stopped: list[AudioStopped] = []
    bus = EventBus()
    bus.subscribe(AudioStopped, stopped.append)
    finished: list[AudioFinished] = []
    bus.subscribe(AudioFinished, finished.append)
    talker = Talker(questions, interjections, goes_on=goes_on)
    async with await assemble(settings) as assistant, turn_detector(settings) as detector:
        await assistant.warm()
        await detector.warm()
        heard = OverheardVoice(assistant.engines.tts, lambda: talker.now)
        engines = replace(assistant.engines, tts=heard)
        session = Session(talker, engines, detector, manner=Manner(system=_AT_LENGTH, max_tokens=150), bus=bus)
        await session.run()
    return _Conversation(talker.output, talker.rate, talker.overlaps, heard.clauses, stopped, finished, talker.late)


def silence_after(talk: _Conversation, overlap: Overlap) -> float:
    """Seconds from the onset to the last audible sample of the answer, within the interruption."""
    stretch = talk.output[round(overlap.onset * talk.rate) : round((overlap.end + _GRACE) * talk.rate)]
    first, last = audible(stretch, talk.rate)
    return last / talk.rate if first < len(stretch) else 0.0


def under_an_answer(talk: _Conversation, overlap: Overlap) -> bool:
    """Whether there was an answer to talk over: heard around the onset, and not at its own end by then."""
    around = talk.output[round((overlap.onset - 0.1) * talk.rate) : round((overlap.onset + 0.1) * talk.rate)]
    ended = any(overlap.onset - 0.1 <= event.t <= overlap.onset + _OWN_END for event in talk.finished)
    return audible(around, talk.rate)[0] < len(around) and not ended


def stop_of(talk: _Conversation, overlap: Overlap) -> AudioStopped | None:
    """What was told of the answer that it ended."""
    following = [other.onset for other in talk.overlaps if other.onset > overlap.onset]
    until = min([overlap.end + _VERDICT, *following])
    return next((event for event in talk.stopped if overlap.onset <= event.t < until), None)


def went_on(talk: _Conversation, overlap: Overlap) -> bool:
    """Whether the answer under it was not ended by it: it is heard again within two seconds, or had been said to its end."""
    if stop_of(talk, overlap) is not None:
        return False
    stretch = talk.output[round(overlap.end * talk.rate) : round((overlap.end + 2.0) * talk.rate)]
    first, _ = audible(stretch, talk.rate)
    return first < len(stretch) or any(overlap.onset <= event.t <= overlap.end + 2.0 for event in talk.finished)


def gap_of(talk: _Conversation, overlap: Overlap) -> Gap | None:
    """The silence that it caused."""
    block = round(BLOCK_SECONDS * talk.rate)
    return gap_after(talk.output, talk.rate, talk.clauses, overlap.onset, block=block, longest=overlap.end - overlap.onset + 2.5)


def word_error(talk: _Conversation, overlap: Overlap) -> int | None:
    """Words that history has too many; None for an answer that was not stopped."""
    event = stop_of(talk, overlap)
    if event is None:
        return None
    stop = overlap.onset + silence_after(talk, overlap)
    return len(event.heard_text.split()) - len(words_heard(talk.output, talk.rate, talk.clauses, overlap.answer, stop))


async def _recognized(talk: _Conversation) -> list[tuple[str, str]]:
    """(What history has, what a recognizer hears in the sound), for every answer that was stopped: a check from outside."""
    settings = settings_from()
    engine = WhisperEngine(model=store_of(settings).path("whisper-base"), threads=settings.threads)
    pairs: list[tuple[str, str]] = []
    try:
        for overlap in (one for one in talk.overlaps if under_an_answer(talk, one)):
            event = stop_of(talk, overlap)
            if event is not None:
                stop = overlap.onset + silence_after(talk, overlap)
                sound = talk.output[round(max(overlap.answer - 0.1, 0) * talk.rate) : round((stop + 0.05) * talk.rate)]
                audio = resample(AudioChunk(np.ascontiguousarray(sound), talk.rate), SPEECH_RATE)
                pairs.append((event.heard_text, (await engine.transcribe(audio, language="en")).text))
    finally:
        await engine.aclose()
    return pairs


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
