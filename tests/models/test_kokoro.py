"""Kokoro: word times, silence, names, languages, long texts and being interrupted."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import anyio
import numpy as np
import pytest
from speech_lab import assert_in_order, joined, kokoro_voice, only_file, say, spoken, weights, words

from multimodal_assistant.core.audio import SPEECH_RATE, audible, resample
from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing, UnknownName
from multimodal_assistant.core.types import AudioChunk, SpokenChunk, Transcript, Word
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.engines.tts import kokoro as module
from multimodal_assistant.engines.tts.kokoro import RATE, KokoroVoice
from multimodal_assistant.engines.tts.phonemes import spell

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps in the warm sun."
OTHER = "My sister bought a new car last week, because the old one was too small for her family."

LONG = " ".join(
    [
        "When the morning came, the travellers packed their bags and walked down to the harbour, where a small boat was waiting for them,",
        "and nobody spoke a word until the village had disappeared behind the hills and the water was as smooth as glass,",
        "because each of them was thinking of the people they had left behind and of the long way that was still before them.",
        "They reached the island late in the evening, when the birds were quiet and the first stars were out,",
        "and the last thing they saw was a lighthouse, a bicycle and an umbrella.",
    ]
)
"""More than the model takes in one run."""

inner = cast(Any, module)


def times(chunks: list[SpokenChunk]) -> Transcript:
    """The words of all pieces as if they had been transcribed, to compare them and to check their order."""
    placed: list[Word] = []
    origin = 0.0
    for chunk in chunks:
        placed += [Word(word.text, origin + word.start, origin + word.end) for word in chunk.words]
        origin += chunk.audio.seconds
    return Transcript("", "en", 1.0, 0.0, 0.0, origin, tuple(placed))


@pytest.mark.parametrize("text", [SENTENCE, OTHER])
async def test_word_times_agree_with_a_recognizer(kokoro: KokoroVoice, whisper_base: WhisperEngine, text: str) -> None:
    chunks = await spoken(kokoro, text)
    ours = times(chunks)
    assert [word.text for word in ours.words] == text.split()
    assert_in_order(ours)
    theirs = await whisper_base.transcribe(resample(joined(chunks), SPEECH_RATE), words=True)
    assert [words(word.text) for word in theirs.words] == [words(word.text) for word in ours.words]
    pairs = list(zip(ours.words, theirs.words, strict=True))
    assert np.median([abs(a.start - b.start) for a, b in pairs]) <= 0.15
    assert np.median([abs(a.end - b.end) for a, b in pairs]) <= 0.15


@pytest.mark.parametrize("text", [SENTENCE, "Yes.", "Hello there!"])
async def test_silence_around_the_words_is_cut(kokoro: KokoroVoice, text: str) -> None:
    chunks = await spoken(kokoro, text)
    audio = joined(chunks)
    start, end = audible(audio.samples, RATE)
    assert start / RATE <= 0.06
    assert (len(audio.samples) - end) / RATE <= 0.13  # in pieces, the last one is not cut before its last word is over
    assert times(chunks).words[0].start <= 0.15
    assert 0.1 < np.abs(audio.samples).max() <= 1.0
    assert {(chunk.text, chunk.audio.rate) for chunk in chunks} == {(text, kokoro.rate)}
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


async def test_an_unknown_voice_is_answered_with_the_names(tmp_path: Path) -> None:
    voice = kokoro_voice("af_nobody")
    with pytest.raises(UnknownName) as failure:
        await voice.warm()
    await voice.aclose()
    assert "'af_nobody'" in failure.value.problem
    for name in ("af_heart", "am_michael", "bf_emma", "ff_siwis"):
        assert name in failure.value.remedy


@pytest.mark.parametrize("name", ["", "x", "9_lives"])
def test_what_cannot_be_a_voice_is_refused_at_once(name: str) -> None:
    with pytest.raises(UnknownName) as failure:
        kokoro_voice(name)
    assert repr(name) in failure.value.problem
    assert failure.value.remedy


@pytest.mark.parametrize(("name", "language"), [("jf_alpha", "Japanese"), ("zf_xiaobei", "Chinese")])
def test_languages_without_a_front_end_are_refused_with_the_reason(name: str, language: str) -> None:
    with pytest.raises(EngineUnavailable) as failure:
        kokoro_voice(name)
    assert language in failure.value.problem
    assert "front end" in failure.value.problem
    assert "a, b, e, f, h, i or p" in failure.value.remedy


async def test_a_text_longer_than_the_model_takes_is_spoken_whole(kokoro: KokoroVoice, whisper_base: WhisperEngine) -> None:
    assert sum(len(item.phonemes) + 1 for item in spell(LONG, "en-us")) > 510
    chunks = await spoken(kokoro, LONG)
    assert len(chunks) >= 2
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [word.text for chunk in chunks for word in chunk.words] == LONG.split()
    whole = joined(chunks)
    tail = resample(AudioChunk(whole.samples[-6 * RATE :], RATE), SPEECH_RATE)
    heard = words((await whisper_base.transcribe(tail)).text)
    assert heard.endswith("a lighthouse a bicycle and an umbrella")


async def test_a_cancelled_run_is_cut_short(kokoro: KokoroVoice) -> None:
    """The canceller waits for the run's end and meets no `EngineFailed`; no piece comes out of the run it cut."""
    order: list[str] = []
    begun = threading.Event()
    engine = cast(Any, kokoro)
    real = engine._say

    def watched(*arguments: Any) -> Iterator[SpokenChunk]:
        order.append("run")
        begun.set()
        try:
            yield from real(*arguments)
        except EngineFailed:
            order.append("terminated")
            raise
        order.append("finished")

    async def speak() -> None:
        await spoken(kokoro, LONG)

    engine._say = watched
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak)
            await anyio.to_thread.run_sync(begun.wait)
            tasks.cancel_scope.cancel()
        order.append("cancelled")
    finally:
        del engine._say
    assert order == ["run", "terminated", "cancelled"]
    assert joined(await spoken(kokoro, "Hello.")).seconds > 0.2


async def test_leaving_early_has_stopped_when_it_returns(kokoro: KokoroVoice) -> None:
    busy = threading.Event()
    engine = cast(Any, kokoro)
    real = engine._say

    def watched(*arguments: Any) -> Iterator[SpokenChunk]:
        busy.set()
        try:
            yield from real(*arguments)
        finally:
            busy.clear()

    engine._say = watched
    try:
        async with aclosing(kokoro.speak(LONG)) as chunks:
            async for _ in chunks:
                assert busy.is_set()  # it is at work on the second piece
                break
        stopped = not busy.is_set()
        await engine._worker.call(lambda: None)
    finally:
        del engine._say
    assert stopped


async def test_a_faster_voice_is_shorter(kokoro: KokoroVoice, whisper_base: WhisperEngine) -> None:
    hurried = kokoro_voice("af_heart", speed=1.3)
    fast = await say(hurried, SENTENCE)
    await hurried.aclose()
    slow = await say(kokoro, SENTENCE)
    assert 0.65 * slow.seconds < fast.seconds < 0.9 * slow.seconds
    assert words((await whisper_base.transcribe(fast)).text) == words(SENTENCE)


def test_american_and_british_sounds_differ() -> None:
    def symbols(word: str, language: str) -> str:
        names = {code: symbol for symbol, code in inner._IDS.items()}
        ids, _, _ = inner._symbols(spell(word, language, tie=True), language)
        return "".join(names[code] for code in ids)

    assert symbols("go", "en-us") != symbols("go", "en-gb")
    assert "O" in symbols("go", "en-us")
    assert "Q" in symbols("go", "en-gb")
    assert "sk" in symbols("schedule", "en-us")
    assert "ʃ" in symbols("schedule", "en-gb")
    assert "ɹ" in symbols("car", "en-us")
    assert "ɹ" not in symbols("car", "en-gb")
    for language in module.LANGUAGES.values():
        assert not set(symbols("hello", language)) & {"^"}


@pytest.mark.parametrize("text", ["", "   ", "...", "?!"])
async def test_nothing_to_say_is_no_sound(kokoro: KokoroVoice, text: str) -> None:
    assert await spoken(kokoro, text) == []


async def test_odd_text_is_spoken_all_the_same(kokoro: KokoroVoice) -> None:
    for text in ("a\0b", "😀", "x" * 50, "مرحبا"):
        assert joined(await spoken(kokoro, text)).seconds > 0.1, text


async def test_missing_and_damaged_weights(tmp_path: Path) -> None:
    voices, cache = weights("kokoro-voices"), tmp_path / "cache"
    (tmp_path / "junk.onnx").write_bytes(b"not a model" * 100)
    cases: list[tuple[Path, Path, type[EngineFailed] | type[ModelMissing]]] = [
        (tmp_path / "none.onnx", voices, ModelMissing),
        (tmp_path / "junk.onnx", voices, EngineFailed),
        (only_file("kokoro", "*.onnx"), tmp_path, ModelMissing),
    ]
    for model, folder, kind in cases:
        engine = KokoroVoice(model=model, voices=folder, cache=cache)
        with pytest.raises(kind) as failure:
            await engine.warm()
        assert failure.value.remedy
        await engine.aclose()


@pytest.mark.parametrize("size", [0, 1000, 1001])
async def test_a_damaged_voice_file_is_a_failure(tmp_path: Path, size: int) -> None:
    source = weights("kokoro-voices") / "af_heart.bin"
    shutil.copyfile(source, tmp_path / "af_heart.bin")
    with (tmp_path / "af_heart.bin").open("r+b") as file:
        file.truncate(size)
    engine = KokoroVoice(model=only_file("kokoro", "*.onnx"), voices=tmp_path, cache=tmp_path / "cache")
    try:
        with pytest.raises(EngineFailed):
            await engine.warm()
    finally:
        await engine.aclose()
