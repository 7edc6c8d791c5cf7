"""Keys that live for minutes and open one kind of door."""

from pathlib import Path
from typing import Any

import openai
import pytest
from aiortc import RTCSessionDescription
from test_realtime import until
from websockets.exceptions import InvalidStatus

from calling import Caller
from multimodal_assistant.server.keys import KeyFile
from multimodal_assistant.server.secrets import Secrets
from running import serving

pytestmark = pytest.mark.anyio

KEY = "a-long-enough-secret"


async def test_a_secret_opens_a_conversation_with_the_session_it_was_made_with() -> None:
    session: Any = {"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"voice": "marin"}}}
    async with serving(key=KEY) as server:
        async with server.client(KEY) as owner:
            made = await owner.realtime.client_secrets.create(session=session)
        assert made.value.startswith("ek_")
        assert made.session.type == "realtime"
        async with server.client(made.value) as page, page.realtime.connect(model="local") as connection:
            created = await connection.recv()
            assert created.type == "session.created"
            assert '"instructions":"Be brief."' in created.to_json(indent=None)
            await connection.response.create(response={"output_modalities": ["text"]})
            async for event in connection:
                assert event.type != "error"
                if event.type == "response.done":
                    break


async def test_a_secret_opens_a_call_too() -> None:
    async with serving(key=KEY) as server:
        async with server.client(KEY) as owner:
            made = await owner.realtime.client_secrets.create(session={"type": "realtime", "instructions": "Be brief."})
        caller = Caller()
        response = await caller.offer(server.address, key=made.value)
        assert response.status_code == 201
        await caller.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
        updated = await caller.until("session.updated")
        assert updated["session"]["instructions"] == "Be brief."
        await caller.pc.close()


async def test_it_opens_nothing_else() -> None:
    async with serving(key=KEY) as server:
        async with server.client(KEY) as owner:
            made = await owner.realtime.client_secrets.create()
        async with server.client(made.value) as page:
            with pytest.raises(openai.AuthenticationError):
                await page.models.list()
            with pytest.raises(openai.AuthenticationError):
                await page.realtime.client_secrets.create()
        async with server.client(f"{made.value}x") as stranger:
            with pytest.raises(InvalidStatus):
                async with stranger.realtime.connect(model="local"):
                    pass


@pytest.mark.parametrize(
    "wish", [{"expires_after": {"seconds": 5}}, {"expires_after": {"seconds": 7201}}, {"session": {"type": "transcription"}}]
)
async def test_what_makes_no_sense_is_refused(wish: dict[str, Any]) -> None:
    async with serving() as server, server.client() as client:
        with pytest.raises(openai.BadRequestError):
            await client.post("/realtime/client_secrets", body=wish, cast_to=object)


async def test_it_ends_with_the_key_it_was_made_with(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    key = keys.add("phone")
    keys.add("other")
    async with serving(keys=keys) as server, server.client(key) as client:
        made = await client.realtime.client_secrets.create()
        async with server.client(made.value) as page, page.realtime.connect(model="local") as connection:
            await until(connection, "session.created")
        keys.revoke("phone")
        async with server.client(made.value) as page:
            with pytest.raises(InvalidStatus) as caught:
                async with page.realtime.connect(model="local"):
                    pass
        assert caught.value.response.status_code == 401


def test_its_time_is_up_at_the_second_and_the_oldest_make_way() -> None:
    known = Secrets()
    value = known.make("somebody", "a key", {}, 100.0, 10)
    assert known.find(value, 109.9) is not None
    assert known.find(value, 110.0) is None
    assert known.find("ek_", 100.0) is None
    for _ in range(256):
        known.make("somebody", "a key", {}, 100.0, 10)
    assert known.find(value, 100.0) is None
    assert value not in repr(vars(known))
    assert "a key" not in repr(vars(known))
