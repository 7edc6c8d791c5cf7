"""A way between two ends that do not reach each other: a real TURN server, which both use as the settings say."""

import base64
import hashlib
import hmac
import logging
import re
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcconfiguration import RTCIceTransportPolicy
from pydantic import SecretStr

from calling import Caller
from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.server.ice import IceServers
from multimodal_assistant.transports.ice import within_reach
from relaying import needs_turnserver, relay
from running import Running, serving

pytestmark = pytest.mark.anyio

KEY = "a-long-enough-secret"
SECRET = "known to both servers"


async def ice_servers(server: Running, key: str = "none") -> list[dict[str, str]]:
    """As the server tells its callers."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{server.address}/v1/realtime/ice_servers", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["iceServers"]


class Relayed(Caller):
    """Reaches the server by a relay, and in no other way."""

    def __init__(self, told: list[dict[str, str]]) -> None:
        super().__init__()
        servers = [RTCIceServer(one["urls"], one.get("username"), one.get("credential")) for one in told]
        self.pc = RTCPeerConnection(RTCConfiguration(servers, iceTransportPolicy=RTCIceTransportPolicy.RELAY))
        self.channel = self.pc.createDataChannel("oai-events")
        self.channel.on("message", self._told)


async def call(server: Running, caller: Caller) -> str:
    """Begin it; the server's answer."""
    response = await caller.offer(server.address)
    assert response.status_code == 201
    await caller.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
    return response.text


@pytest.mark.parametrize("gathered", ["hidden", "none"])
async def test_a_browser_that_hides_its_addresses_or_sends_none_finds_its_way(gathered: str) -> None:
    async with serving() as server:
        caller = Caller()
        caller.pc.addTrack(caller.microphone)
        await caller.pc.setLocalDescription(await caller.pc.createOffer())
        hidden = r"\g<1>3f1c5e0e-aaaa-4bbb-8ccc-0123456789ab.local"
        offer = re.sub(r"(a=candidate:(?:\S+ ){4})\S+", hidden, caller.pc.localDescription.sdp)
        if gathered == "none":
            offer = re.sub(r"a=candidate:.*\r\n", "", offer)
        async with httpx.AsyncClient(timeout=20) as client:
            place = f"{server.address}/v1/realtime/calls"
            response = await client.post(place, content=offer, headers={"content-type": "application/sdp"})
        await caller.pc.setRemoteDescription(RTCSessionDescription(response.text, "answer"))
        await caller.until("session.created")
        await caller.pc.close()


OFFER = "v=0\r\na=candidate:1 1 UDP 99 {} 5000 typ host\r\na=candidate:2 1 UDP 9 10.0.0.7 5001 typ srflx\r\n"


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("192.168.1.20", "192.168.1.20"),
        ("::ffff:192.168.1.20", "192.168.1.20"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("fd00::7", "fd00::7"),
        ("", "abc-1.local"),
    ],
)
def test_a_hidden_address_is_the_one_that_the_request_came_from(address: str, there: str) -> None:
    offer = OFFER.format("abc-1.local") + "a=end-of-candidates\r\n"
    assert within_reach(offer, address) == OFFER.format(there)


def test_an_address_that_is_not_hidden_stays() -> None:
    assert within_reach(OFFER.format("10.1.2.3"), "192.168.1.20") == OFFER.format("10.1.2.3")


async def test_nobody_is_asked_unless_it_is_set() -> None:
    async with serving() as server:
        assert await ice_servers(server) == []


@needs_turnserver
@pytest.mark.parametrize("way", ["secret", "user"])
async def test_a_call_goes_through_a_relay(way: str) -> None:
    settings: dict[str, Any] = {"turn_secret": SecretStr(SECRET)}
    rights = ["--use-auth-secret", f"--static-auth-secret={SECRET}"]
    if way == "user":
        settings = {"turn_username": "anna", "turn_password": SecretStr("pw")}
        rights = ["--user=anna:pw"]
    async with relay(*rights) as port:
        async with serving(ice_servers=(f"stun:127.0.0.1:{port}", f"turn:127.0.0.1:{port}?transport=udp"), **settings) as server:
            caller = Relayed(await ice_servers(server))
            try:
                answer = await call(server, caller)
                assert " typ relay " in answer
                ways = [line for line in caller.pc.localDescription.sdp.splitlines() if line.startswith("a=candidate")]
                assert ways
                assert all(" typ relay " in way for way in ways)
                await caller.until("session.created")
                caller.send(type="response.create", response={"input": []})
                assert (await caller.until("response.done"))["response"]["status"] == "completed"
            finally:
                await caller.pc.close()


@needs_turnserver
async def test_a_relay_that_does_not_know_us_is_done_without_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with relay("--use-auth-secret", "--static-auth-secret=another") as port:
        async with serving(ice_servers=(f"turn:127.0.0.1:{port}",), turn_secret=SecretStr(SECRET)) as server:
            caller = Caller()
            try:
                assert " typ relay " not in await call(server, caller)
                await caller.until("session.created")
            finally:
                await caller.pc.close()
    assert f"the TURN server 127.0.0.1:{port} is done without" in caplog.text
    assert SECRET not in caplog.text


async def test_a_server_that_does_not_answer_holds_up_no_call_for_long(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with await anyio.create_udp_socket(local_host="127.0.0.1") as dumb:
        port: int = dumb.extra(anyio.abc.SocketAttribute.local_port)
        async with serving(ice_servers=(f"turn:127.0.0.1:{port}",), turn_username="anna", turn_password=SecretStr("pw")) as server:
            caller = Caller()
            try:
                await call(server, caller)  # its own patience is ten seconds
                await caller.until("session.created")
            finally:
                await caller.pc.close()
    assert f"the TURN server 127.0.0.1:{port} is done without: TimeoutError" in caplog.text


async def test_only_who_may_call_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(key=KEY, ice_servers=("turn:relay.example.org",), turn_secret=SecretStr(SECRET)) as server:
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{server.address}/v1/realtime/ice_servers")).status_code == 401
        [told] = await ice_servers(server, KEY)
        async with server.client(KEY) as owner:
            brief = (await owner.realtime.client_secrets.create()).value
        assert len(await ice_servers(server, brief)) == 1
    assert told["urls"] == "turn:relay.example.org"
    password = base64.b64encode(hmac.digest(SECRET.encode(), told["username"].encode(), hashlib.sha1)).decode()
    assert told["credential"] == password
    assert SECRET not in repr(server.host.ice.of_a_call(0)) + caplog.text
    assert password not in repr(server.host.ice.of_a_call(0)) + caplog.text


def test_a_password_ends() -> None:
    servers = IceServers(ServerSettings(ice_servers=("turn:relay.example.org",), turn_secret=SecretStr(SECRET)))
    first, second = (servers.of_a_call(now)[0] for now in (1_000_000.5, 1_000_060.5))
    assert first.username == "1003600:assistant"
    assert first.credential != second.credential


@pytest.mark.parametrize(
    "url", ["relay.example.org", "stun:relay.example.org?transport=udp", "turn:", "turn:a:b", "turn:[::1]:3478", "turn:a?transport=tls"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidSetting, match="is no address of a STUN or TURN server"):
        IceServers(ServerSettings(ice_servers=(url,), turn_secret=SecretStr(SECRET)))


def test_a_relay_that_nothing_opens_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="nothing opens it"):
        IceServers(ServerSettings(ice_servers=("turn:relay.example.org",), turn_username="anna"))
    IceServers(ServerSettings(ice_servers=("stun:relay.example.org:3478",)))
