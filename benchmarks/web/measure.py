"""How many callers one core holds: ours over WebRTC and over WebSockets, and what FastRTC and Pipecat do with the same callers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import psutil

from benchmarks.machine import Section, percentile
from benchmarks.peers.environment import python_of
from multimodal_assistant.app import settings_from

from .callers import Found

ROOT = Path(__file__).parents[2]
SECONDS = 15.0
_MANY_LATE = 0.10  # of the packets: more does not hold

LOSSES, LOSSY_CALLERS, LOSSY_ROUNDS = (0.0, 0.02, 0.05), 6, 3
BY_TRACK, BY_SOCKET = (1, 10, 20, 25, 30), (50, 100, 125)
PEERS = ("fastrtc", "pipecat")


@dataclass(frozen=True, slots=True)
class Load:
    """One server under so many callers."""

    found: Found
    core: float
    """Share of its core that the server took."""
    megabytes: float
    """That its memory grew by."""

    @property
    def holds(self) -> bool:
        """Whether the sound of all of them came in time."""
        return self.found.connected == self.found.callers and self.found.late <= _MANY_LATE * self.found.packets


async def run() -> Section:
    """All servers, taking turns at each number of callers."""
    bench = settings_from().home / "bench"
    commands = {"webrtc": [sys.executable, "-m", "benchmarks.web.house"], "websocket": [sys.executable, "-m", "benchmarks.web.house"]}
    for peer in PEERS:
        python = await anyio.to_thread.run_sync(python_of, peer, bench)
        commands[peer] = [str(python), str(ROOT / "benchmarks" / "peers" / f"{peer}_echo.py")]
    loads = await anyio.to_thread.run_sync(_measure, commands)
    lossy = await anyio.to_thread.run_sync(_lossy, commands["webrtc"])
    return Section("Callers by the web door", f"{_table(loads)}\n\n{lossy}")


def _measure(commands: dict[str, list[str]]) -> dict[str, list[Load]]:
    loads: dict[str, list[Load]] = {kind: [] for kind in commands}
    for count in BY_TRACK:
        for kind in ("webrtc", *PEERS):
            if all(load.holds for load in loads[kind]):
                loads[kind].append(under(commands[kind], kind, count))
    for count in BY_SOCKET:
        if all(load.holds for load in loads["websocket"]):
            loads["websocket"].append(under(commands["websocket"], "websocket", count))
    return loads


def _lossy(command: Sequence[str]) -> str:
    """A few calls over a network that loses packets, taking turns with one that does not."""
    waits: dict[float, list[float]] = {loss: [] for loss in LOSSES}
    answers = dict.fromkeys(LOSSES, 0)
    for _ in range(LOSSY_ROUNDS):
        for loss in LOSSES:
            found = under(command, "webrtc", LOSSY_CALLERS, loss).found
            waits[loss] += found.waits
            answers[loss] += found.answers
    lines = [
        "From the last packet of speech to the first of the answer, scripted engines, packets lost in both directions:",
        "",
        "| lost | answers | p50 | p95 |",
        "|---|---|---|---|",
    ]
    for loss, found in waits.items():
        lines.append(f"| {loss:.0%} | {answers[loss]} | {1000 * percentile(found, 50):.0f} ms | {1000 * percentile(found, 95):.0f} ms |")
    return "\n".join(lines)


def under(command: Sequence[str], kind: str, count: int, loss: float = 0.0) -> Load:
    """A fresh server and so many callers."""
    with _server(command) as (address, process):
        before, cpu = process.memory_info().rss, sum(process.cpu_times()[:2])
        begin = time.perf_counter()
        arguments = [sys.executable, "-m", "benchmarks.web.callers", kind, address, str(count), str(SECONDS), str(loss)]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True, cwd=ROOT)
        passed = time.perf_counter() - begin
        share = (sum(process.cpu_times()[:2]) - cpu) / passed
        return Load(Found(**json.loads(done.stdout)), share, (process.memory_info().rss - before) / 1e6)


@contextmanager
def _server(command: Sequence[str]) -> Generator[tuple[str, psutil.Process]]:
    """Its address and process, on the first of our processors; the callers have the last."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(server.pid, {min(os.sched_getaffinity(0))})
            yield address, psutil.Process(server.pid)
        finally:
            server.kill()


def _table(loads: dict[str, list[Load]]) -> str:
    names = {"webrtc": "ours, WebRTC", "websocket": "ours, WebSocket", "fastrtc": "FastRTC 0.0.34, echo", "pipecat": "Pipecat 1.14, echo"}
    setting = (
        f"Each server has one core, its callers the other; {SECONDS:.0f} s per row. Ours holds whole conversations with scripted engines; "
        "the two others only send back what they get. Late: more than 20 ms after the packet that came soonest (WebRTC), or than a player "
        "that begins with the first packet of an answer needs it (WebSocket)."
    )
    lines = [
        setting,
        "",
        "| server | callers | connected | late packets | p99 | max | answers | core, per caller | memory per caller |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, rows in loads.items():
        for load in rows:
            found = load.found
            lines.append(
                f"| {names[kind]} | {found.callers} | {found.connected} | {found.late / max(found.packets, 1):.1%} "
                f"| {1000 * found.lateness_p99:.0f} ms | {1000 * found.lateness_max:.0f} ms | {found.answers or '–'} "
                f"| {load.core:.0%}, {load.core / found.callers:.1%} | {load.megabytes / found.callers:.1f} MB |"
            )
    held = {kind: max((load.found.callers for load in rows if load.holds), default=0) for kind, rows in loads.items()}
    most = ", ".join(f"{names[kind]} {count}" for kind, count in held.items())
    lines += ["", f"The largest number that holds (at most {_MANY_LATE:.0%} late): {most}."]
    return "\n".join(lines)
