"""A view that was kept goes with the answer that tells of it, once that is there, and with nothing else."""

from dataclasses import dataclass, field

import pytest
from stage import Stage, hush, on_stage, voice
from test_late import WaitingLlm, patient

from multimodal_assistant.core.events import AnswerGivenUp, AudioFinished, AudioStarted, DraftRetracted, ReplyText, ViewShown
from multimodal_assistant.core.types import Glance, Picture, RememberedView
from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.pipeline.reply import Manner

pytestmark = pytest.mark.anyio

VIEW = RememberedView(7, 1_778_164_320.0, "the camera", "A cup on the left.", Picture(b"a picture", "image/jpeg"))
TOLD = Glance(answer="I saw a cup on the left.", remembered=VIEW)


@dataclass
class Remembering:
    """Eyes that have only a past."""

    glances: list[Glance]
    asked: list[str] = field(default_factory=list[str])
    live: bool = False

    async def look(self, said: str) -> Glance:
        self.asked.append(said)
        return self.glances.pop(0) if len(self.glances) > 1 else self.glances[0]

    async def ahead(self) -> Picture | None:
        return None


def order(stage: Stage, *kinds: type) -> list[str]:
    return [event.name for event in stage.events if isinstance(event, kinds)]


async def test_it_is_shown_when_the_answer_begins_to_sound() -> None:
    async with on_stage(says=("Where is my cup?",), manner=Manner(sight=Remembering([TOLD]))) as stage:
        await stage.hear(hush(0.5), voice(0.7), hush(4.0))
        assert order(stage, AudioStarted, ViewShown, AudioFinished) == ["audio.started", "view.shown", "audio.finished"]
        (shown,) = stage.told(ViewShown)
        (begun,) = stage.told(AudioStarted)
        assert (shown.view, shown.turn) == (VIEW, begun.turn)
        assert stage.memory == [("user", "Where is my cup?"), ("assistant", "I saw a cup on the left.")]
        assert all(message.picture is None for message in stage.session.history.messages)
    assert stage.llm.ledger.requests == []


async def test_it_is_shown_when_the_first_of_the_answer_is_written() -> None:
    llm = ScriptedLlm(replies=["It was on the left."])
    told = Glance(words="from memory: I saw a cup on the left.", remembered=VIEW)
    async with on_stage(llm=llm, manner=Manner(sight=Remembering([told]), aloud=False)) as stage:
        stage.session.write("Where is my cup?")
        assert stage.session.answer()
        await stage.hear(hush(1.0))
        assert order(stage, ReplyText, ViewShown)[:3] == ["reply.text", "view.shown", "reply.text"]
        assert len(stage.told(ViewShown)) == 1
    assert llm.shown == [None]
    assert llm.ledger.requests == ["(In view: from memory: I saw a cup on the left.)\n\nWhere is my cup?"]


async def test_each_answer_has_its_own_or_none() -> None:
    sight = Remembering([TOLD, Glance(answer="I have not seen one."), TOLD])
    async with on_stage(manner=Manner(sight=sight)) as stage:
        for question in ("Where is my cup?", "Where is my phone?", "Where is my cup?"):
            stage.session.write(question)
            assert stage.session.answer()
            await stage.hear(hush(3.0))
        assert [event.turn for event in stage.told(ViewShown)] == ["1", "3"]


async def test_nothing_is_shown_for_an_answer_that_is_given_up() -> None:
    told = Glance(words="from memory: I saw a cup on the left.", remembered=VIEW)
    manner = await patient()
    async with on_stage(llm=WaitingLlm(), manner=Manner(stopgaps=manner.stopgaps, sight=Remembering([told]))) as stage:
        await stage.hear(voice(0.6), hush(6.0))
        assert stage.told(AnswerGivenUp)
        assert not stage.told(ViewShown)


async def test_nothing_is_shown_for_an_answer_that_nobody_has_heard_of() -> None:
    """The user goes on after a pause: there never was one to the first half."""
    sight = Remembering([TOLD, Glance(answer="It is nine.")])
    says = ("Where did you last see my", "Where did you last see my watch?")
    async with on_stage(says=says, scores=(0.1, 0.95), manner=Manner(sight=sight)) as stage:
        await stage.hear(voice(0.6), hush(0.4), voice(0.6), hush(4.0))
        assert stage.told(DraftRetracted)
        assert stage.told(AudioFinished)
        assert sight.asked[-1] == says[-1]
        assert not stage.told(ViewShown)
