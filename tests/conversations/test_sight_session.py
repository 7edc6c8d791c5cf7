"""A conversation before a camera: one picture for each request that needs it, ahead of the words where that helps, and none that stays."""

import numpy as np
import pytest
from stage import hush, on_stage, voice

from multimodal_assistant.core.events import TurnMetrics
from multimodal_assistant.core.types import Box, Picture, Pixels, Sighting
from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.engines.scripted_vision import ScriptedClassifier, ScriptedDetector, ScriptedReader
from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.pipeline.reply import Manner
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
