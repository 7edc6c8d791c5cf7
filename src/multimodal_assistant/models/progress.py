"""What a pull tells the one who waits: bars on a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Protocol

SHORT_STEP_BYTES = 10_000_000
"""What concerns fewer bytes is over before anyone could read about it."""


class Step(Protocol):
    """One thing that takes a while."""

    def update(self, done: int, total: int | None = None) -> None:
        """So many bytes so far, of so many (None: still not known)."""
        ...


class Progress(Protocol):
    """Someone who watches a pull."""

    def step(self, label: str, total: int | None = None) -> AbstractContextManager[Step]:
        """From here to the end of the block something is fetched or checked; one at a time."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line: a wait, a source that failed."""
        ...


class _Count:
    """The last number told."""

    def __init__(self) -> None:
        self.done = 0

    def update(self, done: int, total: int | None = None) -> None:
        self.done = done


class SilentProgress:
    """Nobody watches."""

    @contextlib.contextmanager
    def step(self, label: str, total: int | None = None) -> Generator[Step]:
        yield _Count()

    def note(self, text: str) -> None:
        pass


class PlainProgress:
    """One line when a step starts and one when it is done, to `write`: for logs and pipes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    @contextlib.contextmanager
    def step(self, label: str, total: int | None = None) -> Generator[Step]:
        if total is not None and total < SHORT_STEP_BYTES:
            yield _Count()
            return
        self._write(f"{label} ...")
        count, started = _Count(), time.monotonic()
        yield count
        amount = f"{megabytes(count.done)} in " if count.done else ""
        self._write(f"{label}: {amount}{time.monotonic() - started:.1f} s")

    def note(self, text: str) -> None:
        self._write(text)


class BarProgress:
    """A bar per step on the terminal that standard error is, then one line of what was done."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)

    @contextlib.contextmanager
    def step(self, label: str, total: int | None = None) -> Generator[Step]:
        if total is not None and total < SHORT_STEP_BYTES:
            yield _Count()
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(20), DownloadColumn(), TimeRemainingColumn())
        count, started = _Count(), time.monotonic()
        with Progress(*columns, console=self._console, transient=True) as bars:
            task = bars.add_task(label, total=total)

            class Bar:
                def update(self, done: int, total: int | None = None) -> None:
                    count.update(done)
                    bars.update(task, completed=done, total=total)

            yield Bar()
        self.note(f"{label}: {megabytes(count.done)} in {time.monotonic() - started:.1f} s")

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


def megabytes(count: int) -> str:
    """A size for people."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
