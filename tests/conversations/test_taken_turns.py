"""Turns that are taken from outside, answers that wait for them, and manners that change."""

from dataclasses import replace

import pytest
from cast import PatientStt
from stage import hush, on_stage, voice

from multimodal_assistant.core.events import AnswerBegun, AnswerFinished, TranscriptFailed, TranscriptFinal
from multimodal_assistant.core.types import ToolCall
from multimodal_assistant.engines.scripted import Script, ScriptedLlm
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.rules import Rules

pytestmark = pytest.mark.anyio

BY_HAND = Rules(listening=False)


async def test_voice_alone_does_nothing_and_what_is_taken_is_answered_when_that_is_asked_for() -> None:
    async with on_stage() as stage:
        stage.session.adopt(Manner(), BY_HAND)
        await stage.hear(voice(0.6), hush(2.5))
        assert not stage.events
        assert stage.session.take() == "taken1"
        await stage.hear(hush(0.5))
        assert [event.transcript.text for event in stage.told(TranscriptFinal)] == ["What time is it?"]
        assert not stage.told(AnswerBegun)
        assert stage.session.answer()
        await stage.hear(hush(2.0))
    assert stage.memory == [("user", "What time is it?"), ("assistant", "It is nine.")]


async def test_what_was_heard_before_it_was_forgotten_is_no_turn() -> None:
    async with on_stage() as stage:
        stage.session.adopt(Manner(), BY_HAND)
        await stage.hear(voice(0.6))
        stage.session.forget()
        assert stage.session.take() is None


async def test_an_answer_waits_for_the_words_that_were_taken_before_it() -> None:
    stt = PatientStt()
    async with on_stage(stt=stt) as stage:
        stt.patient = True
        stage.session.take(voice(0.5))
        assert stage.session.answer()
        await stage.hear(hush(0.5))
        assert not stage.llm.ledger.requests
        stt.answer("And in Rome?")
        await stage.hear(hush(2.0))
    assert stage.memory == [("user", "And in Rome?"), ("assistant", "It is nine.")]


async def test_what_is_taken_during_an_answer_comes_after_it() -> None:
    async with on_stage() as stage:
        stage.session.write("Hello.")
        stage.session.answer()
        await stage.hear(hush(0.3))
        stage.session.take(voice(0.5))
        await stage.hear(hush(2.0))
    assert stage.memory == [("user", "Hello."), ("assistant", "It is nine."), ("user", "What time is it?")]


async def test_a_turn_that_cannot_be_understood_is_told_and_keeps_no_answer_waiting() -> None:
    async with on_stage() as stage:
        stage.stt.script = Script(fail_after=0)
        stage.session.take(voice(0.5))
        assert stage.session.answer()
        await stage.hear(hush(2.0))
        assert len(stage.told(TranscriptFailed)) == 1
        assert len(stage.told(AnswerFinished)) == 1


async def test_a_manner_that_changes_counts_from_the_next_answer_on() -> None:
    async with on_stage(replies=("One two three.",)) as stage:
        await stage.hear(voice(0.6), hush(2.0))
        stage.session.adopt(replace(Manner(), max_tokens=1, aloud=False), Rules())
        await stage.hear(voice(0.6), hush(2.0))
        assert [event.aloud for event in stage.told(AnswerBegun)] == [True, False]
        assert len(stage.tts.ledger.requests) == 1
    assert [text for role, text in stage.memory if role == "assistant"] == ["One two three.", "One"]


async def test_a_call_is_told_with_the_end_of_its_answer_and_not_after_an_interruption() -> None:
    call = ToolCall("1", "weather", "{}")
    llm = ScriptedLlm(replies=(call, "One two three four five six.", "Fine."))
    async with on_stage(llm=llm) as stage:
        await stage.hear(voice(0.6), hush(2.0))
        (finished,) = stage.told(AnswerFinished)
        assert finished.calls == (call,)
        assert stage.session.history.returned("1", "rain")
        assert stage.session.answer()
        await stage.hear(hush(3.0))
    assert stage.memory[1:] == [("assistant", ""), ("tool", "rain"), ("assistant", "One two three four five six.")]


async def test_turns_that_are_only_noted() -> None:
    async with on_stage() as stage:
        stage.session.adopt(replace(Manner(), answers=False), Rules().by_silence(0.3))
        await stage.hear(voice(0.6), hush(1.0), voice(0.6), hush(1.0))
        assert not stage.told(AnswerBegun)
        assert not stage.llm.ledger.requests
        assert stage.session.quiet
    assert stage.memory == [("user", "What time is it? What time is it?")]


@pytest.mark.parametrize("rules", [BY_HAND, Rules(interruptible=False)])
@pytest.mark.parametrize("voiced", [0.2, 0.4])
async def test_an_answer_that_waits_for_a_voice_goes_on_where_voices_do_not_count_any_more(rules: Rules, voiced: float) -> None:
    async with on_stage(says=("Hello.", "mm"), replies=("One two three four five six seven.",)) as stage:
        stage.session.answer()
        await stage.hear(hush(0.4), voice(voiced))
        stage.session.adopt(Manner(), rules)
        await stage.hear(voice(0.3), hush(2.5))
        assert len(stage.told(AnswerFinished)) == 1
        assert stage.session.quiet
