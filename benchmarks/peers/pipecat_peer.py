"""Pipecat 1.14 behind a Unix socket, with its own settings and the same weights as ours. Runs in its own environment (environment.py).

What it is given: Whisper base int8 (its WhisperSTTService, language English), SmolLM2 through its OpenAILLMService from a llama.cpp
server with the same threads, Silero VAD with its default stop of 0.2 s, Smart Turn v3.2 from its own wheel, its sentence
aggregation, all at its defaults. Its speculative answers need a recognizer that predicts the end of a turn, which no local one does. The
voices are the same weights in the same synthesizer that ours has, one piece per sentence as its Kokoro and Piper services do (those
would fetch their own weights, and the latter is GPL): ours sleeps between calls instead of spinning, which is in Pipecat's favour.
"""
# pyright: basic, reportMissingImports=false

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame, StartFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.transcriptions.language import Language
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.engines.tts.kokoro import KokoroVoice
from multimodal_assistant.engines.tts.vits import VitsVoice

IN_RATE, OUT_RATE = 16_000, 24_000
CHUNK_SECONDS = 0.02


class Voice(TTSService):
    """One of our voices, a sentence at a time and in one piece."""

    def __init__(self, tts: TextToSpeech) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=OUT_RATE,
            settings=TTSSettings(model="shared", voice="shared", language=Language.EN),
        )
        self._tts = tts

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        async def whole():
            pieces = [chunk.audio.samples async for chunk in self._tts.speak(text)]
            yield (np.concatenate(pieces) * 32767).astype(np.int16).tobytes()

        async for frame in self._stream_audio_frames_from_iterator(whole(), in_sample_rate=self._tts.rate, context_id=context_id):
            yield frame


class Input(BaseInputTransport):
    """What the caller says."""

    def __init__(self, params: TransportParams, reader: asyncio.StreamReader) -> None:
        super().__init__(params)
        self._reader = reader
        self._task: asyncio.Task | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._task = self.create_task(self._read())

    async def _read(self) -> None:
        size = 2 * round(CHUNK_SECONDS * IN_RATE)
        while True:
            try:
                audio = await self._reader.readexactly(size)
            except asyncio.IncompleteReadError:
                return
            await self.push_audio_frame(InputAudioRawFrame(audio=audio, sample_rate=IN_RATE, num_channels=1))


class Output(BaseOutputTransport):
    """What the caller hears: paced as a sound card paces, one chunk ahead."""

    def __init__(self, params: TransportParams, writer: asyncio.StreamWriter) -> None:
        super().__init__(params)
        self._writer = writer
        self._due = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        loop = asyncio.get_running_loop()
        self._writer.write(frame.audio)
        await self._writer.drain()
        now = loop.time()
        self._due = max(self._due, now - CHUNK_SECONDS) + len(frame.audio) / 2 / OUT_RATE
        await asyncio.sleep(max(self._due - now, 0))
        return True


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, given: dict, tts: TextToSpeech) -> None:
    params = TransportParams(
        audio_in_enabled=True, audio_out_enabled=True, audio_in_sample_rate=IN_RATE, audio_out_sample_rate=OUT_RATE, audio_out_10ms_chunks=2
    )
    stt = WhisperSTTService(
        device="cpu", compute_type="int8", settings=WhisperSTTService.Settings(model=given["whisper"], language=Language.EN)
    )
    llm = OpenAILLMService(
        api_key="none",
        base_url=given["llm"] + "/v1",
        settings=OpenAILLMService.Settings(
            model="local",
            system_instruction=given["system"],
            temperature=0.0,
            max_tokens=given["max_tokens"],
            extra={"extra_body": {"repeat_penalty": 1.1, "cache_prompt": True}},
        ),
    )
    aggregators = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=0.2)))
    )
    pipeline = Pipeline([Input(params, reader), stt, aggregators.user(), llm, Voice(tts), Output(params, writer), aggregators.assistant()])
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=IN_RATE, audio_out_sample_rate=OUT_RATE),
        idle_timeout_secs=None,
        enable_rtvi=False,
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


async def main(socket: str, given: dict) -> None:
    cache = Path(given["cache"])
    if given["voice"] == "joe":
        tts = VitsVoice(model=Path(given["joe"]), cache=cache)
    else:
        tts = KokoroVoice(model=Path(given["kokoro"]), voices=Path(given["voices"]), cache=cache, voice=given["voice"], streamed=False)
    await tts.warm()
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(reader, writer, given, tts)
        over.set()

    async with await asyncio.start_unix_server(serve, socket):
        print("ready", flush=True)
        await over.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))
