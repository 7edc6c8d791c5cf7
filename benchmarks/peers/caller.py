"""The caller: a process of its own that speaks recordings into both assistants, block by block in turn, and records what it hears.

python -m benchmarks.peers.caller PLAN.json, where the plan has `arms` (name → Unix socket), `blocks` (WAV files at 16 kHz) and `folder` for
what was heard. Sound goes both ways as int16: 16 kHz in, 24 kHz out. 20 ms leave on absolute deadlines; what arrives is played on the same
clock, a block at a time, as a loudspeaker would.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np
import soundfile
from anyio.abc import SocketStream
from numpy.typing import NDArray

BLOCK_SECONDS = 0.02
IN_RATE, OUT_RATE = 16_000, 24_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to say to whom."""

    arms: dict[str, str]
    blocks: Sequence[str]
    folder: str


class Ear:
    """What has arrived and was not played yet."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    async def listen(self, stream: SocketStream) -> None:
        """Take in everything until the other side closes."""
        try:
            async for piece in stream:
                self._waiting += piece
        except anyio.BrokenResourceError:
            return

    def play(self, count: int) -> NDArray[np.int16]:
        """The next `count` samples, silence where nothing has arrived."""
        taken = bytes(self._waiting[: 2 * count])
        taken = taken[: len(taken) // 2 * 2]
        del self._waiting[: len(taken)]
        out = np.zeros(count, np.int16)
        out[: len(taken) // 2] = np.frombuffer(taken, np.int16)
        return out


async def converse(stream: SocketStream, ear: Ear, samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Speak `samples` in real time; what was heard meanwhile, sample n of it at n / OUT_RATE seconds after the first spoken one."""
    size, out = round(BLOCK_SECONDS * IN_RATE), round(BLOCK_SECONDS * OUT_RATE)
    heard: list[NDArray[np.int16]] = []
    begin = anyio.current_time()
    for index in range(len(samples) // size):
        await anyio.sleep_until(begin + (index + 1) * BLOCK_SECONDS)
        heard.append(ear.play(out))
        await stream.send(samples[index * size : (index + 1) * size].tobytes())
    return np.concatenate(heard)


async def main(plan: Plan) -> None:
    """Every block to every arm; who goes first alternates."""
    async with anyio.create_task_group() as tasks:
        streams = {name: await anyio.connect_unix(path) for name, path in plan.arms.items()}
        ears = {name: Ear() for name in streams}
        for name, stream in streams.items():
            tasks.start_soon(ears[name].listen, stream, name=f"ear {name}")
        for number, block in enumerate(plan.blocks):
            samples = np.asarray(soundfile.read(block, dtype="int16")[0], np.int16)
            order = list(streams) if number % 2 == 0 else list(streams)[::-1]
            for name in order:
                heard = await converse(streams[name], ears[name], samples)
                soundfile.write(str(Path(plan.folder) / f"{number:02}-{name}.wav"), heard, OUT_RATE)
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, Plan(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
