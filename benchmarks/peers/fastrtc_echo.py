"""FastRTC's echo, in an environment of its own: python fastrtc_echo.py. Prints its address; ends with its input.

Its best settings for this: the asynchronous handler (the usual ReplyOnPause takes most of a core for each idle caller), frames of 20 ms
passed on as they come, and no limit of callers.
"""

# pyright: basic, reportMissingImports=false

import asyncio
import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI
from fastrtc import AsyncStreamHandler, Stream


class Echo(AsyncStreamHandler):
    """What comes goes back."""

    def __init__(self):
        super().__init__(input_sample_rate=48000, output_sample_rate=48000)
        self.queue = asyncio.Queue()  # noqa: TID251 - as in its own examples

    def copy(self):
        return Echo()

    async def start_up(self):
        pass

    async def receive(self, frame):
        self.queue.put_nowait(frame)

    async def emit(self):
        return await self.queue.get()


def main() -> None:
    app = FastAPI()
    Stream(Echo(), modality="audio", mode="send-receive", concurrency_limit=1000, server_rtc_configuration={"iceServers": []}).mount(app)
    bound = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))

    def end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    server.run(sockets=[bound])


main()
