"""`--profile auto`: each engine is timed once on this machine, then the best set that answers within the goal is taken."""

import json
import os
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path

import anyio
from pydantic import TypeAdapter, ValidationError

from .core.protocols import LanguageModel, SpeechToText, TextToSpeech
from .pipeline.gauge import gauge_llm, gauge_stt, gauge_tts, spoken, voice_to_voice
from .pipeline.respond import SPOKEN_STYLE
from .processors.sentences import FIRST_ENOUGH

_FIRST_WORDS = (FIRST_ENOUGH, 2)
"""Of the first piece that is spoken, the more natural first."""

Tell = Callable[[str], None]
"""Takes one line about work that takes a while."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What there is to choose from, the best first: name → how to build it."""

    stt: Mapping[str, Callable[[int], SpeechToText]]
    """Takes the number of threads."""
    llm: Mapping[str, Callable[[], LanguageModel]]
    voice: Mapping[str, Callable[[], TextToSpeech]]
    threads: int


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each candidate, models warm."""

    stt: dict[str, float]
    """`NAME@THREADS` → a short question."""
    llm: dict[str, float]
    """`NAME@WORDS` → a first clause of so many words."""
    voice: dict[str, float]
    """First sound."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The set that was taken."""

    stt: str
    stt_threads: int
    llm: str
    first_words: int
    """Enough for the first piece that is spoken."""
    voice: str
    seconds: float
    """Expected from the last sound of a question to the first of its answer."""


_KEPT = TypeAdapter(Times)


def pick(times: Times, goal: float) -> Choice:
    """The first set within `goal` seconds, answers before voices before ears before a long first piece; if there is none, the fastest.

    Pure. The recognizer gets fewer threads where more make it less than a tenth faster: the other core is needed.
    """
    best: Choice | None = None
    for llm, voice, stt, words in product(_names(times.llm), times.voice, _names(times.stt), _FIRST_WORDS):
        by_threads = {int(name.rpartition("@")[2]): seconds for name, seconds in times.stt.items() if name.startswith(f"{stt}@")}
        threads = next(count for count in sorted(by_threads) if by_threads[count] <= 1.1 * min(by_threads.values()))
        seconds = voice_to_voice(by_threads[threads], times.llm[f"{llm}@{words}"], times.voice[voice])
        choice = Choice(stt, threads, llm, words, voice, seconds)
        if choice.seconds <= goal:
            return choice
        if best is None or choice.seconds < best.seconds:
            best = choice
    assert best is not None
    return best


def _names(timed: Mapping[str, float]) -> list[str]:
    """What stands before the "@", each once."""
    return list(dict.fromkeys(name.rpartition("@")[0] for name in timed))


def explained(choice: Choice, goal: float) -> str:
    """The choice in one line."""
    threads = "1 thread" if choice.stt_threads == 1 else f"{choice.stt_threads} threads"
    verdict = "within" if choice.seconds <= goal else "the fastest there is, over"
    short = "" if choice.first_words == FIRST_ENOUGH else f" beginning with {choice.first_words} words"
    return (
        f"Profile auto: {choice.stt} on {threads}, {choice.llm}{short}, {choice.voice}: about {choice.seconds:.2f} s to an answer here, "
        f"{verdict} the goal of {goal:.1f} s."
    )


async def measured(candidates: Candidates, folder: Path, tell: Tell) -> Times:
    """Time every candidate, one after another; what was measured on this machine with these models before is taken from `folder`."""
    file = anyio.Path(folder / f"{_fingerprint(candidates)}.json")
    try:
        return _KEPT.validate_json(await file.read_bytes())
    except (OSError, ValidationError):
        pass
    tell("Profile auto: timing the engines on this machine, once (about 20 s) …")
    voice: dict[str, float] = {}
    question = None
    for name, build in candidates.voice.items():
        tts = build()
        await tts.warm()
        voice[name] = await _timed(lambda tts=tts: gauge_tts(tts), tell, name)
        question = question or await spoken(tts)
        await tts.aclose()
    assert question is not None
    stt: dict[str, float] = {}
    for name, build in candidates.stt.items():
        for threads in sorted({1, candidates.threads}):
            recognizer = build(threads)
            key = f"{name}@{threads}"
            await recognizer.warm()
            stt[key] = await _timed(lambda one=recognizer, said=question: gauge_stt(one, said), tell, key)
            await recognizer.aclose()
    llm: dict[str, float] = {}
    for name, build in candidates.llm.items():
        model = build()
        await model.warm()
        for words in _FIRST_WORDS:

            async def clause(model: LanguageModel = model, words: int = words) -> float:
                return (await gauge_llm(model, system=SPOKEN_STYLE, first_words=words))[1]

            key = f"{name}@{words}"
            llm[key] = await _timed(clause, tell, key)
        await model.aclose()
    times = Times(stt, llm, voice)
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    await file.write_text(json.dumps(asdict(times)), encoding="utf-8")
    return times


async def _timed(gauge: Callable[[], Awaitable[float]], tell: Tell, name: str) -> float:
    seconds = await gauge()
    tell(f"  {name:<22} {seconds * 1000:5.0f} ms")
    return seconds


def _fingerprint(candidates: Candidates) -> str:
    """Another machine, another version or other models are measured anew."""
    names: Sequence[object] = (*candidates.stt, *candidates.llm, *candidates.voice, candidates.threads, *_FIRST_WORDS)
    facts = [version("multimodal-assistant"), platform.node(), platform.machine(), os.cpu_count(), *names]
    return "-".join("".join(letter if letter.isalnum() else "_" for letter in str(fact)) for fact in facts)
