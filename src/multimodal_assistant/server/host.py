"""What all conversations of a server share: the engines, who may come in, and how many at once."""

import hmac
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner

_SHORTEST_KEY = 16


@dataclass(slots=True)
class Host:
    """One per server."""

    engines: Engines
    end_of_turn: EndOfTurn
    manner: Manner
    settings: ServerSettings
    live: set[str] = field(default_factory=set[str])
    """Names of the conversations that are going on."""

    @property
    def full(self) -> bool:
        """Whether there is no room for another conversation."""
        return len(self.live) >= self.settings.conversations

    def admits(self, key: str) -> bool:
        """Whether `key` opens the door; without a key of our own it is open. Takes as long for a wrong key as for the right one."""
        ours = self.settings.key
        return ours is None or hmac.compare_digest(ours.get_secret_value().encode(), key.encode())

    @contextmanager
    def conversation(self) -> Generator[str]:
        """A place for one conversation, and its name."""
        name = secrets.token_hex(8)
        self.live.add(name)
        try:
            yield name
        finally:
            self.live.discard(name)


def check_exposure(settings: ServerSettings) -> None:
    """Refuse what would let strangers in. Raises `InvalidSetting`."""
    key = settings.key
    if key is not None and len(key.get_secret_value()) < _SHORTEST_KEY:
        raise InvalidSetting(
            f"The key of the server has fewer than {_SHORTEST_KEY} characters.",
            'Make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"` and set ASSISTANT_SERVER__KEY.',
        )
    if key is None and not is_loopback(settings.host):
        raise InvalidSetting(
            f"Listening on {settings.host} would let everybody in who reaches this machine.",
            "Set ASSISTANT_SERVER__KEY to a secret of at least 16 characters, or listen on 127.0.0.1.",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
