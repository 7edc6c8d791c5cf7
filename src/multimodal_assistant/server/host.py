"""What all conversations of a server share: the engines, who may come in, and how many at once."""

import hmac
import logging
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner

from .keys import KeyFile
from .metrics import Metrics

log = logging.getLogger(__name__)

_SHORTEST_KEY = 16


@dataclass(slots=True)
class Host:
    """One per server."""

    engines: Engines
    end_of_turn: EndOfTurn
    manner: Manner
    settings: ServerSettings
    keys: KeyFile
    live: set[str] = field(default_factory=set[str])
    """Names of the conversations that are going on."""
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def full(self) -> bool:
        """Whether there is no room for another conversation."""
        return len(self.live) >= self.settings.conversations

    @property
    def open(self) -> bool:
        """Whether no key is asked for: only where this machine alone can ask, also after the last key was revoked."""
        try:
            return self.settings.key is None and is_loopback(self.settings.host) and not self.keys.keys
        except InvalidSetting:
            return False

    def admits(self, key: str) -> bool:
        """Whether `key` opens the door. Takes as long for a wrong key as for the right one."""
        ours = self.settings.key
        known = ours is not None and hmac.compare_digest(ours.get_secret_value().encode(), key.encode())
        try:
            named = self.keys.admits(key)
        except InvalidSetting as error:
            log.error("nobody comes in by a key of their own: %s", error)
            named = False
        return known or named or self.open

    @contextmanager
    def conversation(self, transport: str) -> Generator[str]:
        """A place for one conversation, and its name. transport: what it comes by, as the metrics call it."""
        name = secrets.token_hex(8)
        self.live.add(name)
        self.metrics.begun.labels(transport).inc()
        try:
            with self.metrics.conversations.labels(transport).track_inprogress():
                yield name
        finally:
            self.live.discard(name)


def check_exposure(settings: ServerSettings, keys: KeyFile) -> None:
    """Refuse what would let strangers in. Raises `InvalidSetting`."""
    key = settings.key
    if key is not None and len(key.get_secret_value()) < _SHORTEST_KEY:
        raise InvalidSetting(
            f"The key of the server has fewer than {_SHORTEST_KEY} characters.",
            'Make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"` and set ASSISTANT_SERVER__KEY.',
        )
    if key is None and not keys.keys and not is_loopback(settings.host):
        raise InvalidSetting(
            f"Listening on {settings.host} would let everybody in who reaches this machine.",
            "Make a key with `assistant keys add NAME`, or listen on 127.0.0.1.",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
