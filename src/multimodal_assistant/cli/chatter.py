"""Libraries that write to the terminal by themselves (PortAudio when a device goes, llama.cpp), kept from doing so."""

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO, cast


@contextmanager
def silent_libraries() -> Generator[None]:
    """Inside, what is written to file descriptor 2 is dropped; `sys.stderr` and logging still reach the terminal."""
    before = sys.stderr
    before.flush()
    ours = os.fdopen(os.dup(2), "w", buffering=1, encoding=before.encoding, errors=before.errors)
    libraries = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    _write_to(before, ours)
    try:
        yield
    finally:
        ours.flush()
        os.dup2(libraries, 2)
        os.close(libraries)
        _write_to(ours, before)
        ours.close()


def _write_to(before: TextIO, now: TextIO) -> None:
    """What wrote to the one stream writes to the other."""
    sys.stderr = now
    for handler in cast("list[logging.StreamHandler[TextIO]]", logging.getLogger().handlers):
        if getattr(handler, "stream", None) is before:
            handler.setStream(now)
