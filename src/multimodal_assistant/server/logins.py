"""Browsers that have shown a key: each has a cookie of its own for half a day, which the server forgets when it ends."""

import hashlib
import secrets
from collections import OrderedDict

COOKIE = "assistant_login"
SECONDS = 12 * 3600
"""How long a login lasts."""

_MOST = 1000


class Logins:
    """Cookie → key. The cookie is kept as a hash; the key, because it may be revoked meanwhile. Times in seconds of any one clock."""

    def __init__(self) -> None:
        self._keys: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def enter(self, key: str, now: float) -> str:
        """A new cookie for who has shown `key`. The oldest login gives way where there are too many."""
        cookie = secrets.token_urlsafe(32)
        self._keys[_digest(cookie)] = (key, now + SECONDS)
        while len(self._keys) > _MOST:
            self._keys.popitem(last=False)
        return cookie

    def key(self, cookie: str, now: float) -> str:
        """The key that was shown for it, "" for a cookie that is none or is too old."""
        key, until = self._keys.get(_digest(cookie), ("", 0.0))
        return key if now < until else ""

    def leave(self, cookie: str) -> None:
        """It opens nothing from now on."""
        self._keys.pop(_digest(cookie), None)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
