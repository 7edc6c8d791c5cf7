"""A FastRTC stream with a scripted assistant behind it, as an application would have it; runs where FastRTC is installed.

Prints its address; ends with its input. Then it prints how many conversations were not ended.
"""
# pyright: basic, reportMissingImports=false

import socket
import sys
import threading

import uvicorn
from fastapi import FastAPI
from fastrtc import Stream

from multimodal_assistant.core.connection import Connection
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedSentenceEnd, ScriptedStt, ScriptedTts, ScriptedTurn, ScriptedVad
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.fastrtc import FastRTCBridge


def main() -> None:
    engines = Engines(ScriptedVad(), ScriptedStt(texts=("What time is it?",)), ScriptedLlm(replies=("It is nine.",)), ScriptedTts())
    detectors = EndOfTurn(ScriptedTurn(scores=(0.5,)), ScriptedSentenceEnd(scores=(0.95,)))
    live = []

    async def converse(connection: Connection) -> None:
        live.append(connection)
        await Session(connection, engines, detectors).run()
        live.remove(connection)

    app = FastAPI()
    bridge = FastRTCBridge(converse)
    servers = {"iceServers": []}  # else it asks a server of Google's
    stream = Stream(bridge, modality="audio", mode="send-receive", concurrency_limit=4, server_rtc_configuration=servers)
    stream.mount(app)
    bound = socket.create_server(("127.0.0.1", 0))
    _tell(f"http://127.0.0.1:{bound.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))

    def end() -> None:
        sys.stdin.read()
        for _ in range(50):  # the caller has left, and FastRTC is about to notice
            if live:
                threading.Event().wait(0.1)
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    server.run(sockets=[bound])
    _tell(str(len(live)))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


main()
