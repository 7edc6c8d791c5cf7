"""Another language model than the server's own, for whoever asks for it when a conversation begins."""

from typing import Any

import pytest
from aiortc import RTCSessionDescription
from test_realtime import until

from calling import Caller
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.sight import Viewer
from multimodal_assistant.server.minds import Mind, Minds
from named import Named
from running import serving

pytestmark = pytest.mark.anyio


class Shelf(dict[str, list[Named]]):
    """What was opened, by name."""

    def open(self, name: str) -> Named:
        """Another one."""
        self.setdefault(name, []).append(Named(name))
        return self[name][-1]


def minds(shelf: Shelf) -> Minds:
    others = {name: lambda name=name: shelf.open(name) for name in ("first", "second", "third", "fourth")}
    return Minds(Mind(Named("first"), Viewer(sees=True), Manner(may_look=True, looks_ahead=True)), others)


async def model_of(connection: Any) -> str:
    """As the session is described at its beginning."""
    return (await until(connection, "session.created"))[-1].session.model


async def test_who_asks_for_none_or_for_one_that_is_not_there_gets_the_first() -> None:
    shelf = Shelf()
    ours = minds(shelf)
    assert ours.names == ("first", "fourth", "second", "third")
    for name in ("", "first", "gpt-realtime"):
        assert ours.known(name) == "first"
        async with ours.of(name) as mind:
            assert mind is ours.first
    assert shelf == {}


async def test_another_is_opened_once_for_all_who_have_it() -> None:
    shelf = Shelf()
    ours = minds(shelf)
    async with ours.of("second") as one, ours.of("second") as other:
        assert one.llm is other.llm
        assert (one.name, one.viewer.sees) == ("second", False)
        assert (one.manner.may_look, one.manner.looks_ahead) == (False, False)
    async with ours.of("second") as again:
        assert again.llm is one.llm


async def test_of_those_that_nobody_has_the_last_one_stays_open() -> None:
    shelf = Shelf()
    ours = minds(shelf)
    async with ours.of("second"), ours.of("third"):
        async with ours.of("fourth"):
            pass
        assert [shelf[name][0].closed for name in ("second", "third", "fourth")] == [False, False, True]
    assert [shelf[name][0].closed for name in ("second", "third")] == [False, True]
    await ours.aclose()
    assert shelf["second"][0].closed


async def test_a_call_begins_with_the_model_that_is_asked_for() -> None:
    async with serving(models={"other": lambda: Named("other")}) as server:
        caller = Caller()
        response = await caller.offer(server.address, session='{"type": "realtime", "model": "other"}')
        await caller.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
        created = await caller.until("session.created")
        assert created["session"]["model"] == "other"
        assert created["session"]["assistant"]["models"] == ["llm", "other"]
        caller.send(type="response.create", response={"input": [], "output_modalities": ["text"]})
        assert (await caller.until("response.output_text.done"))["text"] == "I am other."
        caller.send(type="session.update", session={"type": "realtime", "model": "llm"})
        refused = await caller.until("error")
        assert "settled when a conversation begins" in refused["error"]["message"]
        await caller.pc.close()


async def test_a_conversation_over_a_websocket_and_a_short_lived_key_too() -> None:
    async with serving(models={"other": lambda: Named("other")}, key="a-long-enough-secret") as server:
        async with server.client("a-long-enough-secret") as client:
            async with client.realtime.connect(model="other") as connection:
                assert (await model_of(connection)) == "other"
            async with client.realtime.connect(model="gpt-realtime") as connection:
                assert (await model_of(connection)) == "llm"
            made = await client.realtime.client_secrets.create(session={"type": "realtime", "model": "other"})
            assert made.session.to_dict()["model"] == "other"
        caller = Caller()
        response = await caller.offer(server.address, key=made.value)
        await caller.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
        assert (await caller.until("session.created"))["session"]["model"] == "other"
        await caller.pc.close()


async def test_one_that_cannot_be_loaded_is_told() -> None:
    async with serving(models={"other": lambda: Named("other", broken=True)}) as server, server.client() as client:
        async with client.realtime.connect(model="other") as connection:
            told: Any = (await until(connection, "error"))[-1]
            assert "The model is broken." in told.error.message


@pytest.mark.parametrize("session", ["[1]", '{"model": 7}', '{"model": null}'])
async def test_what_is_no_model_is_not_asked_for(session: str) -> None:
    async with serving(models={"other": lambda: Named("other")}) as server:
        caller = Caller()
        response = await caller.offer(server.address, session=session)
        assert response.status_code == 201
        await caller.pc.close()


async def test_rest_knows_them_too() -> None:
    async with serving(models={"other": lambda: Named("other")}) as server, server.client() as client:
        assert [model.id async for model in await client.models.list()] == ["llm", "other"]
        for asked, name, text in (("other", "other", "I am other."), ("gpt-9", "llm", "It is nine.")):
            answer = await client.chat.completions.create(model=asked, messages=[{"role": "user", "content": "Who are you?"}])
            assert (answer.model, answer.choices[0].message.content) == (name, text)
        stream = await client.chat.completions.create(model="other", messages=[{"role": "user", "content": "You?"}], stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "I am other."
