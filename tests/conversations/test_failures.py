"""An engine fails in the middle of a conversation: the session says so, lives, and answers the next question."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest
from cast import FAILED, HaltingLlm, PatientStt
from stage import Stage, hush, on_stage, voice

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.events import AudioResumed, Failure
from multimodal_assistant.core.types import Message, TextDelta
from multimodal_assistant.engines.scripted import Script, ScriptedLlm

pytestmark = pytest.mark.anyio

REPLY = "Oh well, one two three four five six."
FINE = Script()


async def ask(stage: Stage) -> None:
    """A question, and all the time that its answer takes."""
    await stage.hear(voice(0.6), hush(3.5))


async def assert_next_question_is_answered(stage: Stage, *, failures: int = 1) -> None:
    """One failure was told, and the conversation goes on."""
    told = stage.told(Failure)
    assert [bool(event.problem) for event in told] == [True] * failures
    assert stage.session.quiet
    for engine in stage.engines:
        engine.script = FINE
    before = len(stage.named("audio.finished"))
    await ask(stage)
    assert len(stage.named("audio.finished")) == before + 1
    assert len(stage.told(Failure)) == failures
    assert stage.memory[-1] == ("assistant", REPLY)


@pytest.mark.parametrize("engine", ["stt", "llm", "tts"])
async def test_an_engine_that_fails_at_once(engine: str) -> None:
    async with on_stage(replies=(REPLY,)) as stage:
        getattr(stage, engine).script = Script(fail_after=0)
        await ask(stage)
        assert dbfs(stage.connection.played) < -100
        assert "audio.started" not in stage.names
        assert stage.memory == []
        await assert_next_question_is_answered(stage)


async def test_a_model_that_fails_in_the_first_clause() -> None:
    async with on_stage(replies=(REPLY,)) as stage:
        stage.llm.script = Script(fail_after=1)
        await ask(stage)
        assert "audio.started" not in stage.names
        await assert_next_question_is_answered(stage)


@pytest.mark.parametrize("after", [2, 3, 5])
async def test_a_voice_that_fails_in_the_second_clause_is_remembered_as_far_as_it_was_heard(after: int) -> None:
    async with on_stage(replies=(REPLY,)) as stage:
        stage.tts.script = Script(fail_after=after)
        await ask(stage)
        heard = " ".join(REPLY.split()[: 2 + after])
        assert stage.memory == [("user", "What time is it?"), ("assistant", f"{heard} —")]
        assert stage.names[-2:] == ["audio.finished", "answer.finished"]
        await assert_next_question_is_answered(stage)


async def test_a_model_that_fails_after_the_commit_is_remembered_as_far_as_it_was_heard() -> None:
    llm = HaltingLlm("Oh well, I ", FAILED)
    async with on_stage(llm=llm) as stage:
        await stage.hear(voice(0.6), hush(1.5))
        assert stage.named("audio.started")
        assert not stage.session.quiet
        llm.go_on.set()
        await stage.hear(hush(0.5))
        (failure,) = stage.told(Failure)
        assert (failure.problem, failure.remedy) == (FAILED.problem, FAILED.remedy)
        assert stage.session.quiet
        assert stage.memory == [("user", "What time is it?"), ("assistant", "Oh well, —")]


async def test_a_model_that_fails_after_the_commit_and_before_a_sound_leaves_the_question_unanswered() -> None:
    llm = HaltingLlm("", FAILED)
    async with on_stage(llm=llm) as stage:
        await stage.hear(voice(0.6), hush(1.0))
        assert "turn.committed" in stage.names
        llm.go_on.set()
        await stage.hear(hush(0.5))
        assert len(stage.told(Failure)) == 1
        assert stage.session.quiet
        assert stage.memory == [("user", "What time is it?")]


async def test_the_failure_of_a_draft_that_was_retracted_is_not_told() -> None:
    """It never happened, and neither did its failure."""

    class Sour(ScriptedLlm):
        """Fails when it is told to stop."""

        async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
            try:
                async with aclosing(super().reply(messages, max_tokens=max_tokens)) as deltas:
                    async for delta in deltas:
                        yield delta
            except BaseException:
                raise EngineFailed("It did not like to be stopped.") from None

    async with on_stage(llm=Sour(script=Script(delay=60.0)), scores=(0.1,)) as stage:
        await stage.hear(voice(0.6), hush(0.2), voice(0.6))
        assert "draft.retracted" in stage.names
        assert "error" not in stage.names


async def test_without_scores_the_silence_decides() -> None:
    async with on_stage(replies=(REPLY,)) as stage:
        stage.turn.script = stage.sentence.script = Script(fail_after=0)
        await stage.hear(voice(0.6), hush(4.5))
        (committed,) = stage.named("turn.committed")
        assert 0.6 + 1.08 <= committed.t <= 0.6 + 1.2
        assert stage.memory[-1] == ("assistant", REPLY)
        assert "error" not in stage.names


async def test_an_interruption_that_cannot_be_understood_is_taken_for_none() -> None:
    async with on_stage(replies=(REPLY,)) as stage:
        await stage.hear(voice(0.6), hush(1.0))
        stage.stt.script = Script(fail_after=0)
        await stage.hear(voice(0.5), hush(4.0))
        (resumed,) = stage.told(AudioResumed)
        assert resumed.reason == "no words in time"
        assert stage.memory == [("user", "What time is it?"), ("assistant", REPLY)]


async def test_a_recognizer_that_never_answers_keeps_nobody_from_hanging_up() -> None:
    stt = PatientStt()
    stt.patient = True
    async with on_stage(stt=stt) as stage:
        await stage.hear(voice(0.6), hush(3.0))
        assert len(stt.waiting) == 1
        assert "turn.committed" not in stage.names
