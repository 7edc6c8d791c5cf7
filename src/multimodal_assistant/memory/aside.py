"""Idle work that gives way: a language model at work would keep a conversation waiting."""

from collections.abc import Awaitable, Callable

import anyio

_GLANCE = 0.05  # seconds


async def stepping_aside(step: Callable[[], Awaitable[bool]], quiet: Callable[[], bool]) -> bool:
    """What `step` says, or True where it was cancelled because the quiet ended."""
    done = True

    async def watch(work: anyio.CancelScope) -> None:
        while quiet():  # noqa: ASYNC110 - it is asked, since it is made of many things that nobody announces
            await anyio.sleep(_GLANCE)
        work.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, tasks.cancel_scope, name="quiet")
        done = await step()
        tasks.cancel_scope.cancel()
    return done
