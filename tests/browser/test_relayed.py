"""A browser that reaches the server only through a relay: a real TURN server, which the page is told of."""

import pytest
from pydantic import SecretStr
from visiting import needs_browser, visiting, words

from relaying import needs_turnserver, relay
from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, needs_turnserver, pytest.mark.timeout(120)]

_BY_RELAY = """
  const Direct = RTCPeerConnection, ways = (given) => ({ ...given, iceTransportPolicy: "relay" });
  window.RTCPeerConnection = class extends Direct {
    constructor(given) { super(ways(given)); window.call = this; }
    setConfiguration(given) { super.setConfiguration(ways(given)); }
  };
"""
_WAY = """async () => {
  const stats = await window.call.getStats();
  const pairs = [...stats.values()].filter((one) => one.type === "candidate-pair" && one.nominated);
  return pairs.map((pair) => stats.get(pair.localCandidateId).candidateType);
}"""


async def test_it_talks_through_a_relay() -> None:
    async with relay("--use-auth-secret", "--static-auth-secret=known to both") as port:
        turn, secret = (f"turn:127.0.0.1:{port}?transport=udp",), SecretStr("known to both")
        async with serving(replies=words(20), ice_servers=turn, turn_secret=secret) as server, visiting(server.address) as visit:
            await visit.page.add_init_script(_BY_RELAY)
            await visit.page.reload()
            await visit.type("Hello.")
            assert await visit.loudest() > 0.02
            assert await visit.page.evaluate(_WAY) == ["relay"]
            assert visit.complaints == []


async def test_without_one_it_says_that_nothing_gets_through() -> None:
    async with serving(replies=["Hello."]) as server, visiting(server.address) as visit:
        await visit.page.add_init_script(_BY_RELAY)
        await visit.page.reload()
        await visit.type("Hello.")
        await visit.status("The server answers, but no sound gets through.")
