"""Whether a server keeps a picture it has been shown is tried out, and what it is sent then."""

import base64
import io
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
from PIL import Image
from servers import Answer, as_json, delta, events, lines, said, serve

from multimodal_assistant.core.types import Message, Picture
from multimodal_assistant.engines.llm.ollama import OllamaModel
from multimodal_assistant.engines.llm.openai_compatible import OpenAICompatibleModel
from multimodal_assistant.pipeline.history import History
from multimodal_assistant.pipeline.look_ahead import keeps_pictures, look_ahead
from multimodal_assistant.pipeline.respond import respond
from multimodal_assistant.pipeline.sight import ShownSight, Viewer
from multimodal_assistant.pipeline.views import StillView
from multimodal_assistant.seeing import encoded
from multimodal_assistant.transports.pictures import jpeg, picture_pixels

pytestmark = pytest.mark.anyio

PICTURE = Picture(b"\xff\xd8\xff a picture", "image/jpeg")
CHAT = "/v1/chat/completions"


def counted(cached: int) -> Answer:
    usage = {"prompt_tokens": 300, "completion_tokens": 1, "total_tokens": 301, "prompt_tokens_details": {"cached_tokens": cached}}
    last: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}
    return Answer(events(delta("A"), delta(None, finish_reason="stop"), last, b"[DONE]"))


def ollama(*delays: float) -> dict[str, Answer | list[Answer]]:
    """One that takes so long for each answer."""
    parts = lines(said("A"), said("", done=True, prompt_eval_count=300, eval_count=1))
    return {
        "/api/show": as_json({"capabilities": ["completion", "vision"], "details": {"families": ["gemma3"]}, "model_info": {}}),
        "/api/chat": [Answer(parts, delay=seconds) for seconds in delays],
    }


async def test_a_server_that_counts_says_so() -> None:
    async with serve({CHAT: [counted(0), counted(20), counted(290)]}) as server:
        llm = OpenAICompatibleModel(base_url=server.url, model="m", sees=True)
        assert await keeps_pictures(llm, PICTURE, system="Be brief.")
        await llm.aclose()


@pytest.mark.parametrize(("second", "keeps"), [(0.0, True), (0.4, False)])
async def test_of_others_the_time_tells(second: float, keeps: bool) -> None:
    async with serve(ollama(0.0, 0.4, second)) as server:
        llm = OllamaModel(host=server.url, model="m")
        assert await keeps_pictures(llm, PICTURE, system="Be brief.") is keeps
        await llm.aclose()
        _, first, again = server.bodies("/api/chat")
        assert first["messages"][:-1] == again["messages"][:-1] == [{"role": "system", "content": "Be brief."}]
        assert first["messages"][-1]["images"] == again["messages"][-1]["images"] == [base64.b64encode(PICTURE.data).decode()]
        assert first["messages"][-1]["content"] != again["messages"][-1]["content"]
        assert first["options"]["num_predict"] == 1


async def test_a_server_that_fails_keeps_nothing() -> None:
    async with serve({CHAT: as_json({"error": {"message": "no pictures here"}}, status=500)}) as server:
        llm = OpenAICompatibleModel(base_url=server.url, model="m", sees=True)
        assert not await keeps_pictures(llm, PICTURE, system="")
        await look_ahead(llm, PICTURE, system="", history=())
        await llm.aclose()


async def test_what_is_shown_ahead_begins_as_the_question_will() -> None:
    async with serve({CHAT: counted(0)}) as server:
        llm = OpenAICompatibleModel(base_url=server.url, model="m", sees=True)
        await look_ahead(llm, PICTURE, system="Be brief.", history=[Message("user", "Hi."), Message("assistant", "Hello.")])
        (body,) = server.bodies(CHAT)
        *before, shown = body["messages"]
        assert [line["content"] for line in before] == ["Be brief.", "Hi.", "Hello."]
        uri = f"data:image/jpeg;base64,{base64.b64encode(PICTURE.data).decode()}"
        assert shown["content"][0] == {"type": "image_url", "image_url": {"url": uri}}
        await llm.aclose()


async def test_a_conversation_shows_one_picture_at_a_time_and_keeps_none() -> None:
    async with serve({CHAT: counted(0)}) as server:
        llm = OpenAICompatibleModel(base_url=server.url, model="m", sees=True)
        history = History()
        pixels = np.random.default_rng(5).integers(0, 256, (2, 1080, 1920, 3)).astype(np.uint8)
        for frame, said_of_it in zip(pixels, ("What is this?", "And what is that?"), strict=True):
            sight = ShownSight(StillView(frame, encoded, None), Viewer(sees=True))
            glance = await sight.look(said_of_it)
            async with aclosing(respond(said_of_it, llm, history=history.messages, glance=glance)) as deltas:
                reply = "".join([one.text async for one in deltas])
            history.answered(said_of_it, reply, glance.note)
        await llm.aclose()
        for turn, body in enumerate(server.bodies(CHAT)):
            *before, last = body["messages"]
            assert [part["type"] for part in last["content"]] == ["image_url", "text"]
            assert all(isinstance(line["content"], str) for line in before)
            picture = base64.b64decode(last["content"][0]["image_url"]["url"].partition(",")[2])
            with Image.open(io.BytesIO(picture)) as image:
                assert max(image.size) == 768
            assert len(picture) < 400_000
            shown = picture_pixels(picture).astype(int)
            same = [np.abs(shown - picture_pixels(jpeg(one).data).astype(int)).mean() < 1 for one in pixels]
            assert same == [turn == 0, turn == 1]
        before = server.bodies(CHAT)[1]["messages"]
        assert before[1]["content"] == "(In view: A picture was shown.)\n\nWhat is this?"
