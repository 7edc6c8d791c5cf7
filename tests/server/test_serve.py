"""`assistant serve` as its users meet it: a process, real models, the stock client."""

import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import openai
import pytest

from calling import calling
from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.core.audio import SPEECH_RATE, dbfs, resample
from multimodal_assistant.core.types import AudioChunk
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.transports.file import read_audio

RATE = 24_000
QUESTION = Path(__file__).parents[2] / "samples" / "question.wav"


def run(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    (folder / "settings.toml").touch()
    mine = ("ASSISTANT_LLM", "ASSISTANT_STT", "ASSISTANT_TTS", "ASSISTANT_PROFILE", "ASSISTANT_SERVER")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    environment |= {"ASSISTANT_CONFIG": str(folder / "settings.toml"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "multimodal_assistant", "serve", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@contextmanager
def serving(folder: Path) -> Generator[str]:
    """The address of a server that is ready; it has to end well."""
    with run(folder, "--port", "0", "--profile", "fast") as process:
        try:
            assert process.stdout is not None
            rehearsed = process.stdout.readline()
            found = re.search(r"Talk at (\S+)/ ", process.stdout.readline())
            assert found, process.stderr and process.stderr.read()
            assert re.search(r"capital of France.*Paris.* after \d\.\d\d s", rehearsed), rehearsed
            yield f"{found[1]}/v1"
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


@pytest.mark.models
@pytest.mark.anyio
async def test_a_question_is_heard_and_answered_by_voice(tmp_path: Path) -> None:
    question = resample(read_audio(QUESTION), RATE).samples
    heard = ""
    answer = bytearray()
    with serving(tmp_path) as address:
        async with openai.AsyncOpenAI(base_url=address, api_key="none") as client, client.realtime.connect(model="local") as connection:
            pcm = (question * 32767).astype("<i2").tobytes()
            for begin in range(0, len(pcm), RATE // 5):
                await connection.input_audio_buffer.append(audio=base64.b64encode(pcm[begin : begin + RATE // 5]).decode())
            with anyio.fail_after(30):
                async for event in connection:
                    match event.type:
                        case "conversation.item.input_audio_transcription.completed":
                            heard = event.transcript
                        case "response.output_audio.delta":
                            answer += base64.b64decode(event.delta)
                        case "response.done":
                            break
                        case _:
                            pass
    assert "capital" in heard.lower()
    sound = AudioChunk(np.frombuffer(bytes(answer), "<i2").astype(np.float32) / np.float32(32768), RATE)
    assert dbfs(sound.samples) > -40
    engine = WhisperEngine(model=store_of(settings_from()).path("whisper-base"))
    text = (await engine.transcribe(resample(sound, SPEECH_RATE), language="en")).text
    await engine.aclose()
    assert "paris" in text.lower()


@pytest.mark.models
@pytest.mark.anyio
async def test_another_model_of_this_machine_answers_who_asks_for_it(tmp_path: Path) -> None:
    said: dict[str, str] = {}
    with serving(tmp_path) as address:
        async with openai.AsyncOpenAI(base_url=address, api_key="none") as client:
            names = [model.id async for model in await client.models.list()]
            assert names[:2] == ["smollm2-135m", "qwen2.5-0.5b"]
            for name in names[:2]:
                async with client.realtime.connect(model=name) as connection:
                    message: Any = {
                        "type": "message",
                        "role": "user",
                        "content": [{"type": "input_text", "text": "What is the capital of France?"}],
                    }
                    await connection.conversation.item.create(item=message)
                    await connection.response.create(response={"output_modalities": ["text"]})
                    with anyio.fail_after(60):
                        async for event in connection:
                            if event.type == "session.created":
                                described: Any = event.to_dict()["session"]
                                assert described["model"] == name
                            if event.type == "response.output_text.done":
                                said[name] = event.text
                                break
    assert all("Paris" in text for text in said.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "0.0.0.0"), "would let everybody in"),
        (("--port", "99999"), "99999"),
        (("--host", "no.such.address.invalid"), "would let everybody in"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    with run(tmp_path, *arguments) as process:
        output, complaints = process.communicate(timeout=30)
    assert process.returncode == 2
    assert said in complaints
    assert "Traceback" not in complaints
    assert output == ""


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other, run(tmp_path, "--port", str(other.getsockname()[1])) as process:
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "cannot listen on 127.0.0.1" in complaints
    assert "Traceback" not in complaints


@pytest.mark.models
@pytest.mark.anyio
async def test_a_call_from_end_to_end_on_real_models(tmp_path: Path) -> None:
    question = resample(read_audio(QUESTION), 48_000).samples
    with serving(tmp_path) as address:
        async with calling(address.removesuffix("/v1")) as caller:
            caller.microphone.say(question)
            done = await caller.until("response.done", seconds=30)
            assert done["response"]["status"] == "completed"
            heard = await caller.until("conversation.item.input_audio_transcription.completed")
        assert "capital" in heard["transcript"].lower()
    engine = WhisperEngine(model=store_of(settings_from()).path("whisper-base"))
    text = (await engine.transcribe(resample(AudioChunk(caller.sound, 48_000), SPEECH_RATE), language="en")).text
    await engine.aclose()
    assert "paris" in text.lower()


@pytest.mark.models
@pytest.mark.anyio
async def test_a_server_that_is_ended_says_goodbye_to_who_is_there(tmp_path: Path) -> None:
    with run(tmp_path, "--port", "0", "--profile", "fast") as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            address = lines[1].split()[2].rstrip("/")
            async with calling(address) as caller:
                caller.send(type="assistant.heartbeat")
                await caller.until("assistant.heartbeat")
                process.send_signal(signal.SIGTERM)
                assert (await caller.until("assistant.goodbye"))["message"] == "The server is closing."
            assert await anyio.to_thread.run_sync(process.wait, 10) == 0
        finally:
            process.kill()
