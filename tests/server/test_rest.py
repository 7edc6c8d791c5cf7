"""Speech and language models by request, with the stock OpenAI SDK."""

import io
from collections.abc import AsyncGenerator

import httpx
import numpy as np
import openai
import pytest
import soundfile

from multimodal_assistant.engines.scripted import Script, ScriptedLlm
from multimodal_assistant.server.faults import LARGEST_BODY
from running import Running, serving

pytestmark = pytest.mark.anyio

RATE = 16_000


@pytest.fixture
async def server() -> AsyncGenerator[Running]:
    async with serving(replies=("It is nine o'clock.",)) as running:
        yield running


@pytest.fixture
async def client(server: Running) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with server.client() as sdk:
        yield sdk


def recording(seconds: float, *, loud: bool = True, form: str = "WAV") -> bytes:
    samples = (0.3 if loud else 0.0) * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)
    made = io.BytesIO()
    soundfile.write(made, samples, RATE, format=form)  # pyright: ignore[reportUnknownMemberType]
    return made.getvalue()


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
async def test_a_recording_is_transcribed(client: openai.AsyncOpenAI, form: str) -> None:
    heard = await client.audio.transcriptions.create(model="local", file=(f"question.{form.lower()}", recording(1.0, form=form)))
    assert heard.text == "What time is it?"


async def test_a_transcription_tells_more_if_that_is_wanted(client: openai.AsyncOpenAI) -> None:
    told = await client.audio.transcriptions.create(model="local", file=("a.wav", recording(1.5)), response_format="verbose_json")
    assert (told.language, told.duration, told.text) == ("en", 1.5, "What time is it?")
    plain = await client.audio.transcriptions.create(model="local", file=("a.wav", recording(1.5)), response_format="text")
    assert plain.strip() == "What time is it?"


async def test_silence_has_no_words(client: openai.AsyncOpenAI) -> None:
    heard = await client.audio.transcriptions.create(model="local", file=("a.wav", recording(1.0, loud=False)))
    assert heard.text == ""


@pytest.mark.parametrize(("data", "said"), [(b"", "is empty"), (b"no sound", "not audio"), (recording(1.0)[:2000], "The file")])
async def test_what_is_no_recording_is_one_sentence_without_a_path(client: openai.AsyncOpenAI, data: bytes, said: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.audio.transcriptions.create(model="local", file=("../../etc/passwd", data))
    assert said in refused.value.message
    assert "The file" in refused.value.message
    assert "tmp" not in refused.value.message
    assert "passwd" not in refused.value.message


@pytest.mark.parametrize("form", ["mp3", "wav", "flac"])
async def test_a_text_is_spoken(client: openai.AsyncOpenAI, form: str) -> None:
    answer = await client.audio.speech.create(model="local", voice="alloy", input="One two three. Four.", response_format=form)  # pyright: ignore[reportArgumentType]
    samples, rate = soundfile.read(io.BytesIO(answer.content))  # pyright: ignore[reportUnknownMemberType]
    assert rate == 24_000
    assert len(samples) / rate == pytest.approx(4 * 0.25 + 0.24, abs=0.1)
    assert np.abs(samples).max() > 0.05


async def test_speech_is_streamed_as_it_is_made(client: openai.AsyncOpenAI) -> None:
    async with client.audio.speech.with_streaming_response.create(
        model="local", voice="alloy", input="One two three. Four five.", response_format="pcm"
    ) as answer:
        sizes = [len(piece) async for piece in answer.iter_bytes()]
    assert len(sizes) > 2
    assert sum(sizes) / 2 / 24_000 == pytest.approx(5 * 0.25 + 0.24, abs=0.1)


async def test_a_completion_in_one_and_in_pieces(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="local", messages=[{"role": "user", "content": "What time is it?"}])
    assert whole.choices[0].message.content == "It is nine o'clock."
    assert whole.choices[0].finish_reason == "stop"
    pieces = await client.chat.completions.create(
        model="local",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What time"}, {"type": "text", "text": "is it?"}]},
        ],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in pieces]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "It is nine o'clock."
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


async def test_a_model_that_fails_is_told(server: Running, client: openai.AsyncOpenAI) -> None:
    llm = server.host.engines.llm
    assert isinstance(llm, ScriptedLlm)
    llm.script = Script(fail_after=0)
    with pytest.raises(openai.InternalServerError) as failed:
        await client.chat.completions.create(model="local", messages=[{"role": "user", "content": "Hello."}])
    assert failed.value.code == "engine_failed"
    with pytest.raises(openai.APIError, match="scripted"):
        async for _ in await client.chat.completions.create(model="local", messages=[{"role": "user", "content": "Hello."}], stream=True):
            pass


BAD: list[tuple[str, object]] = [
    ("/v1/chat/completions", {"messages": []}),
    ("/v1/chat/completions", {"messages": [{"role": "wizard", "content": "x"}]}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}),
    ("/v1/chat/completions", ["x"]),
    ("/v1/audio/speech", {"input": ""}),
    ("/v1/audio/speech", {"input": "x" * 5000}),
    ("/v1/audio/speech", {"input": "x", "response_format": "aac"}),
]


@pytest.mark.parametrize(("path", "body"), BAD)
async def test_what_makes_no_sense_is_one_sentence(server: Running, path: str, body: object) -> None:
    async with httpx.AsyncClient(base_url=server.address) as web:
        answer = await web.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith(".")


async def test_a_body_without_an_end_is_cut_off(server: Running) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range((LARGEST_BODY >> 20) + 2):
            yield bytes(1 << 20)

    async with httpx.AsyncClient(base_url=server.address) as web:
        form = {"content-type": "multipart/form-data; boundary=x"}
        try:
            answer = await web.post("/v1/audio/transcriptions", content=endless(), headers=form)
            assert answer.status_code in {400, 413}
        except httpx.WriteError:
            pass  # it hung up while we were still sending


async def test_a_page_from_elsewhere_cannot_ask(server: Running) -> None:
    async with httpx.AsyncClient(base_url=server.address, headers={"origin": "https://elsewhere.example"}) as web:
        assert (await web.get("/v1/models")).status_code == 403


async def test_a_name_of_somebody_else_that_leads_here_is_not_ours(server: Running) -> None:
    stranger = {"host": "elsewhere.example", "origin": "http://elsewhere.example"}
    async with httpx.AsyncClient(base_url=server.address) as web:
        assert (await web.get("/v1/models", headers=stranger)).status_code == 403
        assert (await web.get("/v1/models", headers={"host": "localhost:80"})).status_code == 200
