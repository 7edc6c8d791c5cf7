"""The memory system itself, measured: its notes and searches as `measure` asks for them."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from multimodal_assistant.memory.note import MemoryNote, Scope
from multimodal_assistant.memory.recall import Recalled
from multimodal_assistant.memory.store import MemoryStore
from multimodal_assistant.memory.system import AgenticMemorySystem

from .dataset import Turn


class Measurable:
    """Every turn is a note of its user, added through the public interface. tell: hears how many are in."""

    def __init__(self, store: MemoryStore, tell: Callable[[int], None] = lambda _: None) -> None:
        self._store = store
        self._tell = tell
        self._known: dict[tuple[str, str], Recalled] = {}
        self.seconds: list[float] = []
        """Of each search, with the embedding of the question."""

    async def add(self, user: str, turns: Sequence[Turn]) -> list[str]:
        """The ids of the notes."""
        notes = [
            MemoryNote(turn.content, Scope(user, session=turn.session), timestamp=turn.at, speaker=turn.speaker, position=turn.position)
            for turn in turns
        ]
        await AgenticMemorySystem(self._store, user).add_notes(notes)
        await self._store.settle()
        self._tell(len(notes))
        return [note.id for note in notes]

    async def search(self, user: str, text: str, k: int, now: datetime) -> list[str]:
        return [hit.note.id for hit in (await self._recalled(user, text, k, now)).hits]

    async def sure(self, user: str, text: str, now: datetime) -> float:
        """How confident it was when it searched."""
        known = self._known.get((user, text))
        return (known or await self._recalled(user, text, 1, now)).confidence

    async def _recalled(self, user: str, text: str, k: int, now: datetime) -> Recalled:
        begun = time.perf_counter()
        found = await AgenticMemorySystem(self._store, user).recall(text, k, now=now)
        self.seconds.append(time.perf_counter() - begun)
        self._known[user, text] = found
        return found
