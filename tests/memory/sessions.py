"""A session, what a model makes of it, and what of that the notes bear out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from opened import NOW

from multimodal_assistant.memory.note import MemoryNote, Scope

MONDAY = Scope("anna", "home", "monday")
TEXTS = [
    "I adopted a dog called Miso from the shelter in Porto.",
    "He is two years old and afraid of thunder.",
    "My sister Marta will look after him in August.",
    "I don't eat meat any more.",
    "The vet is on Rua das Flores.",
    "I start to work at the museum on Tuesday.",
]
GOOD = "The user adopted a dog called Miso from the shelter in Porto.\nThe user doesn't eat meat any more.\n"
KEPT = "The user adopted a dog called Miso from the shelter in Porto. The user doesn't eat meat any more."
ENDED = NOW - timedelta(minutes=10)


def said(texts: Sequence[str], scope: Scope = MONDAY, ended: datetime = ENDED, **fields: Any) -> list[MemoryNote]:
    """One after the other, a second apart; the last at `ended`."""
    first = ended - timedelta(seconds=len(texts) - 1)
    return [MemoryNote(text, scope, timestamp=first + timedelta(seconds=index), **fields) for index, text in enumerate(texts)]
