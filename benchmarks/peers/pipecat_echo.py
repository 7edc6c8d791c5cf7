"""Pipecat's SmallWebRTC transport with nothing between its input and its output, in an environment of its own. Prints its address.

Its defaults, but packets of 20 ms out, as the others send them, and a fixed rate both ways, so that it resamples no more than they do.
"""
# pyright: basic, reportMissingImports=false

import asyncio
import socket
import sys
import threading

import uvicorn
from fastapi import BackgroundTasks, FastAPI
from loguru import logger
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner

RATE = 24_000


class Echo(FrameProcessor):
    """What comes goes back."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self.push_frame(OutputAudioRawFrame(audio=frame.audio, sample_rate=frame.sample_rate, num_channels=1))
        else:
            await self.push_frame(frame, direction)


async def converse(connection: SmallWebRTCConnection) -> None:
    params = TransportParams(
        audio_in_enabled=True, audio_out_enabled=True, audio_in_sample_rate=RATE, audio_out_sample_rate=RATE, audio_out_10ms_chunks=2
    )
    transport = SmallWebRTCTransport(webrtc_connection=connection, params=params)
    pipeline = Pipeline([transport.input(), Echo(), transport.output()])
    worker = PipelineWorker(pipeline, params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE), idle_timeout_secs=None)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def main() -> None:
    logger.remove()
    app = FastAPI()

    @app.post("/api/offer")
    async def offer(request: dict, tasks: BackgroundTasks) -> dict:
        connection = SmallWebRTCConnection()
        await connection.initialize(sdp=request["sdp"], type=request["type"])
        tasks.add_task(converse, connection)
        return connection.get_answer()

    bound = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))

    def end() -> None:
        sys.stdin.read()
        server.should_exit = server.force_exit = True

    threading.Thread(target=end, daemon=True).start()
    asyncio.run(server.serve(sockets=[bound]))


main()
