"""Running a command's coroutine so that Ctrl-C stops at once."""

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import anyio

from multimodal_assistant.core.errors import leaf

from . import INTERRUPTED
from .chatter import silent_libraries
from .keyboard import restore

T = TypeVar("T")

_GRACE_SECONDS = 1.0
"""How long a model that is being loaded, which cannot be interrupted, may hold up the end."""


def run(main: Callable[[], Awaitable[T]], *, grace: float = _GRACE_SECONDS, silent: bool = False) -> T:
    """Run `main` to its end and return its result. silent: libraries are kept from writing to the terminal (LiteRT greets there).

    Ctrl-C or a termination signal cancels it and raises KeyboardInterrupt; the process is gone `grace` seconds later whatever a model
    is doing.
    """
    results: list[T] = []

    async def guarded() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_on_signal, tasks.cancel_scope, grace, name="signals")
            results.append(await main())
            tasks.cancel_scope.cancel()

    try:
        with silent_libraries() if silent else nullcontext():
            anyio.run(guarded)
    except BaseExceptionGroup as group:
        raise leaf(group) from group
    if not results:
        raise KeyboardInterrupt
    return results[0]


async def _stop_on_signal(scope: anyio.CancelScope, grace: float) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            threading.Thread(target=_end, args=[grace], daemon=True).start()
            scope.cancel()
            return


def _end(grace: float) -> None:
    """The last resort: inference in a library that cannot be interrupted is left behind with the process."""
    threading.Event().wait(grace)
    for folder in Path(tempfile.gettempdir()).glob(f"assistant-{os.getpid()}-*"):  # of a model that is being loaded
        shutil.rmtree(folder, ignore_errors=True)
    restore()
    sys.stderr.flush()
    os._exit(INTERRUPTED)
