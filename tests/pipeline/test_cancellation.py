"""An exchange that is cancelled at every point where it waits leaves nothing behind."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from scenes import QUESTION, Collector, Interrupted, ThreadedLlm, ThreadedStt, ThreadedTts, close, scripted

from leaks import nothing_left
from multimodal_assistant.core.types import SpokenChunk
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad
from multimodal_assistant.pipeline.exchange import exchange
from multimodal_assistant.pipeline.reply import Engines

pytestmark = pytest.mark.anyio

MOST = 400
"""More waits than any exchange here has."""


class SlowSink(Collector):
    """Takes a moment for every piece."""

    async def write(self, chunk: SpokenChunk) -> None:
        await checkpoint()
        await super().write(chunk)


async def test_cancelled_after_any_number_of_steps_of_the_loop_nothing_is_left() -> None:
    """Every engine that was asked has either finished or been told to stop."""
    finished = False
    for steps in range(MOST):
        stt, llm, tts = ScriptedStt(), ScriptedLlm(replies=("Well yes, it is so. I think.",)), ScriptedTts(word_seconds=0.001)
        async with nothing_left():
            finished = await _cancelled_after(steps, exchange(QUESTION, scripted(stt=stt, llm=llm, tts=tts), SlowSink()))
        for engine in (stt, llm, tts):
            ledger = engine.ledger
            assert ledger.completed + ledger.cancelled == len(ledger.requests), (steps, engine.kind)
        if finished:
            assert steps > 20
            break
    assert finished


async def _cancelled_after(steps: int, work: Coroutine[Any, Any, object]) -> bool:
    """Whether `work` was done before it was cancelled."""
    done = False

    async def run() -> None:
        nonlocal done
        await work
        done = True
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        for _ in range(steps + 1):  # the first step starts it
            await checkpoint()
        tasks.cancel_scope.cancel()
    return done


async def test_cancelled_at_any_wait_no_thread_goes_on_working() -> None:
    """Engines on threads: when the cancelled exchange has returned, so have the threads."""
    stt, llm, tts = ThreadedStt(), ThreadedLlm(), ThreadedTts()
    engines = Engines(ScriptedVad(), stt, llm, tts)
    await _at_every_wait(lambda: exchange(QUESTION, engines, SlowSink()), lambda: stt.work.busy + llm.work.busy + tts.work.busy)
    await close(engines)


async def test_cancelled_at_any_wait_with_scripted_engines() -> None:
    await _at_every_wait(lambda: exchange(QUESTION, scripted(), SlowSink()), lambda: 0)


async def _at_every_wait(begin: Callable[[], Coroutine[Any, Any, object]], busy: Callable[[], int]) -> None:
    scope = anyio.CancelScope()
    for wait in range(1, MOST):
        async with nothing_left():
            with anyio.CancelScope() as scope:
                await Interrupted(begin(), scope, wait)
            assert busy() == 0, wait
        if not scope.cancel_called:
            assert wait > 5
            return
    raise AssertionError("the exchange never came to its end")
