"""What the engines make of a paused turn, written down once: speech probabilities, end-of-turn scores, words at each silence.

With these any rules of turn-taking can be tried in milliseconds (turn_replay.py).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
from pydantic import TypeAdapter

from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.config import Settings
from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.protocols import EndOfSentenceDetector, EndOfTurnDetector, SpeechToText
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.engines.turn.sentence_end import SentenceEnd
from multimodal_assistant.engines.turn.smart_turn import SmartTurn
from multimodal_assistant.engines.vad.silero import WINDOW, SileroVad
from multimodal_assistant.processors.endpointing import OFF, ON

from .pauses import Paused, paused_turns

WINDOW_SECONDS = WINDOW / SPEECH_RATE

RECOGNIZERS = ("whisper-base", "whisper-tiny.en")

_SOFT = 2  # windows of silence after which the words are asked for, as the session does
_SCORED = (*range(2, 21, 2), *range(24, 57, 4))  # windows of silence after which the score is taken: every 64, later every 128 ms
_BEFORE_SPEECH = 0.3  # seconds, as the session keeps them
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Trace:
    """One turn as the rules get to see it. A window is 32 ms; results are keyed by the windows heard when they were asked for."""

    turn: Paused
    probabilities: tuple[float, ...]
    scores: Mapping[int, float]
    texts: Mapping[str, Mapping[int, str]]
    """Recognizer → windows → words."""
    sentences: Mapping[str, Mapping[int, float]]
    """Recognizer → windows → probability that the words may end there."""


def silences(probabilities: Sequence[float]) -> list[tuple[int, int]]:
    """Windows [first, end) of every stretch without voice after the first voice, by the detector's two thresholds."""
    found: list[tuple[int, int]] = []
    active = spoken = False
    begin = 0
    for index, probability in enumerate(probabilities):
        voiced = probability >= (OFF if active else ON)
        if active and not voiced:
            begin = index
        if voiced and not active and spoken:
            found.append((begin, index))
        active, spoken = voiced, spoken or voiced
    if spoken and not active:
        found.append((begin, len(probabilities)))
    return found


async def traces(settings: Settings | None = None, *, language: str = "en") -> list[Trace]:
    """All turns of both halves; recorded the first time, kept beside their sound."""
    settings = settings or settings_from()
    folder = settings.home / "bench" / ("pauses" if language == "en" else f"pauses-{language}")
    turns = await paused_turns(folder, language)
    missing = [(turn, audio) for turn, audio in turns if not _file(folder, turn).is_file()]
    if missing:
        await _record(missing, folder, settings, language)
    return [_KEPT.validate_json(await anyio.Path(_file(folder, turn)).read_bytes()) for turn, _ in turns]


def _file(folder: Path, turn: Paused) -> Path:
    """A turn that was made anew is recorded anew."""
    made = hashlib.sha256(json.dumps([_VERSION, asdict(turn)]).encode()).hexdigest()[:8]
    return folder / f"{turn.name}.trace-{made}.json"


async def _record(turns: Sequence[tuple[Paused, AudioChunk]], folder: Path, settings: Settings, language: str) -> None:
    store = store_of(settings)
    engines = _Engines(
        SileroVad(),
        SmartTurn(model=store.path("smart-turn") / "smart-turn-v3.2-cpu.onnx"),
        SentenceEnd(model=store.path("smollm2-135m") / "SmolLM2-135M-Instruct.Q4_1.gguf", threads=settings.threads),
        {
            name: WhisperEngine(model=store.path(name), name=name, threads=settings.threads)
            for name in RECOGNIZERS
            if language == "en" or not name.endswith(".en")
        },
    )
    try:
        for turn, audio in turns:
            trace = await _trace(turn, audio.samples, engines, language)
            await anyio.Path(_file(folder, turn)).write_text(json.dumps(asdict(trace)), encoding="utf-8")
    finally:
        for engine in (engines.vad, engines.melody, engines.sentence, *engines.recognizers.values()):
            await engine.aclose()


@dataclass(frozen=True, slots=True)
class _Engines:
    vad: SileroVad
    melody: EndOfTurnDetector
    sentence: EndOfSentenceDetector
    recognizers: Mapping[str, SpeechToText]


async def _trace(turn: Paused, samples: Samples, engines: _Engines, language: str) -> Trace:
    probabilities = await engines.vad.scan(samples)
    first = next((index for index, probability in enumerate(probabilities) if probability >= ON), 0)
    since = max(first * WINDOW - round(_BEFORE_SPEECH * SPEECH_RATE), 0)
    scores: dict[int, float] = {}
    texts: dict[str, dict[int, str]] = {name: {} for name in engines.recognizers}
    sentences: dict[str, dict[int, float]] = {name: {} for name in engines.recognizers}
    for begin, end in silences(probabilities):
        if end - begin < _SOFT:
            continue
        heard = AudioChunk(samples[since : (begin + _SOFT) * WINDOW], SPEECH_RATE)
        for name, recognizer in engines.recognizers.items():
            text = (await recognizer.transcribe(heard, expected=language)).text
            texts[name][begin + _SOFT] = text
            sentences[name][begin + _SOFT] = await engines.sentence.score(text)
        for windows in (count for count in _SCORED if begin + count <= end):
            scores[begin + windows] = await engines.melody.score(samples[since : (begin + windows) * WINDOW])
    return Trace(turn, tuple(probabilities), scores, texts, sentences)


_KEPT = TypeAdapter(Trace)
