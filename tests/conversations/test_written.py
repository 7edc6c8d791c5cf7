"""What comes beside the voice: words in writing, answers that nobody asked for aloud, answers that are cut."""

from dataclasses import replace

import pytest
from stage import hush, on_stage, voice

from multimodal_assistant.core.events import CUT, AnswerRequested, AudioFinished, AudioStopped, Failure, ReplySpoken, TranscriptFinal
from multimodal_assistant.engines.scripted import Script
from multimodal_assistant.pipeline.history import INTERRUPTED
from multimodal_assistant.pipeline.reply import Manner

pytestmark = pytest.mark.anyio

LONG = "One two three four five six seven eight nine ten eleven twelve."


async def test_a_written_question_is_answered_by_voice() -> None:
    async with on_stage() as stage:
        stage.session.write("What time is it in Rome?")
        assert stage.session.answer()
        await stage.hear(hush(2.0))
        assert [event.name for event in stage.events if isinstance(event, AnswerRequested | AudioFinished)] == [
            "answer.requested",
            "audio.finished",
        ]
        assert not stage.told(TranscriptFinal)
        assert stage.llm.ledger.requests == ["What time is it in Rome?"]
        assert stage.session.quiet
    assert stage.memory == [("user", "What time is it in Rome?"), ("assistant", "It is nine.")]


async def test_the_assistant_may_speak_first() -> None:
    async with on_stage(replies=("Hello there.", "It is nine.")) as stage:
        assert stage.session.answer()
        await stage.hear(hush(1.5), voice(0.6), hush(2.0))
        assert "".join(event.delta for event in stage.told(ReplySpoken)) == "Hello there.It is nine."
    assert stage.memory == [("user", ""), ("assistant", "Hello there."), ("user", "What time is it?"), ("assistant", "It is nine.")]


async def test_what_was_written_waits_for_the_next_words() -> None:
    async with on_stage() as stage:
        stage.session.write("I am in Rome.")
        await stage.hear(voice(0.6), hush(2.0))
    assert stage.memory[0] == ("user", "I am in Rome. What time is it?")


@pytest.mark.parametrize("heard", [(voice(0.6),), (voice(0.6), hush(0.4)), (voice(0.6), hush(0.8))])
async def test_nobody_is_interrupted_by_an_answer_nor_is_one_asked_for_twice(heard: tuple[object, ...]) -> None:
    async with on_stage(replies=(LONG,)) as stage:
        await stage.hear(*heard)  # pyright: ignore[reportArgumentType]
        assert not stage.session.answer()
        await stage.hear(hush(5.0))
        assert not stage.told(AnswerRequested)
        assert stage.session.answer()
        assert not stage.session.answer()


async def test_an_answer_has_a_manner_of_its_own_if_that_is_wanted() -> None:
    async with on_stage(replies=(LONG,)) as stage:
        assert stage.session.answer(replace(Manner(), max_tokens=2))
        await stage.hear(hush(3.0))
    assert stage.memory[-1] == ("assistant", "One two")


async def test_a_cut_answer_is_remembered_as_far_as_it_was_heard() -> None:
    async with on_stage(replies=(LONG,)) as stage:
        await stage.hear(voice(0.6), hush(1.7))
        assert stage.session.cut()
        assert not stage.session.cut()
        assert stage.session.quiet
        (stopped,) = stage.told(AudioStopped)
        assert stopped.reason == CUT
        assert stopped.heard_text.startswith("One two three")
    assert stage.memory[-1] == ("assistant", f"{stopped.heard_text} {INTERRUPTED}")


async def test_who_plays_the_answer_knows_best_how_much_was_heard() -> None:
    async with on_stage(replies=(LONG,)) as stage:
        await stage.hear(voice(0.6), hush(1.7))
        assert stage.session.cut(heard_seconds=0.6)
        (stopped,) = stage.told(AudioStopped)
        assert stopped.heard_text == "One two"
    assert stage.memory[-1] == ("assistant", f"One two {INTERRUPTED}")


async def test_speech_after_a_cut_is_a_turn_of_its_own() -> None:
    async with on_stage(says=("Count.", "Thanks."), replies=(LONG, "Welcome.")) as stage:
        await stage.hear(voice(0.6), hush(1.0))
        stage.session.cut()
        await stage.hear(voice(0.6), hush(2.0))
        assert stage.asked == ["Count.", "Thanks."]
    assert stage.memory[-1] == ("assistant", "Welcome.")


async def test_real_words_stop_an_answer_to_what_was_written() -> None:
    async with on_stage(says=("no wait, something else",), replies=(LONG, "Fine.")) as stage:
        stage.session.write("Count.")
        stage.session.answer()
        await stage.hear(hush(0.3), voice(1.0), hush(2.0))
        assert len(stage.told(AudioStopped)) == 1
    assert stage.memory[0] == ("user", "Count.")
    assert stage.memory[-1] == ("assistant", "Fine.")


async def test_an_answer_that_fails_is_told_and_the_conversation_goes_on() -> None:
    async with on_stage() as stage:
        stage.llm.script = Script(fail_after=0)
        assert stage.session.answer()
        await stage.hear(hush(0.5))
        assert len(stage.told(Failure)) == 1
        assert stage.session.quiet
        stage.llm.script = Script()
        await stage.hear(voice(0.6), hush(2.0))
    assert stage.memory[-1] == ("assistant", "It is nine.")
