"""The memory of a conversation: what bears on the words of a turn goes to the model, and what was said and heard is kept."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio

from multimodal_assistant.core.errors import AssistantError

from .note import Hit, MemoryNote
from .requests import Forget, forget_request
from .system import AgenticMemorySystem

log = logging.getLogger(__name__)

_WAITING = 256
"""Turns that may wait to be written."""


@dataclass(frozen=True, slots=True)
class Recalling:
    """How much a model is told."""

    most: int = 4
    """Memories."""
    longest: int = 240
    """Characters of each."""


SMALL = Recalling(most=1)
"""For the small models of this process: of two memories they make one ("my car is green"), and they read some hundred words a second while
the user waits."""


class Keeper:
    """Writes the turns of all conversations of a program, one after the other."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[_Turn](_WAITING)

    def put(self, memory: "ConversationMemory", said: str, heard: str, at: datetime) -> None:
        """Returns at once."""
        try:
            self._send.send_nowait((memory, said, heard, at))
        except anyio.WouldBlock:
            log.warning("a turn is not remembered: the disk does not keep up")
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            log.warning("a turn is not remembered: the memory is closed")

    @property
    def waiting(self) -> int:
        """Turns that are not written yet."""
        return self._send.statistics().current_buffer_used

    async def run(self) -> None:
        """Write what comes, as it comes."""
        while True:
            await self.write_next()

    async def write_next(self) -> None:
        """Wait for a turn, and write it."""
        turn = await self._receive.receive()
        with anyio.CancelScope(shield=True):  # half a turn is none
            await self._write(turn)

    async def finish(self) -> None:
        """Write what has come and is not written yet; nothing more comes."""
        self._send.close()
        while self.waiting:
            await self._write(self._receive.receive_nowait())
        self._receive.close()

    async def _write(self, turn: "_Turn") -> None:
        memory, said, heard, at = turn
        try:
            await memory.keep(said, heard, at)
        except AssistantError as error:
            log.warning("a turn is not remembered: %s", error)


class ConversationMemory:
    """`core.protocols.Remembering` for the notes of one user, written by `keeper`.

    session: under which its notes are kept; assistant: the name its own words are kept under.
    """

    def __init__(
        self,
        system: AgenticMemorySystem,
        keeper: Keeper,
        *,
        session: str,
        recalling: Recalling | None = None,
        assistant: str = "assistant",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._system = system
        self._keeper = keeper
        self._session = session
        self._recalling = recalling or Recalling()
        self._assistant = assistant
        self._clock = clock
        self._here: set[str] = set()

    async def recall(self, question: str) -> str:
        """See `core.protocols.Remembering`. What was said in this conversation the model has already."""
        now = self._clock()
        request = forget_request(question, now)
        if request is not None:
            return _told(request, len(await self._to_forget(request, preview=True)))
        found = await self._system.recall(question, self._recalling.most + len(self._here), now=now, informing=True)
        hits = [hit for hit in found.hits if hit.bears and hit.note.id not in self._here][: self._recalling.most]
        return "\n".join(f"- {self._line(hit)}" for hit in hits)

    def remember(self, said: str, heard: str) -> None:
        """See `core.protocols.Remembering`."""
        self._keeper.put(self, said, heard, self._clock())

    async def keep(self, said: str, heard: str, at: datetime) -> None:
        """Write a turn, or carry out what it asks of the memory."""
        request = forget_request(said, at)
        if request is not None:  # neither the request nor the answer says anything that is worth keeping
            await self._to_forget(request)
            return
        scope = replace(self._system.scope, session=self._session)
        notes = [MemoryNote(said, scope, timestamp=at)] if said.strip() else []
        notes += [MemoryNote(heard, scope, timestamp=at, speaker=self._assistant, source="assistant")] if heard.strip() else []
        self._here |= {note.id for note in await self._system.add_notes(notes)} if notes else set()

    async def _to_forget(self, request: Forget, *, preview: bool = False) -> list[MemoryNote]:
        return await self._system.forget(request.about, since=request.since, preview=preview)

    def _line(self, hit: Hit) -> str:
        note = hit.note
        who = "you answered" if note.source == "assistant" else f"{note.speaker} said" if note.speaker else "the user said"
        said = " ".join(note.content.split())
        if len(said) > self._recalling.longest:
            said = f"{said[: self._recalling.longest].rsplit(' ', 1)[0]} …"
        return f"{note.timestamp.astimezone():%d %B %Y}, {who}: {said}".lstrip("0")


def _told(request: Forget, count: int) -> str:
    """For the model: what becomes of the request."""
    if not count:
        return f"- You looked in your memory and found nothing {request.what}, so there is nothing to forget. Say so."
    return f"- You have now forgotten {count} {'thing' if count == 1 else 'things'} {request.what}. Confirm it in one short sentence."


_Turn = tuple[ConversationMemory, str, str, datetime]
