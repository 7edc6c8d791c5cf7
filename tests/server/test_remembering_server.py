"""Conversations over the server and the memory: whose it is, what reaches the model, and a client that wants none."""

from pathlib import Path

import numpy as np
import pytest

from calling import RATE, calling
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedMemory
from multimodal_assistant.server.keys import KeyFile
from running import serving

pytestmark = pytest.mark.anyio

LINE = "1 May 2026, the user said: My sister is called Anna."


class Memories:
    """One for each user, as they are asked for."""

    def __init__(self) -> None:
        self.of: dict[str, ScriptedMemory] = {}

    def __call__(self, user: str) -> ScriptedMemory:
        return self.of.setdefault(user, ScriptedMemory({"sister": LINE}))


async def test_what_is_said_on_a_call_is_remembered_and_what_is_remembered_reaches_the_model() -> None:
    memories, llm = Memories(), ScriptedLlm(replies=["Anna."])
    tone = (0.3 * np.sin(2 * np.pi * 220 * np.arange(round(0.6 * RATE)) / RATE)).astype(np.float32)
    async with serving(says=("What is my sister called?",), llm=llm, remembering=memories) as server:
        async with calling(server.address) as caller:
            assert caller.events[0]["session"]["assistant"] == {"memory": True}
            caller.microphone.say(tone)
            await caller.until("response.done")
    assert LINE in llm.ledger.requests[-1]
    assert memories.of[""].kept == [("What is my sister called?", "Anna.")]


async def test_what_is_typed_is_remembered_too() -> None:
    memories, llm = Memories(), ScriptedLlm(replies=["Anna."])
    async with serving(llm=llm, remembering=memories) as server, server.client().realtime.connect(model="any") as connection:
        content = [{"type": "input_text", "text": "Who is my sister?"}]
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})  # pyright: ignore[reportArgumentType]
        await connection.response.create()
        async for event in connection:
            if event.type == "response.done":
                break
    assert LINE in llm.ledger.requests[-1]
    assert memories.of[""].kept == [("Who is my sister?", ""), ("", "Anna.")]


async def test_a_client_that_wants_no_memory_leaves_none() -> None:
    memories, llm = Memories(), ScriptedLlm(replies=["I do not know."])
    async with serving(says=("What is my sister called?",), llm=llm, remembering=memories) as server:
        async with server.client().realtime.connect(model="any") as connection:
            await connection.session.update(session={"type": "realtime", "assistant": {"memory": False}})  # pyright: ignore[reportArgumentType]
            content = [{"type": "input_text", "text": "Who is my sister?"}]
            await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})  # pyright: ignore[reportArgumentType]
            await connection.response.create()
            async for event in connection:
                if event.type == "session.updated":
                    assert event.session.model_dump()["assistant"] == {"memory": False}
                if event.type == "response.done":
                    break
    assert LINE not in llm.ledger.requests[-1]
    assert memories.of[""].kept == []


async def test_every_key_is_somebody_of_his_own(tmp_path: Path) -> None:
    memories, keys = Memories(), KeyFile(tmp_path / "keys.json")
    tokens = {name: keys.add(name) for name in ("anna", "ben")}
    async with serving(keys=keys, remembering=memories) as server:
        for token in tokens.values():
            async with calling(server.address, key=token):
                pass
    assert set(memories.of) == {"anna", "ben"}


async def test_without_a_memory_none_is_told_of() -> None:
    async with serving() as server, calling(server.address) as caller:
        assert "assistant" not in caller.events[0]["session"]


async def test_what_a_client_tells_of_an_earlier_call_is_not_remembered_again() -> None:
    memories, llm = Memories(), ScriptedLlm(replies=["Yes."])
    async with serving(llm=llm, remembering=memories) as server, calling(server.address) as caller:
        for text, retold in (("I have a red bicycle.", True), ("Is it fast?", False)):
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
            caller.send(type="conversation.item.create", assistant={"retold": retold}, item=item)
        caller.send(type="response.create")
        await caller.until("response.done")
    assert llm.ledger.requests[-1] == "I have a red bicycle. Is it fast?"
    assert memories.of[""].kept == [("Is it fast?", ""), ("", "Yes.")]
