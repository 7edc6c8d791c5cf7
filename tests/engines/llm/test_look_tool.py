"""A model that asks to look, against servers that say what they were sent."""

import base64
from typing import Any

import numpy as np
import pytest
from servers import Answer, ModelServer, as_json, delta, events, lines, said, serve

from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.core.types import Glance, Message, Picture, Transcript
from multimodal_assistant.engines.llm.ollama import OllamaModel
from multimodal_assistant.engines.llm.openai_compatible import OpenAICompatibleModel
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts, ScriptedVad
from multimodal_assistant.pipeline.look_tool import LOOK, may_look
from multimodal_assistant.pipeline.reply import Ears, Engines, Manner, make_reply
from multimodal_assistant.pipeline.sight import LiveSight, Viewer
from multimodal_assistant.pipeline.views import StillView
from multimodal_assistant.seeing import practised

pytestmark = pytest.mark.anyio

PICTURE = Picture(b"\xff\xd8\xff a picture", "image/jpeg")
CHAT = "/v1/chat/completions"
BEFORE = (Message("user", "(In view: A picture was shown.)\n\nWhat do you see?"), Message("assistant", "A tie."))
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def openai_says(*parts: dict[str, Any], finish: str = "stop") -> Answer:
    return Answer(events(*parts, delta(None, finish_reason=finish), b"[DONE]"))


def ollama_can(*capabilities: str) -> Answer:
    return as_json({"capabilities": ["completion", *capabilities], "details": {"families": ["qwen3vl"]}, "model_info": {}})


def ollama_says(text: str, **message: Any) -> Answer:
    line = said(text)
    line["message"] |= message
    return Answer(lines(line, said("", done=True, prompt_eval_count=9, eval_count=1)))


async def encode(_: Any) -> Picture:
    return PICTURE


async def answer(llm: LanguageModel) -> tuple[str, list[Glance]]:
    """To a question that nothing but the model knows to need the view, which was shown before."""
    sight = LiveSight(StillView(np.full((90, 160, 3), 90, np.uint8), encode, None), Viewer(sees=True))
    await sight.look("What do you see?")
    written: list[str] = []
    looked: list[Glance] = []

    async def heard(_: object) -> None:
        pass

    ears = Ears(text=written.append, clause=lambda _: None, chunk=heard, written=lambda _: None, looked=looked.append)
    glance = await sight.look("Straight now?")
    assert glance == Glance()
    engines = Engines(ScriptedVad(), ScriptedStt(), llm, ScriptedTts())
    manner = Manner(system="Be brief.", sight=sight, may_look=True)
    await make_reply(Transcript("Straight now?", "en", 1.0, 0.0, 0.0, 0.0), engines, manner, BEFORE, ears, glance=glance)
    return "".join(written), looked


def assert_asked_twice_alike(server: ModelServer, path: str) -> list[dict[str, Any]]:
    first, second = server.bodies(path)
    assert first["tools"] == second["tools"]
    assert [tool["function"]["name"] for tool in first["tools"]] == [LOOK.name]
    assert first["messages"][:-1] == second["messages"][:-1]
    return [first["messages"][-1], second["messages"][-1]]


async def test_an_openai_server_is_asked_again_with_the_picture() -> None:
    async with serve({CHAT: [openai_says(delta(None, tool_calls=[CALL]), finish="tool_calls"), openai_says(delta("It is."))]}) as server:
        llm = OpenAICompatibleModel(base_url=server.url, model="m", sees=True)
        assert await answer(llm) == ("It is.", [Glance(PICTURE)])
        await llm.aclose()
        without, shown = assert_asked_twice_alike(server, CHAT)
        assert without["content"] == "Straight now?"
        uri = f"data:image/jpeg;base64,{base64.b64encode(PICTURE.data).decode()}"
        assert shown["content"] == [{"type": "image_url", "image_url": {"url": uri}}, {"type": "text", "text": "Straight now?"}]


async def test_ollama_is_asked_again_with_the_picture() -> None:
    call: list[Any] = [{"function": {"name": "look", "arguments": {}}}]
    chats = [ollama_says("", tool_calls=call), ollama_says("It is.")]
    async with serve({"/api/show": ollama_can("vision", "tools"), "/api/chat": chats}) as server:
        llm = OllamaModel(host=server.url, model="m")
        assert await answer(llm) == ("It is.", [Glance(PICTURE)])
        await llm.aclose()
        without, shown = assert_asked_twice_alike(server, "/api/chat")
        assert "images" not in without
        assert shown["images"] == [base64.b64encode(PICTURE.data).decode()]
        assert shown["content"] == "Straight now?"


async def test_whether_a_model_can_ask_is_tried() -> None:
    for answer_, can in (
        (openai_says(delta("Good")), True),
        (as_json({"error": {"message": "does not support tools"}}, status=400), False),
    ):
        async with serve({CHAT: answer_}) as server:
            llm = OpenAICompatibleModel(base_url=server.url, model="m", sees=True)
            assert await may_look(llm, system="Be brief.") is can
            await llm.aclose()
    for capabilities, can in ((("vision", "tools"), True), (("vision",), False)):
        async with serve({"/api/show": ollama_can(*capabilities), "/api/chat": ollama_says("Good")}) as server:
            llm = OllamaModel(host=server.url, model="m")
            assert await may_look(llm, system="Be brief.") is can
            await llm.aclose()


async def test_practice_asks_as_conversations_will() -> None:
    async with serve({CHAT: openai_says(delta("Good"))}) as server:
        llm = OpenAICompatibleModel(base_url=server.url, model="m", sees=True)
        manner = await practised(llm, Manner(system="Be brief."))
        await llm.aclose()
        assert manner.may_look
        assert all([tool["function"]["name"] for tool in body["tools"]] == [LOOK.name] for body in server.bodies(CHAT))
    blind = ScriptedLlm()
    assert await practised(blind, Manner()) == Manner()
    assert blind.ledger.requests == []
