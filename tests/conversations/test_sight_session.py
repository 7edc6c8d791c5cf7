"""A conversation before a camera: one picture for each request that needs it, ahead of the words where that helps, and none that stays."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest
from stage import hush, on_stage, voice

from multimodal_assistant.core.events import AnswerFinished, TurnMetrics
from multimodal_assistant.core.types import Box, Message, Picture, Pixels, Sighting, TextDelta, Tool, ToolCall
from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.engines.scripted_vision import ScriptedClassifier, ScriptedDetector, ScriptedReader
from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.respond import Toolbox
from multimodal_assistant.pipeline.sight import LiveSight, Viewer
from multimodal_assistant.pipeline.views import StillView

pytestmark = pytest.mark.anyio

PICTURE = Picture(b"a picture", "image/jpeg")
TURN = np.concatenate([hush(0.5), voice(0.7), hush(3.0)])
CAT = Sighting("cat", 0.9, Box(0.4, 0.4, 0.2, 0.2))


async def encode(pixels: Pixels) -> Picture:
    return PICTURE


def sight(*, sees: bool, small: bool = False) -> LiveSight:
    pixels = np.random.default_rng(1).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    eyes = None if sees else Eyes(ScriptedDetector(scenes=[[CAT]]), ScriptedClassifier(scenes=[[]]), ScriptedReader(scenes=[[]]))
    return LiveSight(StillView(pixels, encode, eyes), Viewer(sees=sees, small=small))


async def test_a_picture_is_looked_at_before_the_words_are_known_and_goes_with_them() -> None:
    llm = ScriptedLlm(replies=["I", "A cat."], sees=True)
    async with on_stage(says=("What do you see?",), llm=llm, manner=Manner(sight=sight(sees=True), looks_ahead=True)) as stage:
        await stage.hear(TURN)
        assert stage.memory == [("user", "(In view: A picture was shown.)\n\nWhat do you see?"), ("assistant", "A cat.")]
        (metrics,) = stage.told(TurnMetrics)
        assert metrics.stages["look"] is not None
    assert llm.shown == [PICTURE, PICTURE]
    assert llm.ledger.requests == ["", "What do you see?"]


async def test_nothing_is_shown_ahead_to_a_server_that_forgets_it() -> None:
    llm = ScriptedLlm(replies=["A cat."], sees=True)
    async with on_stage(says=("What do you see?",), llm=llm, manner=Manner(sight=sight(sees=True))) as stage:
        await stage.hear(TURN)
    assert llm.shown == [PICTURE]


async def test_history_keeps_no_picture() -> None:
    llm = ScriptedLlm(replies=["A cat.", "Nine."], sees=True)
    async with on_stage(says=("What do you see?", "What time is it?"), llm=llm, manner=Manner(sight=sight(sees=True))) as stage:
        await stage.hear(TURN)
        await stage.hear(TURN)
        assert all(message.picture is None for message in stage.session.history.messages)
    assert llm.shown == [PICTURE, None]


async def test_a_model_that_does_not_see_reads_what_is_in_view_where_it_matters() -> None:
    llm = ScriptedLlm(replies=["A cat.", "Nine."])
    async with on_stage(says=("What do you see?", "What time is it?"), llm=llm, manner=Manner(sight=sight(sees=False))) as stage:
        await stage.hear(TURN)
        await stage.hear(TURN)
    assert llm.ledger.requests == ["(In view: A cat in the middle.)\n\nWhat do you see?", "What time is it?"]


async def test_a_small_model_is_not_asked() -> None:
    llm = ScriptedLlm()
    async with on_stage(says=("Is there a dog here?",), llm=llm, manner=Manner(sight=sight(sees=False, small=True))) as stage:
        await stage.hear(TURN)
        assert stage.written == "No, I see no dog. I see a cat in the middle."
    assert llm.ledger.requests == []


ASKS = ToolCall("1", "look", "{}")
LIVE = Manner(sight=sight(sees=True), may_look=True)


async def test_a_model_may_ask_to_look_again() -> None:
    """No pattern knows that the second question needs the view, and the view has been shown before."""
    llm = ScriptedLlm(replies=["A tie.", ASKS, "It is straight.", "Nine."], sees=True)
    says = ("What do you see?", "Straight now?", "What time is it?")
    async with on_stage(says=says, llm=llm, manner=replace(LIVE, sight=sight(sees=True))) as stage:
        for _ in says:
            await stage.hear(TURN)
        assert stage.memory[2:4] == [("user", "(In view: A picture was shown.)\n\nStraight now?"), ("assistant", "It is straight.")]
        assert all(message.picture is None for message in stage.session.history.messages)
        assert not any(answer.calls for answer in stage.told(AnswerFinished))
    assert llm.shown == [PICTURE, None, PICTURE, None]
    assert llm.offered == [("look",)] * 4  # each time: the beginning of the prompt stays the same
    assert llm.ledger.requests[1:3] == ["Straight now?", "Straight now?"]


async def test_it_looks_once_for_an_answer() -> None:
    llm = ScriptedLlm(replies=[ASKS], sees=True)
    async with on_stage(says=("Straight now?",), llm=llm, manner=replace(LIVE, sight=sight(sees=True))) as stage:
        await stage.hear(TURN)
        assert not any(answer.calls for answer in stage.told(AnswerFinished))
    assert llm.shown == [PICTURE, PICTURE]  # the first one is new to it anyway


async def test_what_it_says_before_it_looks_is_said() -> None:
    class Polite(ScriptedLlm):
        async def reply_or_call(
            self, messages: Sequence[Message], *, max_tokens: int, tools: Sequence[Tool], required: bool = False
        ) -> AsyncGenerator[TextDelta]:
            first = not self.ledger.requests
            async with aclosing(super().reply_or_call(messages, max_tokens=max_tokens, tools=tools, required=required)) as deltas:
                async for delta in deltas:
                    yield delta
            if first:
                yield TextDelta("", calls=(ASKS,))

    llm = Polite(replies=["Let me see.", "It is straight."], sees=True)
    async with on_stage(says=("Straight now?",), llm=llm, manner=replace(LIVE, sight=sight(sees=True))) as stage:
        await stage.hear(TURN)
        assert stage.written == "Let me see. It is straight."


async def test_it_is_told_where_there_is_nothing_to_look_at() -> None:
    class Covered(StillView):
        @property
        def blind(self) -> str:
            return "I cannot see anything: the camera shows only darkness."

    covered = LiveSight(Covered(np.zeros((90, 160, 3), np.uint8), encode, None), Viewer(sees=True))
    llm = ScriptedLlm(replies=[ASKS, "I cannot see it."], sees=True)
    async with on_stage(says=("Straight now?",), llm=llm, manner=replace(LIVE, sight=covered)) as stage:
        await stage.hear(TURN)
    assert llm.shown == [None, None]
    assert llm.ledger.requests == ["Straight now?", "(In view: nothing: the camera shows nothing now)\n\nStraight now?"]


async def test_a_clients_functions_come_first_and_its_own_look_is_its_own() -> None:
    theirs = Toolbox((Tool("lamp"),))
    llm = ScriptedLlm(replies=[ToolCall("2", "lamp", "{}")], sees=True)
    async with on_stage(says=("Straight now?",), llm=llm, manner=replace(LIVE, sight=sight(sees=True), toolbox=theirs)) as stage:
        await stage.hear(TURN)
        (made,) = stage.told(AnswerFinished)
        assert [call.name for call in made.calls] == ["lamp"]
    assert llm.offered == [("lamp", "look")]
    llm = ScriptedLlm(replies=[ASKS], sees=True)
    own = replace(LIVE, sight=sight(sees=True), toolbox=Toolbox((Tool("look"),)))
    async with on_stage(says=("Straight now?",), llm=llm, manner=own) as stage:
        await stage.hear(TURN)
        (made,) = stage.told(AnswerFinished)
        assert made.calls == (ASKS,)
    assert llm.offered == [("look",)]


async def test_what_is_shown_ahead_begins_in_the_same_way() -> None:
    llm = ScriptedLlm(replies=["I", "A cat."], sees=True)
    async with on_stage(says=("What do you see?",), llm=llm, manner=replace(LIVE, sight=sight(sees=True), looks_ahead=True)) as stage:
        await stage.hear(TURN)
    assert llm.offered == [("look",)] * 2
