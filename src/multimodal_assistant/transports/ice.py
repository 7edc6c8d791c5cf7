"""How the two ends of a call find each other: addresses of this machine, and what STUN and TURN servers know or relay (RFC 8445).

aioice, under aiortc, has no setting for what is done differently here: this machine's loopback address is a candidate too, and what a
server of that kind does not answer soon is done without, and said.
"""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import aioice.ice
import anyio
from aioice.stun import TransactionError

log = logging.getLogger(__name__)

_SECONDS = 2.0  # aioice would have every call wait five


@dataclass(frozen=True, slots=True)
class IceServer:
    """One that both ends of a call may ask; of the form of WebRTC's `RTCIceServer`."""

    url: str
    """stun:HOST:PORT, turn:HOST:PORT?transport=udp, …"""
    username: str = ""
    credential: str = field(default="", repr=False)


_own_addresses = aioice.ice.get_host_addresses
_reflexive_candidate = aioice.ice.server_reflexive_candidate
_relayed_candidate = aioice.ice.relayed_candidate


def _addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """aioice leaves the loopback address out: then a machine without a network cannot reach itself."""
    return [*_own_addresses(use_ipv4, use_ipv6), *(["127.0.0.1"] if use_ipv4 else [])]


async def _reflexive(protocol: Any, stun_server: tuple[str, int]) -> Any:
    """What address this machine has for others. Nobody else can tell what its loopback address is, or answer to it."""
    if ip_address(protocol.local_candidate.host).is_loopback:
        raise ConnectionError
    return await _soon("STUN", stun_server, _reflexive_candidate(protocol, stun_server))


async def _relayed(**given: Any) -> Any:
    """An address of the relay's."""
    return await _soon("TURN", given["turn_server"], _relayed_candidate(**given))


async def _soon(kind: str, server: tuple[str, int], work: Awaitable[Any]) -> Any:
    try:
        with anyio.fail_after(_SECONDS):
            return await work
    except (OSError, TransactionError) as error:
        log.warning("the %s server %s:%d is done without: %s", kind, *server, str(error) or type(error).__name__)
        raise


aioice.ice.get_host_addresses = _addresses
aioice.ice.server_reflexive_candidate = _reflexive
aioice.ice.relayed_candidate = _relayed
