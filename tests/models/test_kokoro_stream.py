"""Kokoro in pieces: the same sound as in one piece, the first of it early, and a voice that is learnt once."""

import shutil
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import anyio
import numpy as np
import pytest
from onnx import TensorProto, helper
from speech_lab import joined, kokoro_voice, only_file, say, spoken, weights, words

from multimodal_assistant.app import settings_from
from multimodal_assistant.core.types import Samples, SpokenChunk
from multimodal_assistant.engines.onnx import StoppableRun
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.engines.tts import kokoro as module
from multimodal_assistant.engines.tts import kokoro_stream
from multimodal_assistant.engines.tts.graphs import derived_folder
from multimodal_assistant.engines.tts.kokoro import RATE, KokoroVoice
from multimodal_assistant.engines.tts.kokoro_statistics import SENTENCES, examples_file, load_examples
from multimodal_assistant.engines.tts.kokoro_stream import FRAME, Clause, Halves
from multimodal_assistant.engines.tts.phonemes import spell

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

LONG = "Because the air scatters blue light more than red light, we see a blue sky when the sun is high."

HEARD = (
    "The weather is warm and sunny today.",
    "Could you tell me what time it is?",
    "My sister bought a new car last week.",
    "There are seven days in a week.",
    "Yes, that would be lovely, thank you.",
    "I left my glasses on the table next to the sofa.",
)


def voice(cache: Path, *, streamed: bool = True) -> KokoroVoice:
    return KokoroVoice(model=only_file("kokoro", "*.onnx"), voices=weights("kokoro-voices"), cache=cache, streamed=streamed)


@pytest.fixture(scope="module")
def streaming() -> Iterator[KokoroVoice]:
    """The voice, learnt: the first time on a machine that takes a quarter of a minute."""
    engine = kokoro_voice("af_heart")
    anyio.run(engine.learn)
    yield engine
    anyio.run(engine.aclose)


@pytest.fixture(scope="module")
def whole() -> Iterator[KokoroVoice]:
    engine = voice(settings_from().home / "derived", streamed=False)
    anyio.run(engine.warm)
    yield engine
    anyio.run(engine.aclose)


def generated(engine: KokoroVoice, text: str) -> tuple[Halves, Clause]:
    """The halves of a learnt voice, and what the front makes of a text."""
    inner = cast(Any, engine)
    halves = inner._load()
    assert isinstance(halves, Halves)
    ids, _, _ = cast(Any, module)._symbols(spell(text, "en-us", tie=True), "en-us")
    return halves, halves.clause(inner._feed(ids, halves.takes), StoppableRun())


def pieces(halves: Halves, clause: Clause) -> list[Samples]:
    return [samples for _, samples in halves.pieces(clause, 0, clause.frames, StoppableRun())]


def signal_to_difference(one: Samples, other: Samples) -> float:
    """In decibels."""
    return 10 * float(np.log10(np.square(one).sum() / np.square(one - other).sum()))


def test_pieces_are_the_same_graph_run_in_one_piece(streaming: KokoroVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as int8 allows: its scales are chosen per run, so even other rounding in the last bit changes the samples.

    What rounding does is measured beside it, with statistics that differ by a millionth: 19 dB from signal to difference, and 16 dB for
    the pieces. The ear does not hear phases, so levels are compared too.
    """
    halves, clause = generated(streaming, LONG)
    chunked = np.concatenate(pieces(halves, clause))
    monkeypatch.setattr(kokoro_stream, "_CHUNKS", (10_000,))
    (once,) = pieces(halves, clause)
    predict = cast(Any, halves)._predict

    def almost(description: Samples) -> Samples:
        return predict(description) * np.float32(1.000001)

    monkeypatch.setattr(halves, "_predict", almost)
    (rounded,) = pieces(halves, clause)
    assert len(chunked) == len(once) == clause.frames * FRAME
    assert signal_to_difference(levels(once), levels(chunked)) > 20
    assert signal_to_difference(once, chunked) > signal_to_difference(once, rounded) - 6


def levels(samples: Samples) -> Samples:
    """Root mean square of every 20 ms."""
    size = RATE // 50
    return np.sqrt(np.mean(np.square(samples[: len(samples) // size * size]).reshape(-1, size), axis=1))


@pytest.mark.parametrize("text", [LONG, *HEARD[:3]])
def test_there_is_no_click_between_pieces(streaming: KokoroVoice, text: str) -> None:
    parts = pieces(*generated(streaming, text))
    sound = np.concatenate(parts)
    for at in np.cumsum([len(part) for part in parts])[:-1]:
        steps = np.abs(np.diff(sound[at - 1200 : at + 1200]))
        assert steps[1199] <= max(np.percentile(steps, 99.5), 0.002), at / RATE


async def test_the_first_piece_is_short_and_comes_first(streaming: KokoroVoice) -> None:
    begin = time.perf_counter()
    arrivals: list[tuple[float, SpokenChunk]] = []
    async for chunk in streaming.speak(LONG):
        arrivals.append((time.perf_counter() - begin, chunk))  # noqa: PERF401
    assert arrivals[0][1].audio.seconds <= 0.5
    assert arrivals[0][0] <= 0.5 * arrivals[-1][0]
    assert [chunk.last for _, chunk in arrivals] == [False] * (len(arrivals) - 1) + [True]
    assert {chunk.text for _, chunk in arrivals} == {LONG}


@pytest.mark.parametrize("text", [LONG, "Yes."])
async def test_every_word_is_placed_once_and_in_order(streaming: KokoroVoice, text: str) -> None:
    chunks = await spoken(streaming, text)
    assert [word.text for chunk in chunks for word in chunk.words] == text.split()
    origin, clock, total = 0.0, 0.0, joined(chunks).seconds
    for chunk in chunks:
        for word in chunk.words:
            assert 0 <= word.start <= chunk.audio.seconds + 1e-6
            assert clock - 1e-6 <= origin + word.start <= origin + word.end <= total + 1e-6
            clock = origin + word.start
        origin += chunk.audio.seconds


async def test_a_recognizer_hears_the_same_words(streaming: KokoroVoice, whole: KokoroVoice, whisper_base: WhisperEngine) -> None:
    for text in HEARD:
        ours, theirs = await say(streaming, text), await say(whole, text)
        assert abs(ours.seconds - theirs.seconds) < 0.05
        assert words((await whisper_base.transcribe(ours)).text) == words((await whisper_base.transcribe(theirs)).text)


async def test_leaving_early_stops_the_generator(streaming: KokoroVoice) -> None:
    begin = time.perf_counter()
    await spoken(streaming, LONG)
    whole_clause = time.perf_counter() - begin
    async with aclosing(streaming.speak(LONG)) as chunks:
        async for _ in chunks:
            break
        left = time.perf_counter()
    await spoken(streaming, "Yes.")  # waits in line behind whatever is still running
    assert time.perf_counter() - left < whole_clause
    assert joined(await spoken(streaming, LONG)).seconds > 3


def toy(folder: Path) -> Path:
    """An export with other names inside: 50 ms of a steady level for each symbol."""
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "symbols"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["symbols"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["symbols", "level"], ["levels"]),
        helper.make_node("Tile", ["levels", "times"], ["waveform"]),
    ]
    constants = [
        helper.make_tensor("level", TensorProto.FLOAT, [1], [0.001]),
        helper.make_tensor("times", TensorProto.INT64, [2], [1, 1200]),
    ]
    output = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [1, "samples"])
    model = helper.make_model(
        helper.make_graph(nodes, "toy", inputs, [output], constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    (folder / "toy.onnx").write_bytes(model.SerializeToString())
    return folder / "toy.onnx"


async def test_an_export_with_other_names_speaks_in_one_piece(tmp_path: Path) -> None:
    engine = KokoroVoice(model=toy(tmp_path), voices=weights("kokoro-voices"), cache=tmp_path / "cache")
    await engine.learn()
    (chunk,) = await spoken(engine, "Hello there, everybody.")
    await engine.aclose()
    assert (chunk.last, chunk.words, engine.streams) == (True, (), False)
    assert chunk.audio.seconds > 0.5


@pytest.fixture
def cache(tmp_path: Path, streaming: KokoroVoice) -> Path:
    """A cache of one's own, with the derived graphs and the learnt voice in it."""
    model, home = only_file("kokoro", "*.onnx"), settings_from().home / "derived"
    source, target = derived_folder(model, home), derived_folder(model, tmp_path)
    target.mkdir(parents=True)
    for graph in source.glob("*.onnx"):
        (target / graph.name).symlink_to(graph)
    for learnt in source.glob("af_heart-*.npz"):
        shutil.copyfile(learnt, target / learnt.name)
    return tmp_path


def learnt_file(cache: Path) -> Path:
    style = np.fromfile(weights("kokoro-voices") / "af_heart.bin", np.float32).reshape(-1, 1, 256)
    return examples_file(derived_folder(only_file("kokoro", "*.onnx"), cache), "af_heart", style)


async def test_what_was_learnt_is_used_again(cache: Path) -> None:
    before = learnt_file(cache).read_bytes()
    engine = voice(cache)
    await engine.warm()
    streams = engine.streams
    await engine.aclose()
    assert streams
    assert learnt_file(cache).read_bytes() == before


DAMAGES = ("cut short", "not an archive", "empty", "of another model")


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_was_learnt_and_is_damaged_is_learnt_again(cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    file = learnt_file(cache)
    monkeypatch.setattr(module, "SENTENCES", SENTENCES[1:2])
    if damage == "of another model":
        np.savez(file, channels=np.array([2]), descriptions=np.ones((1, 3), np.float32), statistics=np.ones((1, 4), np.float32))
    else:
        file.write_bytes({"cut short": file.read_bytes()[:50_000], "not an archive": b"junk" * 100, "empty": b""}[damage])
    engine = voice(cache)
    (chunk,) = await spoken(engine, "Hello.")  # in one piece: the first answer does not wait
    await engine.learn()
    streams = engine.streams
    assert joined(await spoken(engine, "Hello.")).seconds > 0.2
    await engine.aclose()
    assert chunk.last
    assert streams
    rebuilt = load_examples(file)
    assert rebuilt is not None
    assert len(rebuilt) == 1


async def test_learning_goes_on_where_it_was_interrupted(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENTENCES", (SENTENCES[1], SENTENCES[3]))
    file = learnt_file(cache)
    learnt = load_examples(file)
    assert learnt is not None
    one = type(learnt)(learnt.channels, learnt.descriptions[:1], learnt.statistics[:1])
    cast(Any, module).save_examples(file, one)
    engine = voice(cache)
    await engine.warm()
    assert not engine.streams
    await engine.learn()
    assert engine.streams
    await engine.aclose()
    finished = load_examples(file)
    assert finished is not None
    assert len(finished) == 2
    np.testing.assert_array_equal(finished.statistics[0], learnt.statistics[0])
