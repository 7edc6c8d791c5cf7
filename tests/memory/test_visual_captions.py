"""What a model that sees says of kept views: in idle time, once each, and things are found by it that no recognizer knows."""

from pathlib import Path

import anyio
import pytest
from visual_lab import shot, thing, visual

from multimodal_assistant.engines.scripted import Script, ScriptedLlm
from multimodal_assistant.memory.visual.captions import ASK, Captioner

pytestmark = pytest.mark.anyio

KEYS = "A bunch of keys on a white table, and a cup on the left."


async def test_what_the_recognizers_do_not_know_is_found_by_its_caption(tmp_path: Path) -> None:
    llm = ScriptedLlm(replies=[KEYS], sees=True)
    async with visual(tmp_path) as memory:
        id = await memory.keep("anna", shot(10, "white", thing("cup")))
        assert await memory.recall_visual("anna", "my keys") == []
        captioner = Captioner(memory, llm, quiet=lambda: True)
        assert await captioner.step()
        assert not await captioner.step()
        (found,) = await memory.recall_visual("anna", "my keys")
        assert (found.view.id, found.view.caption) == (id, KEYS)
        assert await memory.recall_visual("bert", "my keys") == []
    assert llm.ledger.requests == [ASK]
    assert llm.shown[0] is not None


async def test_the_newest_view_comes_first_and_one_that_fails_is_passed_over(tmp_path: Path) -> None:
    async with visual(tmp_path) as memory:
        for minutes, colour in ((30, "white"), (20, "blue"), (10, "green")):
            await memory.keep("anna", shot(minutes, colour, thing("cup" if colour == "blue" else "book")))
        failing = Captioner(memory, ScriptedLlm(sees=True, script=Script(fail_after=0)), quiet=lambda: True)
        while await failing.step():
            pass
        assert all(not view.caption for view in await memory.latest("anna", 5))
        working = Captioner(memory, ScriptedLlm(replies=["First.", "Second.", "Third."], sees=True), quiet=lambda: True)
        while await working.step():
            pass
        assert [view.caption for view in await memory.latest("anna", 5)] == ["First.", "Second.", "Third."]


async def test_the_model_is_let_go_when_somebody_has_the_floor(tmp_path: Path) -> None:
    quiet = True
    llm = ScriptedLlm(replies=[KEYS], sees=True, script=Script(delay=3600))
    async with visual(tmp_path) as memory:
        await memory.keep("anna", shot(10, "white"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Captioner(memory, llm, quiet=lambda: quiet).run)
            while not llm.ledger.requests:  # noqa: ASYNC110 - the model's own moment
                await anyio.sleep(0.01)
            quiet = False
            while not llm.ledger.cancelled:  # noqa: ASYNC110
                await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        assert [view.caption for view in await memory.latest("anna", 5)] == [""]
