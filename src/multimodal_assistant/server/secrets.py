"""Short-lived keys for one conversation: whoever has a real key makes one for a page or a device that must not keep it.

Kept in memory alone, as hashes, beside the key that each was made with; after a restart none opens anything.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from .keys import digest

PREFIX = "ek_"
SECONDS = 600
"""That a secret lives unless something else is asked for."""

_MOST = 256  # at once; the oldest goes: a session with its functions may take a megabyte
_BYTES = 24


@dataclass(frozen=True, slots=True)
class Secret:
    """What is known of one."""

    client: str
    """Who made it: limits count for that one."""
    key: str = field(repr=False)
    """That it was made with: what is revoked opens nothing, and neither does this any more."""
    until: float
    wishes: dict[str, Any]
    """For the session that it opens."""


class Secrets:
    """All of a server. Times in seconds of any one clock."""

    def __init__(self) -> None:
        self._known: dict[str, Secret] = {}

    def make(self, client: str, key: str, wishes: dict[str, Any], now: float, seconds: float) -> str:
        """A new one; it is shown once and kept nowhere."""
        self._known = {name: secret for name, secret in self._known.items() if secret.until > now}
        while len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        value = f"{PREFIX}{secrets.token_urlsafe(_BYTES)}"
        self._known[digest(value)] = Secret(client, key, now + seconds, wishes)
        return value

    def find(self, value: str, now: float) -> Secret | None:
        """What `value` opens; None where it opens nothing, any more or at all."""
        secret = self._known.get(digest(value)) if value.startswith(PREFIX) else None
        return secret if secret is not None and secret.until > now else None


def opens(path: str) -> bool:
    """Whether a secret is enough for that address."""
    return path in ("/v1/realtime", "/v1/realtime/calls", "/v1/realtime/ice_servers") or path.startswith("/v1/realtime/calls/")
