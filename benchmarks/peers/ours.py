"""Our assistant behind a Unix socket, for a caller in another process: python -m benchmarks.peers.ours SOCKET SETTINGS.json."""

import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import numpy as np
from anyio.abc import SocketStream

from multimodal_assistant.app import assemble, settings_from, turn_detector
from multimodal_assistant.core.audio import SPEECH_RATE, resample, to_pcm16
from multimodal_assistant.core.connection import Pull
from multimodal_assistant.core.types import AudioChunk
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.session import Session

from .caller import BLOCK_SECONDS, OUT_RATE

MAX_TOKENS = 24


class SocketConnection:
    """One caller."""

    output_delay = 0.0

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`; each block that comes in lets one go out."""
        size = 2 * round(BLOCK_SECONDS * SPEECH_RATE)
        waiting = bytearray()
        count = 0
        async for piece in self._stream:
            waiting += piece
            while len(waiting) >= size:
                block = np.frombuffer(bytes(waiting[:size]), np.int16).astype(np.float32) / np.float32(32768)
                del waiting[:size]
                out = AudioChunk(pull(round(BLOCK_SECONDS * rate)), rate)
                await self._stream.send(to_pcm16(resample(out, OUT_RATE).samples).tobytes())
                yield AudioChunk(block, SPEECH_RATE, count)
                count += len(block)


async def main(socket: str, flags: dict[str, object]) -> None:
    """Load, say so on standard output, and talk with one caller."""
    settings = settings_from(**flags)
    async with await assemble(settings) as assistant, turn_detector(settings) as detector:
        await assistant.warm()
        await detector.warm()
        async with await anyio.create_unix_listener(socket) as listener:
            print("ready", flush=True)
            async with await listener.accept() as stream:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
                connection = SocketConnection(stream)  # pyright: ignore[reportUnknownArgumentType]
                await Session(connection, assistant.engines, detector, manner=Manner(max_tokens=MAX_TOKENS)).run()


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
