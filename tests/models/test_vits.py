"""A VITS voice in pieces: the same sound as in one, without clicks, and no more of it than is wanted."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import numpy as np
import pytest
from speech_lab import joined, only_file, spoken

from multimodal_assistant.core.audio import audible
from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.core.types import Samples
from multimodal_assistant.engines.onnx import StoppableRun
from multimodal_assistant.engines.tts import vits
from multimodal_assistant.engines.tts.phonemes import spell
from multimodal_assistant.engines.tts.vits import VitsVoice
from multimodal_assistant.engines.vad.silero import SileroVad

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps in the warm sun."

inner = cast(Any, vits)
"""The module with its private parts: the halves of the graph are compared below the public verb, which draws new noise each time."""


class CountingVocoder:
    """The real vocoder, and how often it ran."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.runs = 0
        self.running = False

    def get_inputs(self) -> Any:
        return self._session.get_inputs()

    def run(self, *arguments: Any) -> Any:
        self.runs += 1
        self.running = True
        try:
            return self._session.run(*arguments)
        finally:
            self.running = False


@pytest.fixture
def counted(joe: VitsVoice) -> Iterator[CountingVocoder]:
    """Counts the vocoder's runs of the voice `joe` during one test."""
    engine = cast(Any, joe)
    graphs = engine._graphs
    vocoder = CountingVocoder(graphs.vocoder)
    engine._graphs = replace(graphs, vocoder=vocoder)
    yield vocoder
    engine._graphs = graphs


def latent(joe: VitsVoice, text: str) -> Any:
    """What the first half makes of `text`: the input of the vocoder."""
    engine = cast(Any, joe)
    about, graphs = engine._voice, engine._graphs
    ids, _, _ = inner._symbols(spell(text, about.language), about.ids)
    feed = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": np.array([about.noise_scale, about.length_scale, about.noise_w], np.float32),
    }
    return graphs.encoder.run(None, feed)[0]


def decoded(joe: VitsVoice, hidden: Any, begin: int, end: int) -> Samples:
    """Frames [begin, end) as the engine decodes them."""
    return inner._decode(cast(Any, joe)._graphs, hidden, {}, begin, end, StoppableRun())


@pytest.mark.parametrize("text", ["Yes.", "How are you today?", SENTENCE])
def test_pieces_equal_the_whole(joe: VitsVoice, text: str) -> None:
    hidden = latent(joe, text)
    frames = hidden.shape[-1]
    whole = decoded(joe, hidden, 0, frames)
    bounds = list(inner._chunks(frames))
    pieces = np.concatenate([decoded(joe, hidden, begin, end) for begin, end in bounds])
    assert len(bounds) > 1
    assert np.abs(whole).max() > 0.1
    np.testing.assert_allclose(pieces, whole, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 15, 16, 23, 24, 25, 56, 57, 152, 500, 1001, 5000])
def test_pieces_cover_every_frame_once(frames: int) -> None:
    bounds = list(inner._chunks(frames))
    assert [begin for begin, _ in bounds] == [0, *(end for _, end in bounds[:-1])]
    assert bounds[-1][1] == frames
    sizes = [end - begin for begin, end in bounds]
    assert min(sizes) > 0
    assert max(sizes) <= 192 * 1.5


async def test_pieces_join_without_a_click(joe: VitsVoice) -> None:
    chunks = await spoken(joe, SENTENCE)
    assert len(chunks) >= 3
    jumps = np.abs(np.diff(joined(chunks).samples))
    joints = np.cumsum([len(chunk.audio.samples) for chunk in chunks])[:-1] - 1
    elsewhere = np.delete(jumps, joints)
    assert jumps[joints].max() <= 1.5 * elsewhere.max()


async def test_the_first_piece_is_short_and_the_last_is_marked(joe: VitsVoice) -> None:
    chunks = await spoken(joe, SENTENCE)
    assert chunks[0].audio.seconds < 0.25 * joined(chunks).seconds
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.text for chunk in chunks} == {SENTENCE}
    assert {chunk.audio.rate for chunk in chunks} == {joe.rate}


async def test_silence_around_the_words_is_cut(joe: VitsVoice) -> None:
    whole = joined(await spoken(joe, SENTENCE))
    start, end = audible(whole.samples, whole.rate)
    assert start / whole.rate <= 0.06
    assert (len(whole.samples) - end) / whole.rate <= 0.06


async def test_word_times_cover_the_words_in_order(joe: VitsVoice) -> None:
    chunks = await spoken(joe, SENTENCE)
    texts: list[str] = []
    clock = origin = 0.0
    whole = joined(chunks).seconds
    for chunk in chunks:
        for word in chunk.words:
            texts.append(word.text)
            assert 0.0 <= word.start <= chunk.audio.seconds + 1e-6  # it begins in its own piece, and may end in the next
            assert clock - 1e-6 <= origin + word.start
            assert word.start <= word.end
            assert origin + word.end <= whole + 1e-6
            clock = origin + word.start
        origin += chunk.audio.seconds
    assert texts == SENTENCE.split()
    assert clock > 0.7 * whole


async def test_leaving_early_leaves_the_rest_unsaid(joe: VitsVoice, counted: CountingVocoder) -> None:
    text = " ".join([SENTENCE] * 6)
    async with aclosing(joe.speak(text)) as chunks:
        async for _ in chunks:
            break
    assert not counted.running  # it has stopped when `aclosing` returns, not some time later
    left_after = counted.runs
    await cast(Any, joe)._worker.call(lambda: None)
    assert counted.runs == left_after <= 3
    assert sum(chunk.audio.seconds for chunk in await spoken(joe, "How are you?")) > 0.4


async def test_a_cancelled_task_stops_it_too(joe: VitsVoice, counted: CountingVocoder) -> None:
    text = " ".join([SENTENCE] * 6)
    heard: list[float] = []

    async def speak() -> None:
        async with aclosing(joe.speak(text)) as chunks:
            async for chunk in chunks:
                heard.append(chunk.audio.seconds)
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speak)
    assert len(heard) >= 1
    assert counted.runs <= 3


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "— …"])
async def test_nothing_to_say_is_no_sound(joe: VitsVoice, text: str) -> None:
    assert await spoken(joe, text) == []


async def test_odd_text_is_spoken_all_the_same(joe: VitsVoice) -> None:
    for text in ("a\0b", "😀", "مرحبا", "1,000,000", "x" * 50):
        assert joined(await spoken(joe, text)).seconds > 0.1, text


def beside_joe(folder: Path, data: bytes | Path | None, description: bytes | None = None) -> VitsVoice:
    """A voice with these weights and joe's description, unless it has another."""
    model = folder / "voice.onnx"
    if isinstance(data, Path):
        model.symlink_to(data)
    elif data is not None:
        model.write_bytes(data)
    (folder / "voice.onnx.json").write_bytes(only_file("joe", "*.json").read_bytes() if description is None else description)
    return VitsVoice(model=model, cache=folder / "cache")


async def failure_of(voice: VitsVoice, kind: type[EngineFailed] | type[ModelMissing]) -> EngineFailed | ModelMissing:
    with pytest.raises(kind) as failure:
        await voice.warm()
    await voice.aclose()
    return failure.value


def halved(file: Path) -> bytes:
    return file.read_bytes()[: file.stat().st_size // 2]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: b"", id="empty"),
        pytest.param(lambda: b"not a model" * 100, id="junk"),
        pytest.param(lambda: halved(only_file("joe", "*.onnx").resolve()), id="cut short"),
        pytest.param(lambda: only_file("kokoro", "*.onnx").resolve(), id="another family"),
    ],
)
async def test_weights_that_are_no_vits_voice_are_a_failure(tmp_path: Path, data: Callable[[], bytes | Path]) -> None:
    failure = await failure_of(beside_joe(tmp_path, data()), EngineFailed)
    assert failure.remedy


async def test_the_detector_is_no_voice(silero: SileroVad, tmp_path: Path) -> None:
    from multimodal_assistant.engines.vad import silero as module

    failure = await failure_of(beside_joe(tmp_path, cast(Any, module)._asset()), EngineFailed)
    assert "is not a VITS voice" in failure.problem


@pytest.mark.parametrize("description", [b"{}", b"not json", b"[]", b"null", b'{"audio": {"sample_rate": "fast"}}'])
async def test_a_description_of_something_else_is_a_failure(tmp_path: Path, description: bytes) -> None:
    failure = await failure_of(beside_joe(tmp_path, only_file("joe", "*.onnx").resolve(), description), EngineFailed)
    assert "voice.onnx.json" in failure.problem


async def test_missing_parts_are_named(tmp_path: Path) -> None:
    failure = await failure_of(beside_joe(tmp_path, None), ModelMissing)
    assert str(tmp_path / "voice.onnx") in failure.problem
    (tmp_path / "voice.onnx.json").unlink()
    (tmp_path / "voice.onnx").symlink_to(only_file("joe", "*.onnx").resolve())
    voice = VitsVoice(model=tmp_path / "voice.onnx", cache=tmp_path / "cache")
    failure = await failure_of(voice, ModelMissing)
    assert "voice.onnx.json" in failure.problem
    with pytest.raises(ModelMissing):
        _ = voice.rate


async def test_a_faster_voice_is_shorter(joe: VitsVoice) -> None:
    hurried = VitsVoice(model=only_file("joe", "*.onnx"), cache=cast(Any, joe)._cache, speed=1.5)
    slow, fast = joined(await spoken(joe, SENTENCE)).seconds, joined(await spoken(hurried, SENTENCE)).seconds
    await hurried.aclose()
    assert 0.5 * slow < fast < 0.85 * slow
