"""What all conversations of a server share: the engines, who may come in, and how many at once."""

import hmac
import logging
import math
import re
import secrets
import ssl
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import anyio

from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.errors import AssistantError, InvalidSetting
from multimodal_assistant.core.protocols import LanguageModel, Remembering
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner

from .ice import IceServers
from .keys import KeyFile, digest
from .limits import Buckets
from .metrics import Metrics
from .minds import Mind, Minds
from .vision import Vision

log = logging.getLogger(__name__)

_SHORTEST_KEY = 16
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_DAY = 86_400.0  # seconds


class NoRoom(AssistantError):
    """Another conversation cannot begin now."""


@dataclass(slots=True)
class Host:
    """One per server."""

    engines: Engines
    end_of_turn: EndOfTurn
    manner: Manner
    settings: ServerSettings
    keys: KeyFile
    vision: Vision = field(default_factory=Vision)
    """What it sees with."""
    remembering: Callable[[str], Remembering] | None = None
    """The memory for a conversation of this user, "" being the one of the settings; None: nothing is remembered."""
    models: Mapping[str, Callable[[], LanguageModel]] = field(default_factory=dict[str, Callable[[], LanguageModel]])
    """Other language models that a conversation may have: name → it, not loaded."""
    live: dict[str, str] = field(default_factory=dict[str, str])
    """The conversations that are going on: name → client."""
    speaking: dict[str, Callable[[], bool]] = field(default_factory=dict[str, Callable[[], bool]])
    """Conversation → whether somebody has the floor there."""
    forgetful: dict[str, Callable[[], None]] = field(default_factory=dict[str, Callable[[], None]])
    """Conversation → what tells its client that what was seen is forgotten."""
    metrics: Metrics = field(default_factory=Metrics)
    closing: anyio.Event = field(default_factory=anyio.Event)
    """The server is about to end."""
    minutes: Buckets | None = None
    """Seconds of conversation that each client has left."""
    ice: IceServers = field(init=False)
    """How calls find their way."""
    minds: Minds = field(init=False)
    """Who answers."""

    _left: anyio.Event = field(default_factory=anyio.Event)

    async def emptied(self) -> None:
        """Wait until nobody is there."""
        while self.live:
            self._left = anyio.Event()
            await self._left.wait()

    def __post_init__(self) -> None:
        self.ice = IceServers(self.settings)
        self.minds = Minds(Mind(self.engines.llm, self.vision.viewer, self.manner), self.models)
        if self.settings.minutes_per_day is not None:
            seconds = self.settings.minutes_per_day * 60
            self.minutes = Buckets(seconds / _DAY, seconds)

    @property
    def quiet(self) -> bool:
        """Whether nobody has the floor, in any conversation."""
        return not any(speaking() for speaking in self.speaking.values())

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

    def client(self, key: str, address: str) -> str:
        """Whom limits count for: the key, or the address where none is needed."""
        return f"address {address}" if self.open else f"key {digest(key)}"

    def memory(self, conversation: str) -> Remembering | None:
        """What a conversation remembers: each key of the file is somebody of his own."""
        if self.remembering is None:
            return None
        return self.remembering(self.user(conversation))

    def user(self, conversation: str) -> str:
        """Whose conversation it is: the name of its key, "" where it has none."""
        client = self.live.get(conversation, "")
        return next((key.name for key in self.keys.keys if client == f"key {key.digest}"), "")

    def forget(self, conversation: str) -> None:
        """What was seen is forgotten on this one's wish: nothing of it stays in sight in another conversation of the same user."""
        user = self.user(conversation)
        for name, tell in self.forgetful.items():
            if self.user(name) == user:
                tell()

    @contextmanager
    def conversation(self, transport: str, client: str) -> Generator[tuple[str, float]]:
        """A place for one conversation: its name, and the seconds it may last. Raises `NoRoom`.

        transport: what it comes by, as the metrics call it.
        """
        seconds = self._admit(client)
        name = secrets.token_hex(8)
        self.live[name] = client
        self.metrics.begun.labels(transport).inc()
        begun = anyio.current_time()
        try:
            with self.metrics.conversations.labels(transport).track_inprogress():
                yield name, seconds
        finally:
            del self.live[name]
            self.speaking.pop(name, None)
            self.forgetful.pop(name, None)
            self._left.set()
            if self.minutes is not None:
                now = anyio.current_time()
                self.minutes.of(client).take(now, now - begun)

    def _admit(self, client: str) -> float:
        """The seconds that the client's next conversation may last."""
        if self.closing.is_set():
            raise self._turned_away("full", "The server is closing.")
        if self.full:
            raise self._turned_away("full", "All conversations are taken.", "Try again later.")
        most = self.settings.conversations_per_client
        if most is not None and list(self.live.values()).count(client) >= most:
            raise self._turned_away("client", f"One client may hold {most} conversations at once.", "End one of them.")
        if self.minutes is None:
            return math.inf
        seconds = self.minutes.of(client).left(anyio.current_time())
        if seconds < 1:
            raise self._turned_away("minutes", "Your minutes of conversation are used up.", "They come back evenly over a day.")
        return seconds

    def _turned_away(self, reason: str, problem: str, remedy: str = "") -> NoRoom:
        self.metrics.refused.labels(reason).inc()
        return NoRoom(problem, remedy)


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
    for origin in settings.origins:
        if not _ORIGIN.fullmatch(origin):
            raise InvalidSetting(
                f"server.origins has “{origin}”, which is no origin of a page.",
                "Name each as the browser does, without a path: https://talk.example.org or http://localhost:5173.",
            )


def check_certificate(settings: ServerSettings) -> None:
    """Refuse a certificate that does not work before models are loaded. Raises `InvalidSetting`."""
    if settings.certificate is None and settings.certificate_key is None:
        return
    try:
        if settings.certificate is None:
            raise ValueError("there is a key for it, and no certificate")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.certificate, settings.certificate_key, password="")
    except (OSError, ValueError) as error:
        raise InvalidSetting(
            f"The certificate of the server cannot be used: {error}.", "See server.certificate and server.certificate_key."
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
