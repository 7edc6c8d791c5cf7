"""How the two ends of a call find each other: addresses of this machine, and what STUN and TURN servers know or relay (RFC 8445).

aioice, under aiortc, has no setting for what is done differently here: this machine's loopback address is a candidate too, and what a
server of that kind does not answer soon is done without, and said.
"""

import logging
import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any

import aioice.ice
import anyio
from aioice.stun import TransactionError

log = logging.getLogger(__name__)

_SECONDS = 2.0  # aioice would have every call wait five


_HIDDEN = re.compile(r"^(a=candidate:(?:\S+ ){4})\S+\.local (?=\d+ typ host)", re.MULTILINE | re.IGNORECASE)
_NO_MORE = re.compile(r"^a=end-of-candidates\r?\n", re.MULTILINE)


def within_reach(offer: str, address: str) -> str:
    """The offer of a client that asks from `address`, as aioice can use it wherever the client is.

    A browser hides its addresses behind mDNS names from pages that have no microphone (draft-ietf-mmusic-mdns-ice-candidates). Where
    there is no multicast, nobody can look them up: a second is lost for each call, and aioice gives up, though the client's own checks
    would reach it. Its address is known from its request. Nor is it believed that there are no more ways: those that its checks come by
    show themselves.
    """
    offer = _NO_MORE.sub("", offer)
    try:
        found = ip_address(address)
    except ValueError:
        return offer
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return _HIDDEN.sub(rf"\g<1>{'127.0.0.1' if found.is_loopback else found} ", offer)


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
