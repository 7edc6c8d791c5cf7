"""An answer that is late, and one that does not come."""

from collections.abc import AsyncGenerator, Sequence

import anyio
import numpy as np
import pytest
from stage import hush, on_stage, voice

from choir import Choir
from multimodal_assistant.core.events import AnswerGivenUp, AudioFinished, AudioStarted, AudioStopped, Failure, StopgapStarted
from multimodal_assistant.core.types import Message, TextDelta
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.stopgap import Patience, Stopgaps, stopgaps

pytestmark = pytest.mark.anyio


SORRY_IN_FRENCH = "Pardon, cela me prend trop de temps. Redemande-moi, s'il te plaît."


class WaitingLlm(ScriptedLlm):
    """Writes nothing before it is let."""

    def __init__(self, *, replies: Sequence[str] = ("It is nine.",)) -> None:
        super().__init__(replies=replies)
        self.let = anyio.Event()

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        await self.let.wait()
        async for delta in super().reply(messages, max_tokens=max_tokens):
            yield delta


class EnglishTts(ScriptedTts):
    """A voice that says which language it speaks."""

    @property
    def details(self) -> dict[str, str]:
        return {**super().details, "language": "en"}


async def patient(give_up_after: float = 1.5) -> Manner:
    """With a stopgap after half a second."""
    return Manner(stopgaps=await stopgaps(EnglishTts(), Patience(0.5, give_up_after)))


async def test_something_is_said_while_the_answer_is_late_and_then_the_answer() -> None:
    llm = WaitingLlm()
    async with on_stage(llm=llm, manner=await patient()) as stage:
        await stage.hear(voice(0.6), hush(1.6))
        (stopgap,) = stage.told(StopgapStarted)
        assert not stage.told(AudioStarted)
        llm.let.set()
        await stage.hear(hush(2.5))
        (begun,) = stage.told(AudioStarted)
        assert begun.t > stopgap.t + 0.7, "it is said to its end"
        assert stage.told(AudioFinished)
        assert not stage.told(Failure)
    assert stage.memory == [("user", "What time is it?"), ("assistant", "It is nine.")]


async def test_an_answer_in_time_is_the_only_thing_said() -> None:
    async with on_stage(manner=await patient()) as stage:
        await stage.hear(voice(0.6), hush(3.0))
    assert not stage.told(StopgapStarted)


async def test_an_answer_that_does_not_come_is_given_up_and_that_is_said() -> None:
    llm = WaitingLlm()
    async with on_stage(llm=llm, manner=await patient()) as stage:
        await stage.hear(voice(0.6), hush(6.0))
        (failure,) = stage.told(Failure)
        assert failure.problem == "The answer took too long and was given up."
        (given_up,) = stage.told(AnswerGivenUp)
        assert given_up.t > failure.t + 1.0, "what is said about it has gone out by then"
        assert len(stage.told(StopgapStarted)) == 2
        assert stage.session.quiet
        llm.let.set()
        await stage.hear(voice(0.6), hush(2.5))
        assert stage.told(AudioFinished)
    assert stage.memory[0] == ("user", "What time is it? What time is it?"), "nothing that was said is lost"
    assert stage.memory[1] == ("assistant", "It is nine.")


async def test_the_user_may_talk_over_both() -> None:
    async with on_stage(llm=WaitingLlm(), says=("What time is it?", "stop"), manner=await patient(5.0)) as stage:
        await stage.hear(voice(0.6), hush(1.7), voice(1.0), hush(0.3))
        assert stage.told(StopgapStarted)
        assert stage.told(AudioStopped)
    async with on_stage(llm=WaitingLlm(), manner=await patient()) as stage:
        await stage.hear(voice(0.6), hush(3.0))
        assert stage.told(Failure)
        assert not stage.told(AnswerGivenUp)
        await stage.hear(voice(0.6))
        assert stage.told(AnswerGivenUp)


async def test_a_voice_whose_language_is_not_known_keeps_silent_and_gives_up_all_the_same() -> None:
    manner = Manner(stopgaps=await stopgaps(ScriptedTts(), Patience(0.5, 1.5)))
    async with on_stage(llm=WaitingLlm(), manner=manner) as stage:
        await stage.hear(voice(0.6), hush(3.5))
        assert not stage.told(StopgapStarted)
        assert stage.told(Failure)
        assert stage.told(AnswerGivenUp)


async def test_it_is_said_by_the_voice_that_answers_once_that_has_spoken() -> None:
    choir = Choir()
    llm = WaitingLlm(replies=("Il est neuf heures.",))
    llm.let.set()
    manner = Manner(stopgaps=await stopgaps(choir.main, Patience(0.5, 1.5)))
    async with on_stage(
        stt=ScriptedStt(texts=("Quelle heure est-il ?",), language="fr"), llm=llm, voice_of=choir.voice, manner=manner
    ) as stage:
        await stage.hear(voice(0.6), hush(2.5))
        assert choir.said("siwis")[-3:] == ["Un instant.", "Je réfléchis.", SORRY_IN_FRENCH]
        rehearsed = len(choir.said("siwis"))
        llm.let = anyio.Event()
        before = len(stage.connection.played)
        await stage.hear(voice(0.6), hush(7.0))
        assert len(stage.told(StopgapStarted)) == 2
        assert stage.told(AnswerGivenUp)
        assert np.abs(stage.connection.played[before:]).max() > 0.1
    assert len(choir.main.ledger.requests) == 4, "what it rehearsed itself before"
    assert len(choir.said("siwis")) == rehearsed, "once"


async def test_who_has_answered_in_the_language_of_the_first_voice_makes_no_other_rehearse() -> None:
    choir = Choir()
    manner = Manner(stopgaps=await stopgaps(choir.main, Patience(0.5, 1.5)))
    asked = ScriptedStt(texts=("Quelle heure est-il ?",), language="fr")
    async with on_stage(stt=asked, replies=("It is nine o'clock.",), voice_of=choir.voice, manner=manner) as stage:
        await stage.hear(voice(0.6), hush(3.0))
    assert choir.opened == {}


async def test_a_voice_that_was_chosen_rehearses_too() -> None:
    choir = Choir()
    gaps = await stopgaps(choir.main, Patience(0.5, 1.5))
    async with on_stage(voice_of=choir.voice, manner=Manner(stopgaps=gaps, voice="dora")) as stage:
        await stage.hear(voice(0.6), hush(2.5))
        assert choir.said("dora")[1:3] == ["Un momento.", "Déjame pensar."]
        assert gaps.of("dora", "en") is not gaps.of("", "en")


async def test_without_patience_there_is_no_end_to_it() -> None:
    async with on_stage(llm=WaitingLlm(), manner=Manner(stopgaps=Stopgaps(Patience(90, 100)))) as stage:
        await stage.hear(voice(0.6), hush(20.0))
        assert not stage.told(Failure)
