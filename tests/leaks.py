"""A search for what is left behind."""

import asyncio
import gc
import sys
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def nothing_left() -> AsyncGenerator[None]:
    """What is begun inside has ended after it: tasks, asynchronous generators, streams; and no warning was given."""
    generators: list[AsyncGenerator[Any, Any]] = []
    forgotten: list[str] = []
    before = asyncio.all_tasks()
    hooks = sys.get_asyncgen_hooks()

    def finalize(generator: AsyncGenerator[Any, Any]) -> None:
        forgotten.append(_name(generator))

    sys.set_asyncgen_hooks(firstiter=generators.append, finalizer=finalize)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
            still_open = [_name(generator) for generator in generators if getattr(generator, "ag_frame", None) is not None]
            tasks = {task.get_name() for task in asyncio.all_tasks() - before}
            generators.clear()
            gc.collect(1)  # what was made a moment ago is young
    finally:
        sys.set_asyncgen_hooks(*hooks)
    assert not still_open, f"not closed: {still_open}"
    assert not forgotten, f"left to the garbage collector: {forgotten}"
    assert not tasks, f"still running: {tasks}"
    assert not warned, [str(warning.message) for warning in warned]


def _name(generator: AsyncGenerator[Any, Any]) -> str:
    return getattr(generator, "__qualname__", repr(generator))
