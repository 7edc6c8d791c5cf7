"""Keys that open the server, one for each who may come in; kept as hashes, so that the file opens nothing."""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from multimodal_assistant.core.errors import InvalidSetting, UnknownName

_PREFIX = "mma-"
_BYTES = 32
"""So much chance in a key that a plain SHA-256 of it cannot be turned back (OWASP: slow hashes are for what people make up)."""


@dataclass(frozen=True, slots=True)
class Key:
    """Who may come in."""

    name: str
    digest: str
    """SHA-256 of the key, hexadecimal."""
    made: str
    """Day, ISO 8601."""


_KEYS = TypeAdapter(tuple[Key, ...])


class KeyFile:
    """Keys in a JSON file that only its owner can read; what changes in it holds from the next client on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._keys: tuple[Key, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        """All there are, as the file has them now. Raises `InvalidSetting` where it is damaged."""
        try:
            changed = self._path.stat().st_mtime_ns
            if changed != self._read_at:
                self._keys, self._read_at = _KEYS.validate_json(self._path.read_bytes()), changed
        except FileNotFoundError:
            self._keys, self._read_at = (), -1
        except (OSError, ValidationError) as error:
            raise InvalidSetting(f"{self._path} is not a list of keys.", "Remove it and make the keys anew.") from error
        return self._keys

    def add(self, name: str) -> str:
        """Make a key for `name`; it is shown once and kept nowhere. Raises `InvalidSetting` for a name that has one."""
        key = f"{_PREFIX}{secrets.token_urlsafe(_BYTES)}"
        with self._alone():
            if any(one.name == name for one in self.keys):
                raise InvalidSetting(f"There is a key of that name already: {name}.", "Revoke it first, or choose another name.")
            self._write((*self.keys, Key(name, digest(key), datetime.now(UTC).date().isoformat())))
        return key

    def revoke(self, name: str) -> None:
        """It opens nothing from now on. Raises `UnknownName`."""
        with self._alone():
            left = tuple(one for one in self.keys if one.name != name)
            if len(left) == len(self.keys):
                raise UnknownName(f"There is no key of that name: {name}.", "`assistant keys list` has them all.")
            self._write(left)

    def admits(self, key: str) -> bool:
        """Whether it is one of them; all are compared, so that the time tells nothing."""
        asked = digest(key)
        return sum(hmac.compare_digest(one.digest, asked) for one in self.keys) > 0

    def _alone(self) -> FileLock:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self._path}.lock")

    def _write(self, keys: tuple[Key, ...]) -> None:
        scratch = self._path.with_suffix(".part")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(_KEYS.dump_json(keys, indent=2))
        os.replace(scratch, self._path)
        self._read_at = -1


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()
