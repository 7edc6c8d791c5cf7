"""A session that is cancelled at any moment leaves no task, no open generator and no open stream."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import numpy as np
import pytest
from anyio.lowlevel import checkpoint
from stage import Stage, hush, set_up, voice

from leaks import nothing_left
from multimodal_assistant.transports.loopback import BLOCK

pytestmark = pytest.mark.anyio

STORY = np.concatenate([voice(0.3), hush(0.16), voice(0.24), hush(0.66), voice(0.4), hush(0.4)])
"""A pause within the turn, an answer, an interruption, and the beginning of another answer."""

BLOCKS = len(STORY) // BLOCK
PARTS = 8


@asynccontextmanager
async def cancelled_after() -> AsyncGenerator[Stage]:
    """The session runs inside and is cancelled at the end; all that it asked of an engine has an end."""
    stage = set_up(
        says=("Tell me", "Tell me more.", "no wait", "no wait"),
        replies=("Oh well, so be it. One two three four five.",),
        scores=(0.05, 0.95),
    )
    async with nothing_left():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.session.run)
            yield stage
            tasks.cancel_scope.cancel()
        await stage.connection.hang_up()
    for engine in stage.engines:
        assert engine.ledger.completed + engine.ledger.cancelled == len(engine.ledger.requests), engine.kind


async def push(stage: Stage, blocks: int) -> None:
    for index in range(blocks):
        await stage.connection.push(STORY[index * BLOCK : (index + 1) * BLOCK])
        for _ in range(40):
            await checkpoint()


async def test_the_story_has_everything_in_it() -> None:
    async with cancelled_after() as stage:
        await push(stage, BLOCKS)
        assert {"draft.retracted", "turn.committed", "audio.started", "audio.paused", "audio.stopped"} <= set(stage.names)
        assert stage.names.count("turn.committed") == 2


@pytest.mark.parametrize("part", range(PARTS))
async def test_after_any_block(part: int) -> None:
    for blocks in range(part, BLOCKS + 1, PARTS):
        async with cancelled_after() as stage:
            await push(stage, blocks)


def moments() -> dict[str, int]:
    """What happens in a block → how many blocks come before it."""
    pauses = {"draft": 0.3 + 0.06, "second draft": 0.7 + 0.06, "commit": 0.7 + 0.25, "interruption": 1.36 + 0.2, "verdict": 1.36 + 0.26}
    return {name: int(seconds / 0.02) for name, seconds in pauses.items()}


@pytest.mark.parametrize("moment", moments())
async def test_after_any_step_of_the_loop_while_engines_work(moment: str) -> None:
    before = moments()[moment]
    for steps in range(0, 120, 4):
        async with cancelled_after() as stage:
            await push(stage, before)
            for index in (before, before + 1):
                await stage.connection.push(STORY[index * BLOCK : (index + 1) * BLOCK])
            for _ in range(steps):
                await checkpoint()


async def test_before_the_first_block() -> None:
    for steps in range(10):
        async with cancelled_after():
            for _ in range(steps):
                await checkpoint()


async def test_when_the_other_side_hangs_up_the_session_ends_by_itself() -> None:
    for blocks in range(0, BLOCKS + 1, 5):
        stage = set_up(replies=("Oh well, so be it.",))
        async with nothing_left():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stage.session.run)
                await push(stage, blocks)
                await stage.connection.hang_up()
        for engine in stage.engines:
            assert engine.ledger.completed + engine.ledger.cancelled == len(engine.ledger.requests), engine.kind
