"""Clause → speech in pieces, by a VITS voice in Piper's format (NAME.onnx with NAME.onnx.json) on onnxruntime.

The published graph is cut in two at the input of its vocoder: text encoder and flow run once per clause, the vocoder in
chunks. A chunk decoded with `_MARGIN` frames of context on each side equals the same stretch of the one-shot output, so
the first sound is ready after a few frames; later chunks grow so that each is ready before the one before it was played.
"""

import json
import unicodedata
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.audio import audible
from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.core.types import AudioChunk, Details, Samples, SpokenChunk
from multimodal_assistant.core.worker import Emit, Worker
from multimodal_assistant.engines.onnx import StoppableRun, open_session

from .graphs import cut, derived, parsed
from .phonemes import Spelled, spell
from .wordtimes import within, word_times

if TYPE_CHECKING:
    import onnx
    import onnxruntime

_CHUNKS = (16, 40, 96, 192)
"""Frames in the first pieces; the last number repeats."""

_MARGIN = 32  # frames of context on either side of a chunk; the vocoder's reach (24 is often enough, 16 is not)
_LEAD_SECONDS, _TAIL_SECONDS = 0.02, 0.03
_BEGIN, _END, _PAD = "^", "$", "_"


@dataclass(frozen=True, slots=True)
class _Voice:
    """What the voice's JSON file says."""

    rate: int
    language: str
    ids: dict[str, list[int]]
    noise_scale: float
    length_scale: float
    noise_w: float
    speakers: int


@dataclass(frozen=True, slots=True)
class _Graphs:
    """The two halves of the voice and how they are joined."""

    encoder: "onnxruntime.InferenceSession"
    vocoder: "onnxruntime.InferenceSession"
    hop: int
    """Samples per frame."""


class VitsVoice:
    """Speech synthesis with one voice. model: the .onnx file, its .json beside it. cache: where the two halves are kept.

    speed: 1.0 is the voice's own. speaker: index, for voices with several.
    """

    def __init__(self, *, model: Path, cache: Path, speed: float = 1.0, speaker: int = 0, threads: int = 2) -> None:
        self._model = model
        self._cache = cache
        self._speed = speed
        self._speaker = speaker
        self._threads = threads
        self._voice: _Voice | None = None
        self._graphs: _Graphs | None = None
        self._worker = Worker("tts")

    @property
    def details(self) -> Details:
        name = self._model.stem
        spoken = {} if self._voice is None else {"language": self._voice.language[:2]}
        return {"engine": "vits", "model": name, "voice": name, **spoken, "threads": str(self._threads)}

    @property
    def rate(self) -> int:
        return self._description().rate

    async def warm(self) -> None:
        async for _ in self.speak("Hello."):
            pass

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._graphs = None

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        run = StoppableRun()

        def produce(emit: Emit[SpokenChunk]) -> None:
            for chunk in self._say(text, run):
                if not emit(chunk):
                    return

        async with aclosing(self._worker.stream(produce, on_cancel=run.stop)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _say(self, text: str, run: StoppableRun) -> Iterator[SpokenChunk]:
        voice = self._description()
        spelled = spell(text, voice.language)
        if not any(item.text for item in spelled):
            return
        try:
            yield from self._synthesize(spelled, text, voice, run)
        except (EngineFailed, ModelMissing):
            raise
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            raise EngineFailed(f"{self._model.stem} could not say {text!r}: {error}.") from error

    def _synthesize(self, spelled: list[Spelled], text: str, voice: _Voice, run: StoppableRun) -> Iterator[SpokenChunk]:
        graphs = self._load(voice)
        ids, owners, words = _symbols(spelled, voice.ids)
        feed = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([voice.noise_scale, voice.length_scale / self._speed, voice.noise_w], np.float32),
        }
        if voice.speakers > 1:
            feed["sid"] = np.array([self._speaker], np.int64)
        latent, durations, *condition = graphs.encoder.run(None, feed, run.options)
        times = word_times((durations.ravel() * (graphs.hop / voice.rate)).tolist(), owners, words)
        conditions = dict(zip((node.name for node in graphs.vocoder.get_inputs()[1:]), condition, strict=True))
        started = False
        frames = latent.shape[-1]
        for begin, end in _chunks(frames):
            samples = _decode(graphs, latent, conditions, begin, end, run)
            start, stop = _trim(samples, voice.rate, first=not started, last=end == frames)
            if stop <= start and end < frames:
                continue  # still the silence before the first word
            origin = begin * graphs.hop
            spoken = within(times, (origin + start) / voice.rate, (origin + stop) / voice.rate, first=not started, last=end == frames)
            started = True
            yield SpokenChunk(AudioChunk(samples[start:stop], voice.rate), text, spoken, end == frames)

    def _description(self) -> _Voice:
        if self._voice is None:
            self._voice = _read(self._model.with_name(self._model.name + ".json"))
        return self._voice

    def _load(self, voice: _Voice) -> _Graphs:
        if self._graphs is None:
            encoder = open_session(derived(self._model, "encoder.onnx", self._cache, _encoder), threads=self._threads)
            vocoder = open_session(derived(self._model, "vocoder.onnx", self._cache, _vocoder), threads=self._threads)
            latent, *conditions = vocoder.get_inputs()
            probe = {latent.name: np.zeros((1, _channels(latent), 2), np.float32)}
            probe.update({node.name: np.zeros((1, _channels(node), 1), np.float32) for node in conditions})
            hop = vocoder.run(None, probe)[0].size // 2
            self._graphs = _Graphs(encoder, vocoder, hop)
        return self._graphs


def _channels(node: "onnxruntime.NodeArg") -> int:
    channels = node.shape[1]
    if not isinstance(channels, int):
        raise EngineFailed(f"The voice's input {node.name} has no fixed number of channels.", "Choose another voice.")
    return channels


def _read(description: Path) -> _Voice:
    if not description.is_file():
        raise ModelMissing(f"The voice has no description {description}.", "Put NAME.onnx.json beside NAME.onnx.")
    try:
        data = json.loads(description.read_text("utf-8"))
        inference = data["inference"]
        return _Voice(
            rate=int(data["audio"]["sample_rate"]),
            language=str(data["espeak"]["voice"]),
            ids={str(symbol): [int(code) for code in codes] for symbol, codes in data["phoneme_id_map"].items()},
            noise_scale=float(inference["noise_scale"]),
            length_scale=float(inference["length_scale"]),
            noise_w=float(inference["noise_w"]),
            speakers=int(data.get("num_speakers", 1)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineFailed(
            f"{description} does not describe a Piper voice: {error}.", "Check it with `assistant models verify`."
        ) from error


def _symbols(spelled: list[Spelled], table: dict[str, list[int]]) -> tuple[list[int], list[int], list[str]]:
    """Piper's input: begin, then every symbol followed by a pad, then end; with the word each belongs to, and the words."""
    pad = table[_PAD]
    ids = [*table[_BEGIN], *pad]
    owners = [-1] * len(ids)
    words: list[str] = []
    for item in spelled:
        phonemes = unicodedata.normalize("NFD", item.phonemes)
        if item.text:
            phonemes = " " + phonemes if words and phonemes else phonemes
            words.append(item.text)
        elif words:
            words[-1] += item.phonemes
        for symbol in phonemes:
            codes = table.get(symbol, [])
            owner = len(words) - 1 if item.text and symbol != " " else -1
            for code in codes:
                ids += [code, *pad]
                owners += [owner] * (1 + len(pad))
    ids += table[_END]
    return ids, owners + [-1] * len(table[_END]), words


def _chunks(frames: int) -> Iterator[tuple[int, int]]:
    """[begin, end) of the pieces of a clause of that many frames; a short rest joins the piece before it."""
    begin = 0
    index = 0
    while begin < frames:
        size = _CHUNKS[min(index, len(_CHUNKS) - 1)]
        end = frames if frames - begin < size * 1.5 else begin + size
        yield begin, end
        begin, index = end, index + 1


def _decode(
    graphs: _Graphs,
    latent: NDArray[np.float32],
    conditions: dict[str, NDArray[np.float32]],
    begin: int,
    end: int,
    run: StoppableRun,
) -> Samples:
    """Samples of frames [begin, end), decoded with the frames around them."""
    left, right = max(begin - _MARGIN, 0), min(end + _MARGIN, latent.shape[-1])
    feed = {graphs.vocoder.get_inputs()[0].name: np.ascontiguousarray(latent[..., left:right]), **conditions}
    samples = np.asarray(graphs.vocoder.run(None, feed, run.options)[0], np.float32).ravel()
    return samples[(begin - left) * graphs.hop : (end - left) * graphs.hop]


def _trim(samples: Samples, rate: int, *, first: bool, last: bool) -> tuple[int, int]:
    """Bounds without the silence before the first and after the last word."""
    start, end = audible(samples, rate)
    begin = max(start - round(_LEAD_SECONDS * rate), 0) if first else 0
    finish = min(end + round(_TAIL_SECONDS * rate), len(samples)) if last else len(samples)
    return (len(samples), len(samples)) if first and start == len(samples) else (begin, max(finish, begin))


@dataclass(frozen=True, slots=True)
class _Joints:
    """The tensors between the halves: name → channels."""

    latent: dict[str, int]
    condition: dict[str, int]
    """The speaker's embedding, in voices with several."""
    durations: str


def _joints(model: "onnx.ModelProto", name: str) -> _Joints:
    channels = {tensor.name: int(tensor.dims[1]) for tensor in model.graph.initializer if len(tensor.dims) == 3}

    def read_by(prefix: str) -> dict[str, int]:
        convolutions = (node for node in model.graph.node if node.op_type == "Conv" and node.name.startswith(prefix))
        return {node.input[0]: channels[node.input[1]] for node in convolutions}

    latent, condition = read_by("/dec/conv_pre"), read_by("/dec/cond")
    durations = [node.output[0] for node in model.graph.node if node.op_type == "Ceil"]
    if len(latent) != 1 or not durations:
        raise EngineFailed(f"{name} is not a VITS voice as Piper exports it.", "Choose another voice.")
    return _Joints(latent, condition, durations[0])


def _encoder(source: Path, target: Path) -> None:
    model = parsed(source)
    joints = _joints(model, source.name)
    cut(model, target, {node.name: 0 for node in model.graph.input}, [*joints.latent, joints.durations, *joints.condition])


def _vocoder(source: Path, target: Path) -> None:
    model = parsed(source)
    joints = _joints(model, source.name)
    cut(model, target, {**joints.latent, **joints.condition}, [node.name for node in model.graph.output])
