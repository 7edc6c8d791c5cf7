"""A command line → its output, with a watch on it: it may take long, but it may not stand still."""

import contextlib
import errno
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from multimodal_assistant.core.timing import Clock

from .sources import SourceFailed

STALL_SECONDS = 180.0
"""Longer than the timeout and the pause between two attempts of any registry client."""

_LOOK_SECONDS = 0.25
_KEPT_BYTES = 1 << 20
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left behind."""

    code: int
    output: str
    errors: str


def run_tool(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] = lambda line: None,
    on_growth: Callable[[int], None] = lambda size: None,
    stall_seconds: float = STALL_SECONDS,
) -> Finished:
    """Run a command in `folder` to its end.

    `on_line` gets each line of its output, `on_growth` the bytes in its folder whenever they change. A command that
    neither writes nor says anything for `stall_seconds` is ended with its children and becomes `SourceFailed`; so is
    one whose caller leaves early (Ctrl-C).
    """
    with (
        (folder / "errors.txt").open("w+b") as errors,
        _started(arguments, folder, environment, errors) as process,
        _ended(process),
    ):
        output = bytearray()
        watch = Watch(folder, on_growth, stall_seconds)
        for chunk in _chunks(process, watch, arguments[0]):
            before = output.rfind(b"\n") + 1
            output += chunk
            *whole, _ = bytes(output[before:]).split(b"\n")
            for line in whole:
                on_line(line.decode(errors="replace"))
            del output[:-_KEPT_BYTES]
        try:
            code = process.wait(stall_seconds)
        except subprocess.TimeoutExpired:
            raise _stalled(arguments[0], stall_seconds) from None
        errors.seek(0)
        complaints = errors.read(_KEPT_BYTES).decode(errors="replace")
        if code and "No space left on device" in complaints:  # of all that can go wrong, no other source helps here
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return Finished(code, output.decode(errors="replace"), complaints)


def _started(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], errors: IO[bytes]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # so that the whole family can be ended at once
        )
    except OSError as error:
        raise SourceFailed(f"{Path(arguments[0]).name} cannot be started ({error.strerror})") from error


def folder_bytes(folder: Path) -> int:
    """Bytes in all files below a folder that others may be writing to."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


class Watch:
    """Notices when a command stands still."""

    def __init__(self, folder: Path, on_growth: Callable[[int], None], stall_seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._folder = folder
        self._on_growth = on_growth
        self.seconds = stall_seconds
        self._size = 0
        self._moved = self._clock()

    def moved(self) -> None:
        self._moved = self._clock()

    def stalled(self) -> bool:
        size = folder_bytes(self._folder)
        if size != self._size:
            self._size = size
            self._on_growth(size)
            self.moved()
        return self._clock() - self._moved > self.seconds


def _chunks(process: "subprocess.Popen[bytes]", watch: Watch, name: str) -> Iterator[bytes]:
    assert process.stdout is not None  # opened with PIPE
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        looked = time.monotonic()
        while True:
            if selector.select(_LOOK_SECONDS):
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    return
                watch.moved()
                yield chunk
            if time.monotonic() - looked >= _LOOK_SECONDS:
                looked = time.monotonic()
                if watch.stalled():
                    raise _stalled(name, watch.seconds)


def _stalled(name: str, seconds: float) -> SourceFailed:
    return SourceFailed(f"{Path(name).name} made no progress for {seconds:g} s")


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Generator[None]:
    """However the block is left, nothing of the command goes on running."""
    try:
        yield
    finally:
        if process.poll() is None:
            _signal(process, signal.SIGTERM)
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
