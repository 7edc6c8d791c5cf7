"""Words while they are being said: captions, and a language model that reads ahead."""

import pytest
from cast import PatientStt, ReadingLlm
from stage import hush, on_stage, voice

from multimodal_assistant.core.events import TranscriptPartial
from multimodal_assistant.engines.scripted import Script

pytestmark = pytest.mark.anyio

SO_FAR = ("tell me", "tell me a", "tell me a story about", "Tell me a story about Rome.")


async def test_words_are_told_while_they_are_said_and_only_the_last_ones_are_remembered() -> None:
    async with on_stage(says=SO_FAR) as stage:
        await stage.hear(voice(3.0), hush(2.0))
        partial = stage.told(TranscriptPartial)
        assert [event.text for event in partial][:3] == list(SO_FAR[:3])
        assert partial[0].t >= 0.8
        assert all(later.t - earlier.t >= 0.39 for earlier, later in zip(partial, partial[1:], strict=False))
    assert stage.memory[0] == ("user", SO_FAR[-1])


async def test_a_model_reads_ahead_all_but_the_last_word_and_never_the_draft() -> None:
    llm = ReadingLlm()
    async with on_stage(says=SO_FAR, llm=llm) as stage:
        await stage.hear(voice(3.0), hush(2.0))
    *ahead, after = llm.read
    assert [messages[-1].text for messages in ahead] == ["tell", "tell me", "tell me a story", "Tell me a story about"]
    assert all(message.role == "system" for messages in ahead for message in messages[:-1])
    assert [message.text for message in after[1:]] == [SO_FAR[-1], "Once upon a time.", ""], "read up on, between two turns"
    assert llm.ledger.requests == [SO_FAR[-1]]


async def test_a_short_utterance_has_no_partials() -> None:
    async with on_stage() as stage:
        await stage.hear(voice(0.7), hush(2.0))
        assert stage.stt.ledger.requests == ["What time is it?"]


async def test_a_partial_that_comes_after_its_turn_is_not_told() -> None:
    stt = PatientStt(texts=("Hello.",))
    async with on_stage(stt=stt) as stage:
        stt.patient = True
        await stage.hear(voice(1.4))
        assert len(stt.waiting) == 1
        stt.patient = False
        await stage.hear(hush(2.0))
        stt.answer("good")
        await stage.stall()
        assert not stage.told(TranscriptPartial)
        assert stage.asked == ["Hello."]


async def test_a_partial_that_fails_is_no_failure_of_the_turn() -> None:
    async with on_stage() as stage:
        stage.stt.script = Script(fail_after=0)
        await stage.hear(voice(1.4))
        stage.stt.script = Script()
        await stage.hear(hush(2.0))
        assert "error" not in stage.names
        assert stage.memory[-1] == ("assistant", "It is nine.")


async def test_an_interruption_has_partials_of_its_own() -> None:
    long = "One two three four five six seven eight nine ten eleven twelve."
    async with on_stage(says=("Count.", "What about the other one?"), replies=(long, "Fine.")) as stage:
        await stage.hear(voice(0.6), hush(1.2), voice(1.6), hush(2.0))
        partial = stage.told(TranscriptPartial)
        assert {(event.turn, event.text) for event in partial} == {("2", "What about the other one?")}
        assert partial[0].t >= 0.6 + 1.2 + 0.8
        assert stage.asked == ["Count.", "What about the other one?"]
