"""Speech to text and text to speech for other programs, in the requests of the OpenAI API."""

import io
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio.to_thread
import numpy as np
import soundfile
from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from multimodal_assistant.core.audio import to_pcm16
from multimodal_assistant.core.deadline import deadline
from multimodal_assistant.core.errors import NoSpeech, UnreadableAudio
from multimodal_assistant.core.protocols import ManyVoices, TextToSpeech
from multimodal_assistant.core.types import AudioChunk, Samples, Transcript
from multimodal_assistant.pipeline.listen import listen
from multimodal_assistant.pipeline.speak import pieces, speak
from multimodal_assistant.transports.file import read_audio
from multimodal_assistant.transports.resampling import StreamResampler

from .host import Host

RATE = 24_000
"""Samples per second of what is spoken."""

_PATIENCE = 120.0  # seconds to transcribe a recording of ten minutes
_MOST_TEXT = 4096  # characters

_CODED = {"wav": ("WAV", "PCM_16", "audio/wav"), "flac": ("FLAC", "PCM_16", "audio/flac"), "mp3": ("MP3", "MPEG_LAYER_III", "audio/mpeg")}
"""Format → (container, encoding, media type)."""


class Speech(BaseModel):
    """`POST /v1/audio/speech`. The voice is the server's own where it has none of that name."""

    input: str = Field(min_length=1, max_length=_MOST_TEXT)
    voice: str | dict[str, Any] = ""
    response_format: Literal["mp3", "wav", "flac", "pcm"] = "mp3"


def speech(host: Host) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/audio")

    @routes.post("/transcriptions")
    async def transcriptions(  # pyright: ignore[reportUnusedFunction]
        file: UploadFile,
        language: Annotated[str | None, Form(pattern="^[a-z]{2,3}$")] = None,
        response_format: Annotated[Literal["json", "text", "verbose_json"], Form()] = "json",
    ) -> Response:
        recording = await _read(file)
        try:
            with deadline(_PATIENCE, "Speech recognition"):
                heard = await listen(recording, host.engines.vad, host.engines.stt, language=language)
        except NoSpeech:
            heard = Transcript("", language or "en", 0.0, 0.0, 1.0, recording.seconds)
        match response_format:
            case "text":
                return PlainTextResponse(f"{heard.text}\n")
            case "verbose_json":
                return JSONResponse({**_usage(recording), "language": heard.language, "duration": recording.seconds, "text": heard.text})
            case _:
                return JSONResponse({**_usage(recording), "text": heard.text})

    @routes.post("/speech")
    async def aloud(wish: Speech) -> Response:  # pyright: ignore[reportUnusedFunction]
        tts = _voice(host.engines.tts, wish.voice)
        if wish.response_format == "pcm":
            return StreamingResponse(_pcm(tts, wish.input), media_type="audio/pcm")
        container, encoding, media = _CODED[wish.response_format]
        samples = np.concatenate([piece async for piece in _spoken(tts, wish.input)])
        coded = io.BytesIO()
        await anyio.to_thread.run_sync(
            lambda: soundfile.write(coded, to_pcm16(samples), RATE, format=container, subtype=encoding)  # pyright: ignore[reportUnknownMemberType]
        )
        return Response(coded.getvalue(), media_type=media)

    return routes


def _voice(tts: TextToSpeech, name: str | dict[str, Any]) -> TextToSpeech:
    if isinstance(tts, ManyVoices) and isinstance(name, str) and name in tts.voices:
        return tts.voice(name)
    return tts


def _usage(recording: AudioChunk) -> dict[str, Any]:
    return {"usage": {"type": "duration", "seconds": recording.seconds}}


async def _read(file: UploadFile) -> AudioChunk:
    """What was uploaded; the name that the client gave it leads nowhere."""

    def read(data: bytes) -> AudioChunk:
        with tempfile.TemporaryDirectory(prefix="assistant-upload-") as folder:
            path = Path(folder) / "audio"
            path.write_bytes(data)
            try:
                return read_audio(path)
            except UnreadableAudio as error:
                raise UnreadableAudio(error.problem.replace(str(path), "The file"), error.remedy) from None

    return await anyio.to_thread.run_sync(read, await file.read())


async def _spoken(tts: TextToSpeech, text: str) -> AsyncGenerator[Samples]:
    """All of it at 24 kHz, as it is spoken."""

    async def all_of_it() -> AsyncGenerator[str]:
        yield text

    resampler = StreamResampler(tts.rate, RATE)
    clauses = pieces(all_of_it())
    async with aclosing(clauses), aclosing(speak(clauses, tts)) as chunks:
        async for chunk in chunks:
            yield resampler.push(chunk.audio.samples)
    yield resampler.push(np.zeros(round(resampler.delay * tts.rate), np.float32))


async def _pcm(tts: TextToSpeech, text: str) -> AsyncGenerator[bytes]:
    async with aclosing(_spoken(tts, text)) as spoken:
        async for samples in spoken:
            yield to_pcm16(samples).astype("<i2").tobytes()
