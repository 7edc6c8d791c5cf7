"""Our server with scripted engines, in a process of its own: python -m benchmarks.web.house. Prints its address; ends with its input."""

import sys
from pathlib import Path

import anyio
import anyio.to_thread

from benchmarks.crowd import detectors, engines
from multimodal_assistant.app import quiet_threads
from multimodal_assistant.config import ServerSettings
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.server.host import Host
from multimodal_assistant.server.keys import KeyFile
from multimodal_assistant.server.listen import address, listening, serve

ROOM = 1000


async def _main() -> None:
    settings = ServerSettings(port=0, conversations=ROOM, requests_per_minute=1e6)
    host = Host(engines(), detectors(), Manner(), settings, KeyFile(Path("/nowhere/keys.json")))
    with listening(settings.host, settings.port) as bound:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, host, bound)
            print(address(bound), flush=True)
            await anyio.to_thread.run_sync(sys.stdin.read)
            tasks.cancel_scope.cancel()


if __name__ == "__main__":
    quiet_threads()
    anyio.run(_main)
