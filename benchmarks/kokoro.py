"""Kokoro in pieces against Kokoro in one piece: time to first sound, and whether anybody could tell the two apart.

The two take turns, clause by clause, in one process. Distances are taken between waveforms that are aligned to the sample.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import jiwer
import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.config import Settings
from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.engines.onnx import StoppableRun, open_session
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.engines.tts import kokoro, kokoro_graphs
from multimodal_assistant.engines.tts.graphs import derived
from multimodal_assistant.engines.tts.kokoro import KokoroVoice
from multimodal_assistant.engines.tts.kokoro_statistics import Examples, Predictor, described, examples_file, load_examples
from multimodal_assistant.engines.tts.kokoro_stream import FRAME, Clause, Halves, Whole, chunks
from multimodal_assistant.engines.tts.phonemes import spell

from .machine import Section, percentile
from .speech import SENTENCES
from .stt import plain

VOICES = ("af_heart", "am_michael", "bf_emma", "bm_george")

CLAUSES = (
    "Sure, I can help.",
    "The capital of France is Paris.",
    "The train to the airport leaves from platform nine.",
    "Why is the sky blue during the day and red in the evening?",
    "Because the air scatters blue light more than red light, we see a blue sky when the sun is high.",
)

Statistics = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass
class _Times:
    first: list[float] = field(default_factory=list[float])
    total: list[float] = field(default_factory=list[float])
    late: int = 0
    """Pieces that were not there when the ones before them had been played."""


async def run() -> Section:
    """Times, distances, seams and words understood."""
    settings = settings_from()
    for name in VOICES:
        voice = _voice(settings, name, streamed=True)
        await voice.learn()
        await voice.aclose()
    parts = [await _times(settings, "af_heart", repeats=12), _distances(settings), await _understood(settings)]
    return Section("Kokoro in pieces", "\n\n".join(parts))


def _voice(settings: Settings, name: str, *, streamed: bool) -> KokoroVoice:
    store = store_of(settings)
    return KokoroVoice(
        model=store.path("kokoro") / "kokoro-v1.0.int8.onnx",
        voices=store.path("kokoro-voices"),
        cache=settings.home / "derived",
        voice=name,
        streamed=streamed,
    )


async def _times(settings: Settings, name: str, *, repeats: int) -> str:
    arms = {True: _voice(settings, name, streamed=True), False: _voice(settings, name, streamed=False)}
    await arms[True].learn()
    lines = [
        "| clause | audio | first sound in pieces, p50 (p95) | in one, p50 (p95) | all of it in pieces | in one | late pieces |",
        "|---|---|---|---|---|---|---|",
    ]
    for voice in arms.values():
        await voice.warm()
    for text in CLAUSES:
        times = {True: _Times(), False: _Times()}
        seconds = 0.0
        for turn in range(repeats):
            for streamed in (True, False) if turn % 2 else (False, True):
                seconds = await _timed(arms[streamed], text, times[streamed])
        ours, theirs = times[True], times[False]
        lines.append(
            f"| {len(text.split())} words | {seconds:.1f} s | **{_milliseconds(ours.first)}** | {_milliseconds(theirs.first)} "
            f"| {percentile(ours.total, 50) * 1000:.0f} ms | {percentile(theirs.total, 50) * 1000:.0f} ms | {ours.late} |"
        )
    for voice in arms.values():
        await voice.aclose()
    return "\n".join([*lines, "", f"n = {repeats} each, taking turns; voice {name}, 2 threads."])


async def _timed(voice: KokoroVoice, text: str, times: _Times) -> float:
    """Seconds of audio; a piece is late if the ones before it are over when it comes."""
    begin = time.perf_counter()
    started, played = 0.0, 0.0
    async for chunk in voice.speak(text):
        now = time.perf_counter() - begin
        if not played:
            started = now
            times.first.append(now)
        elif now - started > played:
            times.late += 1
        played += chunk.audio.seconds
    times.total.append(time.perf_counter() - begin)
    return played


def _milliseconds(values: list[float]) -> str:
    return f"{percentile(values, 50) * 1000:.0f} ({percentile(values, 95) * 1000:.0f}) ms"


@dataclass
class _Lab:
    """One voice, opened up."""

    whole: Whole
    halves: Halves
    original: Any
    """The generator with its own normalizations, as a session."""
    examples: Examples
    styles: Samples
    language: str
    run: StoppableRun = field(default_factory=StoppableRun)

    def clause(self, text: str) -> tuple[Clause, Samples, Examples]:
        """Its features, the samples in one piece, and its true statistics."""
        ids, _, _ = cast(Any, kokoro)._symbols(spell(text, self.language, tie=True), self.language)
        feed = {self.whole.takes: np.array([[0, *ids, 0]], np.int64), "style": self.styles[len(ids)], "speed": np.ones(1, np.float32)}
        return self.halves.clause(feed, self.run), self.whole.say(feed, self.run)[0], self.whole.example(feed, self.run)

    def chunked(self, clause: Clause, statistics: Statistics) -> Samples:
        """The whole clause in pieces."""
        cast(Any, self.halves)._predict = statistics
        return np.concatenate([piece for _, piece in self.halves.pieces(clause, 0, clause.frames, self.run)])

    def with_more_silence(self, clause: Clause) -> Samples:
        """In one piece, with a quarter of a second more of the silence that the clause ends with."""
        at = clause.frames - 5
        features = np.concatenate(
            [clause.features[..., :at], *[clause.features[..., at : at + 1]] * 20, clause.features[..., at:]], axis=-1
        )
        source = clause.source
        more = np.repeat(source[..., at * 60 : at * 60 + 1], 1200, axis=-1)
        source = np.concatenate([source[..., : at * 60], more, source[..., at * 60 :]], axis=-1)
        feed = {kokoro_graphs.FEATURES: features, kokoro_graphs.STYLE: clause.style, kokoro_graphs.SOURCE: source}
        return np.asarray(self.original.run(None, feed)[0]).ravel()[: (at - 4) * FRAME]


def _lab(settings: Settings, name: str) -> _Lab:
    store = store_of(settings)
    model, cache = store.path("kokoro") / "kokoro-v1.0.int8.onnx", settings.home / "derived"
    styles = np.fromfile(store.path("kokoro-voices") / f"{name}.bin", np.float32).reshape(-1, 1, 256)

    def original(source: Path, target: Path) -> None:
        graphs = cast(Any, kokoro_graphs)
        target.write_bytes(graphs._generator(graphs.parsed(source), source.name).SerializeToString())

    session = open_session(derived(model, "original-generator.onnx", settings.home / "bench", original), threads=2)
    whole = Whole(model, cache, threads=2)
    folder = derived(model, "front.onnx", cache, kokoro_graphs.front).parent
    examples = load_examples(examples_file(folder, name, styles))
    assert examples is not None
    return _Lab(whole, Halves(model, cache, threads=2, examples=examples), session, examples, styles, kokoro.LANGUAGES[name[0]])


def _distances(settings: Settings) -> str:
    rows: dict[str, list[float]] = {}
    seams: list[_Seam] = []
    for name in VOICES:
        lab = _lab(settings, name)
        average = lab.examples.statistics.mean(axis=0)
        predict = Predictor(lab.examples)
        for text in SENTENCES[::3]:
            clause, reference, truth = lab.clause(text)
            ours = lab.chunked(clause, predict)
            for what, samples in {
                "in pieces, statistics predicted (what is spoken)": ours,
                "in pieces, true statistics of the clause": lab.chunked(clause, lambda _, truth=truth: truth.statistics[0]),
                "in pieces, average statistics of the voice": lab.chunked(clause, lambda _, average=average: average),
                "reference: in one piece, a quarter of a second more silence behind the clause": lab.with_more_silence(clause),
            }.items():
                rows.setdefault(what, []).append(distance(reference[: len(samples)], samples))
            seams += [_seam(ours, reference, stop * FRAME) for _, stop in chunks(0, clause.frames) if stop < clause.frames]
            assert described(clause.features, clause.source).shape == lab.examples.descriptions[0].shape
    lines = ["| against the clause in one piece | log-mel distance, mean | worst clause |", "|---|---|---|"]
    lines += [f"| {what} | {np.mean(values):.2f} | {max(values):.2f} |" for what, values in rows.items()]
    lines += ["| in one piece, again | 0.00 | 0.00 |", "", _about(seams)]
    return "\n".join(lines)


def distance(one: Samples, other: Samples) -> float:
    """Mean absolute difference of natural logarithms of mel power: 80 bands, 1024 samples by 256, floor 1e-5."""
    return float(np.abs(_log_mel(one) - _log_mel(other)).mean())


def _log_mel(samples: Samples) -> NDArray[np.float64]:
    size, step, bands, rate = 1024, 256, 80, kokoro.RATE
    padded: NDArray[np.float64] = np.pad(samples, size // 2).astype(np.float64)
    top = 2595 * float(np.log10(1 + rate / 2 / 700))
    edges = np.array([700 * (10 ** (band * top / (bands + 1) / 2595) - 1) for band in range(bands + 2)])
    bins = np.fft.rfftfreq(size, 1 / rate)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0, np.minimum(rising, falling))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step] * np.hanning(size)
    return np.log(np.maximum(np.square(np.abs(np.fft.rfft(frames))) @ weights.T, 1e-5))


@dataclass(frozen=True)
class _Seam:
    step: float
    """From the last sample of a piece to the first of the next, in units of the largest step within 50 ms around it."""
    level: float
    """By how many decibels the level changes from the 20 ms before to the 20 ms after."""
    level_in_one_piece: float


def _seam(samples: Samples, reference: Samples, at: int) -> _Seam:
    steps = np.abs(np.diff(samples[at - 1200 : at + 1200]))
    return _Seam(float(steps[1199] / max(steps.max(), 1e-6)), _change(samples, at), _change(reference, at))


def _change(samples: Samples, at: int) -> float:
    before, after = (float(np.sqrt(np.mean(np.square(part)))) for part in (samples[at - 480 : at], samples[at : at + 480]))
    return 20 * float(np.log10((after + 1e-3) / (before + 1e-3)))


def _about(seams: list[_Seam]) -> str:
    off = [abs(seam.level - seam.level_in_one_piece) for seam in seams]
    steps = [seam.step for seam in seams]
    return (
        f"{len(seams)} seams. The step between the two samples at a seam is {percentile(steps, 50):.2f} (p50) and {max(steps):.2f} "
        f"(largest) of the largest step within 50 ms around it. The level changes there as it does in one piece, within "
        f"{percentile(off, 50):.1f} dB (p50), {percentile(off, 95):.1f} dB (p95), {max(off):.1f} dB (largest)."
    )


async def _understood(settings: Settings) -> str:
    whisper = WhisperEngine(model=store_of(settings).path("whisper-base"), threads=settings.threads)
    counts = {True: 0, False: 0}
    same, total = 0, 0
    for name in VOICES:
        heard: dict[bool, list[str]] = {}
        for streamed in (True, False):
            voice = _voice(settings, name, streamed=streamed)
            if streamed:
                await voice.learn()
            heard[streamed] = [plain((await whisper.transcribe(await _said(voice, text), language="en")).text) for text in SENTENCES]
            await voice.aclose()
            counts[streamed] += sum(_errors(text, words) for text, words in zip(SENTENCES, heard[streamed], strict=True))
        same += sum(one == other for one, other in zip(heard[True], heard[False], strict=True))
        total += len(SENTENCES)
    await whisper.aclose()
    words = sum(len(plain(text).split()) for text in SENTENCES) * len(VOICES)
    return (
        f"Whisper base mistakes **{counts[True]}** of {words} words spoken in pieces and **{counts[False]}** of them in one "
        f"piece ({len(SENTENCES)} sentences by {', '.join(VOICES)}); {same} of {total} transcripts are the same."
    )


def _errors(text: str, heard: str) -> int:
    counted = jiwer.process_words(plain(text), heard)
    return counted.substitutions + counted.deletions + counted.insertions


async def _said(voice: KokoroVoice, text: str) -> AudioChunk:
    pieces = [chunk.audio.samples async for chunk in voice.speak(text)]
    quiet = np.zeros(round(0.15 * kokoro.RATE), np.float32)
    return resample(AudioChunk(np.concatenate([quiet, *pieces, quiet]), kokoro.RATE), SPEECH_RATE)
