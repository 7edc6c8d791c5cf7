"""Processes that write memories and are killed: at a chosen point, or at any."""

import os
import random
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from opened import NOW, system

from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.memory.evolution import Change, Changes
from multimodal_assistant.memory.log import MemoryLog
from multimodal_assistant.memory.note import Scope
from multimodal_assistant.memory.qdrant_edge import EdgeIndex
from multimodal_assistant.memory.reading import LogReader
from multimodal_assistant.memory.system import AgenticMemorySystem
from multimodal_assistant.memory.upkeep import Upkeep

POINTS: dict[str, tuple[type[Any], str]] = {
    "write": (MemoryLog, "_placed"),
    "index": (EdgeIndex, "upsert"),
    "flush": (EdgeIndex, "flush"),
    "outbox": (MemoryLog, "applied"),
    "vectors": (MemoryLog, "keep_vectors"),
    "delete": (MemoryLog, "delete"),
    "read": (LogReader, "stored"),
    "consolidate": (MemoryLog, "set_meta"),
    "optimize": (EdgeIndex, "optimize"),
}
"""Where a process may die: class and method."""


def forked(work: Callable[[int], None], *, seconds: float | None = None) -> tuple[list[str], int]:
    """Run `work` in a child, which writes lines to the descriptor that it gets; the lines, and how it ended (a signal is negative).

    seconds: after the first line, when it is killed.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        code = 1
        try:
            work(writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    data = b""
    deadline: float | None = None
    while True:
        left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        ready, _, _ = select.select([reading], [], [], left)
        if not ready:
            os.kill(child, signal.SIGKILL)
            deadline = None
            continue
        piece = os.read(reading, 65536)
        if not piece:
            break
        if deadline is None and seconds is not None and not data:
            deadline = time.monotonic() + seconds
        data += piece
    os.close(reading)
    _, status = os.waitpid(child, 0)
    whole, _, _ = data.rpartition(b"\n")
    return whole.decode().splitlines(), os.waitstatus_to_exitcode(status)


def die_at(point: str, call: int, *, after: bool) -> None:
    """In the child: be killed before, or right after, that call of that method."""
    owner, name = POINTS[point]
    method = getattr(owner, name)
    calls = 0

    def deadly(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = method(self, *args, **kwargs)
        if calls == call and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, name, deadly)


def write(folder: Path, first: int, seed: int, out: int) -> None:
    """In the child: remember numbered notes, now and then forget one, link two or build the index anew; tell what was acknowledged."""
    chance = random.Random(seed)

    async def main() -> None:
        async with system(folder) as memory:
            os.write(out, b"open\n")
            ids: list[str] = []
            for number in range(first, first + 400):
                ids.append(await memory.add_note(f"Note number {number} about the subject {number % 7}."))
                os.write(out, f"added {number} {ids[-1]}\n".encode())
                await one_more(memory, ids)

    async def one_more(memory: AgenticMemorySystem, ids: list[str]) -> None:
        match chance.randrange(40):
            case 0:
                os.write(out, f"deleting {ids[-1]}\n".encode())
                await memory.delete(ids.pop())
            case 1:
                await memory.consolidate_memories()
            case 2:
                await Upkeep(memory.store).drain()
            case 3:
                await memory.store.checkpoint()
            case 4 if len(ids) > 1:
                change = Change(ids[0], "links", (), tuple(ids[-2:]))
                await memory.store.write(lambda log: log.change("anna", Changes((change,), "test"), NOW))
            case 5:
                await memory.search("subject", 3)
            case _:
                pass

    anyio.run(main)


def inspect(folder: Path, out: int) -> None:
    """In the child: open what the crash has left, and tell what is there, or what is wrong."""

    async def main() -> None:
        async with system(folder) as memory:
            notes = await memory.store.read(lambda log: log.latest(Scope("anna"), 1_000_000))
            known = {note.id for note in notes}
            for note in notes:
                os.write(out, f"has {note.content.split()[2]} {note.id}\n".encode())
                if not set(note.links) <= known:
                    os.write(out, f"wrong: {note.id} is linked to nowhere\n".encode())
            await memory.store.settle()
            if await memory.store.indexed() != len(notes):
                os.write(out, f"wrong: {await memory.store.indexed()} in the index, {len(notes)} in the log\n".encode())
            found = await memory.search("Note number about the subject", 5)
            if len(found) != min(5, len(notes)):
                os.write(out, f"wrong: {len(found)} were found\n".encode())
            os.write(out, b"done\n")

    try:
        anyio.run(main)
    except MemoryStoreError as error:
        os.write(out, f"wrong: {error}\n".encode())
