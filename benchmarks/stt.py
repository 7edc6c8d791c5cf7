"""Speech recognition: time and word errors, our bounded context against faster-whisper's `transcribe()` at its defaults.

The same loaded model serves both, utterance by utterance, in alternating order.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import jiwer
import numpy as np

from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.engines.stt.whisper import WhisperEngine

from .machine import Section, percentile
from .speech import NOISES, Utterance, recorded, synthesized


@dataclass
class _Arm:
    """What one way of transcribing took and understood."""

    seconds: list[float] = field(default_factory=list[float])
    texts: list[str] = field(default_factory=list[str])
    reruns: int = 0


async def run() -> Section:
    """Both models of the profiles."""
    settings = settings_from()
    utterances = await synthesized(settings.home / "bench") + recorded()
    recordings = sum(one.noise == "recorded" for one in utterances)
    lines = [
        f"{len(utterances)} utterances of {_lengths(utterances)} s:",
        f"{len(utterances) - recordings} by eight synthetic voices (clean, and with pink noise at 20 and 10 dB), {recordings} recorded",
        "(LibriVox, CMU). `transcribe()` has the same loaded model, its own defaults (beam 5, 30-second window); the two alternate.",
        "",
        "| model | how | p50 | p95 | word error rate | clean | 20 dB | 10 dB | recorded | padded re-runs |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    ratios: list[str] = []
    for name in ("whisper-base", "whisper-tiny.en"):
        engine = WhisperEngine(model=store_of(settings).path(name), threads=settings.threads)
        await engine.warm()
        ours, theirs = await _compare(engine, utterances)
        await engine.aclose()
        lines += [_row(name, "bounded context", ours, utterances), _row(name, "`transcribe()`", theirs, utterances)]
        short = [index for index, one in enumerate(utterances) if one.audio.seconds <= 5]
        ratio = percentile([theirs.seconds[i] for i in short], 50) / percentile([ours.seconds[i] for i in short], 50)
        gain = 100 * (_errors(ours, utterances) - _errors(theirs, utterances))
        ratios.append(f"{name}: **{ratio:.1f} times faster** (median, utterances up to 5 s), word error rate {gain:+.1f} points.")
    return Section("Speech recognition", "\n".join([*lines, "", *ratios]))


async def _compare(engine: WhisperEngine, utterances: Sequence[Utterance]) -> tuple[_Arm, _Arm]:
    ours, theirs = _Arm(), _Arm()
    whisper = cast(Any, engine)._whisper
    language = None

    async def bounded(one: Utterance) -> None:
        start = time.perf_counter()
        transcript = await engine.transcribe(one.audio, language=language)
        ours.seconds.append(time.perf_counter() - start)
        ours.texts.append(transcript.text)
        ours.reruns += transcript.rerun

    async def default(one: Utterance) -> None:
        start = time.perf_counter()
        segments, _ = whisper.transcribe(one.audio.samples)
        theirs.texts.append(" ".join(segment.text for segment in segments))
        theirs.seconds.append(time.perf_counter() - start)

    for index, one in enumerate(utterances):
        for arm in (bounded, default) if index % 2 else (default, bounded):
            await arm(one)
    return ours, theirs


def _row(model: str, how: str, arm: _Arm, utterances: Sequence[Utterance]) -> str:
    kinds = [*(noise for noise, _ in NOISES), "recorded"]
    errors = " | ".join(_percent(_errors(arm, utterances, lambda one, kind=kind: one.noise == kind)) for kind in kinds)
    reruns = f"{arm.reruns} of {len(utterances)}" if how.startswith("bounded") else "–"
    return (
        f"| {model} int8 | {how} | {percentile(arm.seconds, 50) * 1000:.0f} ms | {percentile(arm.seconds, 95) * 1000:.0f} ms "
        f"| {_percent(_errors(arm, utterances))} | {errors} | {reruns} |"
    )


def _errors(arm: _Arm, utterances: Sequence[Utterance], which: Callable[[Utterance], bool] = lambda one: True) -> float:
    chosen = [index for index, one in enumerate(utterances) if which(one)]
    if not chosen:
        return float("nan")
    return float(jiwer.wer([plain(utterances[i].text) for i in chosen], [plain(arm.texts[i]) for i in chosen]))


_VARIANTS = {
    r"\bmr\b": "mister",
    r"\bmetres\b": "meters",
    r"\b4\b": "four",
    r"\b7\b": "seven",
    r"\b8\b": "eight",
    r"\b9\b": "nine",
    r"\b10\b": "ten",
}


def plain(text: str) -> str:
    """Lower case words without marks; spelling variants of titles and numbers that the set contains made equal."""
    text = re.sub(r"[^\w\s']", " ", text.lower()).replace("'", "")
    for variant, word in _VARIANTS.items():
        text = re.sub(variant, word, text)
    return " ".join(text.split())


def _percent(rate: float) -> str:
    return "–" if np.isnan(rate) else f"{100 * rate:.1f} %"


def _lengths(utterances: Sequence[Utterance]) -> str:
    seconds = [one.audio.seconds for one in utterances]
    return f"{min(seconds):.1f}–{max(seconds):.1f}"
