"""Memories of others, each in an environment and a process of its own, asked line by line."""

import os
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import ByteSendStream
from anyio.streams.buffered import BufferedByteReceiveStream

from benchmarks.peers.environment import python_of
from benchmarks.peers.lines import Add, Answer, Noted, Search, decode, encode
from multimodal_assistant.memory.evaluation.dataset import Turn

from .baselines import text_of

ROOT = Path(__file__).parents[2]
AMEM = "a-mem==0.2.6"
_LONGEST_LINE = 10_000_000  # bytes


class Peer:
    """`add` and `search` as `measure` asks for them."""

    def __init__(self, requests: ByteSendStream, answers: BufferedByteReceiveStream) -> None:
        self._requests = requests
        self._answers = answers
        self.seconds: list[float] = []
        """Of each search, with the embedding of the question."""

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]:
        """The ids of the notes."""
        notes = tuple(Noted(text_of(turn), turn.at.isoformat()) for turn in turns)
        return list((await self._ask(Add(user, notes))).ids)

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]:
        """`now` makes no difference: neither of them takes it."""
        answer = await self._ask(Search(user, text, k))
        self.seconds.append(answer.seconds)
        return list(answer.ids)

    async def _ask(self, request: Add | Search) -> Answer:
        await self._requests.send(f"{encode(request)}\n".encode())
        answer = decode((await self._answers.receive_until(b"\n", _LONGEST_LINE)).decode())
        if not isinstance(answer, Answer):
            raise ValueError("The peer asked instead of answering.")
        return answer


@asynccontextmanager
async def open_peer(python: Path, module: str, *arguments: str) -> AsyncGenerator[Peer]:
    """Runs until the end of the block. Its messages go to our stderr."""
    given = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "OMP_NUM_THREADS": "2"}
    command = [str(python), "-m", f"benchmarks.peers.{module}", *arguments]
    async with await anyio.open_process(command, stderr=None, cwd=ROOT, env=given) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("The peer has no pipes.")
        yield Peer(process.stdin, BufferedByteReceiveStream(process.stdout))
        await process.stdin.aclose()
        await process.wait()


async def mem0_python(bench: Path) -> Path:
    """Raises CalledProcessError where it cannot be installed."""
    return await anyio.to_thread.run_sync(python_of, "mem0", bench)


async def amem_python(bench: Path) -> Path:
    """The same. The package comes without its dependencies: they are listed, but for sentence-transformers, which needs torch."""
    python = await anyio.to_thread.run_sync(python_of, "amem", bench)
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", AMEM]
    await anyio.to_thread.run_sync(lambda: subprocess.run(install, check=True))
    return python
