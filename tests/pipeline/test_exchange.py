"""One question → one spoken answer, with scripted engines."""

from collections.abc import AsyncGenerator

import anyio
import numpy as np
import pytest
from anyio import wait_all_tasks_blocked
from scenes import LONG_REPLY, QUESTION, USAGE, Collector, DictatedLlm, HearingStt, recording, scripted

from leaks import nothing_left
from multimodal_assistant.core.errors import EngineFailed, NoSpeech
from multimodal_assistant.core.events import AudioStarted, Event, EventBus, ReplyFinished, ReplyText, TranscriptFinal
from multimodal_assistant.core.timing import Stopwatch
from multimodal_assistant.core.types import AudioChunk, Message, SpokenChunk
from multimodal_assistant.engines.scripted import Script, ScriptedLlm, ScriptedStt, ScriptedTts
from multimodal_assistant.pipeline.exchange import exchange
from multimodal_assistant.pipeline.reply import Engines, Manner

pytestmark = pytest.mark.anyio

WORDS = [f"{word} " for word in LONG_REPLY.split()]


class GatedTts(ScriptedTts):
    """A voice that says nothing until it is let."""

    def __init__(self) -> None:
        super().__init__(word_seconds=0.01)
        self.asked = anyio.Event()
        self.gate = anyio.Event()

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        self.asked.set()
        try:
            await self.gate.wait()
        except anyio.get_cancelled_exc_class():
            self.ledger.cancelled += 1
            raise
        async for chunk in super().speak(text):
            yield chunk


async def test_a_spoken_question_is_answered_by_voice() -> None:
    engines, sink, watch = scripted(stt=ScriptedStt(texts=("Can you do it?",))), Collector(), Stopwatch()
    async with nothing_left():
        answer = await exchange(QUESTION, engines, sink, watch=watch)
    assert answer.transcript.text == "Can you do it?"
    assert answer.reply == LONG_REPLY
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(WORDS)
    assert answer.audio_seconds == pytest.approx(sink.seconds)
    assert " ".join(sink.clauses) == LONG_REPLY
    moments = [watch.at(name) for name in ("begin", "heard", "first_token", "first_clause", "first_audio", "done")]
    assert None not in moments
    assert moments == sorted(moment for moment in moments if moment is not None)


async def test_a_written_question_wakes_no_ears() -> None:
    stt = HearingStt()
    answer = await exchange("Can you do it?", scripted(stt=stt), Collector(), manner=Manner(language="de"))
    assert stt.heard == []
    assert (answer.transcript.text, answer.transcript.language, answer.transcript.seconds) == ("Can you do it?", "de", 0.0)


async def test_manner_and_history_reach_the_engines() -> None:
    llm, stt = DictatedLlm(["Yes."]), HearingStt(texts=("Really?",))
    manner = Manner(system="Be brief.", language="en", max_tokens=7)
    history = [Message("user", "Hi"), Message("assistant", "Hello.")]
    await exchange(QUESTION, scripted(stt=stt, llm=llm), Collector(), manner=manner, history=history)
    assert stt.heard[0][1] == "en"
    assert llm.asked == [([Message("system", "Be brief."), *history, Message("user", "Really?")], 7)]


async def test_events_tell_the_story_in_order() -> None:
    bus, told = EventBus(), list[Event]()
    bus.subscribe(Event, told.append)
    answer = await exchange(QUESTION, scripted(), Collector(), bus=bus)
    first, last = told[0], told[-1]
    assert isinstance(first, TranscriptFinal)
    assert first.transcript == answer.transcript
    assert isinstance(last, ReplyFinished)
    assert last.usage == answer.usage
    assert "".join(event.delta for event in told if isinstance(event, ReplyText)) == answer.reply
    started = [index for index, event in enumerate(told) if isinstance(event, AudioStarted)]
    assert len(started) == 1
    assert len({event.turn for event in told}) == 1


async def test_an_observer_that_fails_does_not_harm_the_answer() -> None:
    def fail(event: Event) -> None:
        raise ValueError("observer trouble")

    bus, sink = EventBus(), Collector()
    bus.subscribe(Event, fail)
    answer = await exchange(QUESTION, scripted(), sink, bus=bus)
    assert " ".join(sink.clauses) == answer.reply == LONG_REPLY


async def test_the_first_clause_is_spoken_while_the_model_is_still_writing() -> None:
    """The model writes its last words only after something was heard: were the voice to wait for all of it, nothing would happen at all."""
    heard = anyio.Event()

    class Ear(Collector):
        async def write(self, chunk: SpokenChunk) -> None:
            await super().write(chunk)
            heard.set()

    async def before(index: int) -> None:
        if index == len(WORDS) - 5:
            await heard.wait()

    sink = Ear()
    with anyio.fail_after(10):
        answer = await exchange(QUESTION, scripted(llm=DictatedLlm(WORDS, before=before)), sink)
    assert sink.clauses[0] == "Well yes,"
    assert answer.reply == LONG_REPLY


async def test_the_model_goes_on_writing_while_the_first_clause_is_being_said() -> None:
    llm, tts = DictatedLlm(WORDS), GatedTts()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(exchange, QUESTION, scripted(llm=llm, tts=tts), Collector())
        await tts.asked.wait()
        assert llm.written < len(WORDS) / 2
        await wait_all_tasks_blocked()
        assert llm.written == len(WORDS)
        tts.gate.set()


async def test_the_model_waits_when_the_voice_is_hundreds_of_words_behind() -> None:
    llm, tts, sink = DictatedLlm(["word "] * 600), GatedTts(), Collector()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(exchange, QUESTION, scripted(llm=llm, tts=tts), sink)
        await tts.asked.wait()
        await wait_all_tasks_blocked()
        assert 200 < llm.written < 300
        tts.gate.set()
    assert llm.written == 600
    assert len([chunk for chunk in sink.chunks if chunk.text]) == 600


async def test_the_model_goes_on_when_the_first_clause_has_no_sound() -> None:
    reply = "(smiles softly) (laughs)\nNow this is what I say. And more of it."
    sink = Collector()
    with anyio.fail_after(10):
        answer = await exchange(QUESTION, scripted(llm=DictatedLlm(reply)), sink)
    assert answer.reply == reply
    assert " ".join(sink.clauses) == "Now this is what I say. And more of it."


@pytest.mark.parametrize("reply", ["😀", "🎉 🎉 🎉", "***", "(smiles)", "<think>what to say</think>"])
@pytest.mark.parametrize("size", [1, 100])
async def test_a_reply_with_nothing_to_say_ends_without_sound(reply: str, size: int) -> None:
    bus, told, sink = EventBus(), list[Event](), Collector()
    bus.subscribe(AudioStarted, told.append)
    cut = [reply[start : start + size] for start in range(0, len(reply), size)]
    async with nothing_left():
        with anyio.fail_after(10):
            answer = await exchange(QUESTION, scripted(llm=DictatedLlm(cut)), sink, bus=bus)
    assert (answer.audio_seconds, sink.chunks, told) == (0.0, [], [])
    assert answer.usage == USAGE


async def test_an_empty_reply_ends_without_sound() -> None:
    async with nothing_left():
        answer = await exchange("Hi", scripted(llm=ScriptedLlm(replies=("",))), Collector())
    assert (answer.reply, answer.audio_seconds) == ("", 0.0)


async def test_the_sound_starts_with_the_first_sample_even_if_the_voice_begins_with_an_empty_piece() -> None:
    class Hesitant(ScriptedTts):
        async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
            yield SpokenChunk(AudioChunk(np.zeros(0, np.float32), self.rate), text, last=False)
            yield SpokenChunk(AudioChunk(np.ones(240, np.float32), self.rate), text)

    bus, told = EventBus(), list[Event]()
    bus.subscribe(AudioStarted, told.append)
    answer = await exchange("Hi", scripted(tts=Hesitant()), Collector(), bus=bus)
    assert answer.reply == LONG_REPLY
    assert len(told) == 1


async def failure(engines: Engines, sink: Collector | None = None) -> EngineFailed:
    """How the exchange fails, after which nothing is left of it."""
    async with nothing_left():
        try:
            await exchange(QUESTION, engines, sink or Collector())
        except EngineFailed as error:
            problem, remedy = error.problem, error.remedy  # not the error: the frames of its traceback would keep alive what they hold
        else:
            raise AssertionError("it did not fail")
    return EngineFailed(problem, remedy)


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_voice_that_fails_stops_the_model(after: int) -> None:
    engines = scripted(llm=(llm := ScriptedLlm(replies=(LONG_REPLY,))), tts=ScriptedTts(script=Script(fail_after=after)))
    error = await failure(engines)
    assert "tts failed" in error.problem
    assert (llm.ledger.completed, llm.ledger.cancelled) == (0, 1)


@pytest.mark.parametrize("after", [0, 1, 5, 15])
async def test_a_model_that_fails_stops_the_voice(after: int) -> None:
    tts = ScriptedTts(word_seconds=0.01)
    error = await failure(scripted(llm=ScriptedLlm(replies=(LONG_REPLY,), script=Script(fail_after=after)), tts=tts))
    assert "llm failed" in error.problem
    assert tts.ledger.completed + tts.ledger.cancelled == len(tts.ledger.requests)


async def test_a_model_that_fails_while_the_first_clause_is_being_said_stops_the_voice() -> None:
    tts = GatedTts()

    async def before(index: int) -> None:
        if index == 4:
            await tts.asked.wait()
            raise EngineFailed("The model broke.")

    error = await failure(scripted(llm=DictatedLlm(WORDS, before=before), tts=tts))
    assert error.problem == "The model broke."
    assert tts.ledger.cancelled == 1


async def test_a_sink_that_fails_stops_everything() -> None:
    class Full(Collector):
        async def write(self, chunk: SpokenChunk) -> None:
            raise EngineFailed("No room.")

    llm, tts = ScriptedLlm(replies=(LONG_REPLY,)), ScriptedTts()
    error = await failure(scripted(llm=llm, tts=tts), Full())
    assert error.problem == "No room."
    assert (llm.ledger.cancelled, tts.ledger.cancelled) == (1, 1)


async def test_ears_that_fail_ask_nobody_else() -> None:
    llm, tts = ScriptedLlm(), ScriptedTts()
    error = await failure(scripted(stt=ScriptedStt(script=Script(fail_after=0)), llm=llm, tts=tts))
    assert "stt failed" in error.problem
    assert llm.ledger.requests == tts.ledger.requests == []


async def test_a_recording_without_speech_asks_nobody() -> None:
    llm = ScriptedLlm()
    with pytest.raises(NoSpeech):
        await exchange(recording((1.0, False)), scripted(llm=llm), Collector())
    assert llm.ledger.requests == []


async def test_a_slow_sink_holds_up_nothing_but_the_sound() -> None:
    """The model has finished although only one piece was taken."""
    taken, go_on = anyio.Event(), anyio.Event()

    class Slow(Collector):
        async def write(self, chunk: SpokenChunk) -> None:
            await super().write(chunk)
            taken.set()
            await go_on.wait()

    llm, sink = ScriptedLlm(replies=(LONG_REPLY,)), Slow()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(exchange, QUESTION, scripted(llm=llm), sink)
        await taken.wait()
        await wait_all_tasks_blocked()
        assert llm.ledger.completed == 1
        assert len(sink.chunks) == 1
        go_on.set()
