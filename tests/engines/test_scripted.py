"""The scripted engines keep to their script, and their ledger to the truth."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
import numpy as np
import pytest
from anyio import wait_all_tasks_blocked

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import AudioChunk, Message, SpokenChunk, TextDelta
from multimodal_assistant.engines.scripted import RATE, Script, ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad

pytestmark = pytest.mark.anyio

SECOND = AudioChunk(np.zeros(16_000, np.float32), 16_000)
NEVER = Script(delay=3600)


async def written(llm: ScriptedLlm, *, max_tokens: int = 100) -> list[TextDelta]:
    async with aclosing(llm.reply([Message("system", "Be brief."), Message("user", "Hi there")], max_tokens=max_tokens)) as deltas:
        return [delta async for delta in deltas]


async def spoken(tts: ScriptedTts, text: str) -> list[SpokenChunk]:
    async with aclosing(tts.speak(text)) as chunks:
        return [chunk async for chunk in chunks]


async def test_stt_says_its_texts_in_turn_and_the_last_one_again() -> None:
    stt = ScriptedStt(texts=("One.", "Two three."), language="fr")
    heard = [await stt.transcribe(SECOND) for _ in range(3)]
    assert [transcript.text for transcript in heard] == ["One.", "Two three.", "Two three."]
    assert [transcript.language for transcript in heard] == ["fr"] * 3
    assert heard[0].words == ()
    assert (stt.ledger.completed, stt.ledger.cancelled) == (3, 0)


async def test_stt_spreads_words_over_the_audio_when_asked() -> None:
    transcript = await ScriptedStt(texts=("Two words",)).transcribe(SECOND, language="de", words=True)
    assert transcript.language == "de"
    assert [(word.text, word.start, word.end) for word in transcript.words] == [("Two", 0.0, 0.5), ("words", 0.5, 1.0)]


async def test_llm_writes_word_by_word_and_counts() -> None:
    llm = ScriptedLlm(replies=("Good day to you.", "Bye."))
    deltas = await written(llm)
    assert [delta.text for delta in deltas] == ["Good", " day", " to", " you.", ""]
    usage = deltas[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (4, 4)
    assert [delta.text for delta in await written(llm)][:-1] == ["Bye."]
    assert llm.ledger.requests == ["Hi there", "Hi there"]


async def test_llm_stops_at_its_limit() -> None:
    assert [delta.text for delta in await written(ScriptedLlm(replies=("a b c d",)), max_tokens=2)] == ["a", " b", ""]


async def test_tts_says_a_tone_for_every_word_with_exact_times() -> None:
    chunks = await spoken(ScriptedTts(word_seconds=0.1), "Hi there you.")
    assert [chunk.audio.seconds for chunk in chunks] == [pytest.approx(0.1)] * 3
    assert [(chunk.words[0].text, chunk.words[0].start, chunk.words[0].end) for chunk in chunks] == [
        ("Hi", 0.0, 0.1),
        ("there", 0.0, 0.1),
        ("you.", 0.0, 0.1),
    ]
    assert [chunk.last for chunk in chunks] == [False, False, True]
    assert all(chunk.audio.rate == RATE and chunk.audio.samples.any() for chunk in chunks)


async def test_vad_hears_what_is_loud() -> None:
    samples = np.concatenate([np.zeros(1_024, np.float32), np.full(512, 0.5, np.float32), np.zeros(700, np.float32)])
    assert await ScriptedVad().scan(samples) == [0.0, 0.0, 1.0, 0.0]
    assert await ScriptedVad(threshold_dbfs=-3).scan(samples) == [0.0] * 4
    assert await ScriptedVad().scan(samples[:511]) == []


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_stream_fails_after_so_many_results(after: int) -> None:
    seen: list[object] = []

    async def read(stream: AsyncGenerator[object]) -> None:
        async with aclosing(stream) as items:
            async for item in items:
                seen.append(item)  # noqa: PERF401

    llm = ScriptedLlm(replies=("a b c",), script=Script(fail_after=after))
    with pytest.raises(EngineFailed, match="scripted llm failed"):
        await read(llm.reply([Message("user", "Hi")], max_tokens=9))
    assert len(seen) == after
    tts = ScriptedTts(script=Script(fail_after=after))
    with pytest.raises(EngineFailed, match="scripted tts failed"):
        await read(tts.speak("a b c"))
    assert len(seen) == 2 * after
    assert (llm.ledger.completed, tts.ledger.completed) == (0, 0)


async def test_recognition_fails_when_told_to() -> None:
    stt = ScriptedStt(script=Script(fail_after=0))
    with pytest.raises(EngineFailed, match="scripted stt failed"):
        await stt.transcribe(SECOND)
    assert (stt.ledger.requests, stt.ledger.completed) == (["Hello."], 0)


async def test_a_cancelled_wait_is_counted() -> None:
    stt, llm, tts = ScriptedStt(script=NEVER), ScriptedLlm(script=NEVER), ScriptedTts(script=NEVER)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stt.transcribe, SECOND)
        tasks.start_soon(written, llm)
        tasks.start_soon(spoken, tts, "Hi")
        await wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    for engine in (stt, llm, tts):
        assert (engine.ledger.cancelled, engine.ledger.completed, len(engine.ledger.requests)) == (1, 0, 1)


async def test_a_stream_left_early_is_counted() -> None:
    llm, tts = ScriptedLlm(), ScriptedTts()
    async with aclosing(llm.reply([Message("user", "Hi")], max_tokens=9)) as deltas, aclosing(tts.speak("Hi you")) as chunks:
        await anext(deltas)
        await anext(chunks)
    assert (llm.ledger.cancelled, llm.ledger.completed) == (1, 0)
    assert (tts.ledger.cancelled, tts.ledger.completed) == (1, 0)


async def test_warming_and_closing_are_counted() -> None:
    vad = ScriptedVad()
    await vad.warm()
    await vad.aclose()
    await vad.aclose()
    assert (vad.ledger.warmed, vad.ledger.closed) == (1, 2)
