"""How a memory in a process of its own is asked: a line of JSON for each request, and one for each answer."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be remembered."""

    text: str
    at: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class Add:
    """All notes of a user at once."""

    user: str
    notes: tuple[Noted, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """A question to the notes of a user."""

    user: str
    text: str
    k: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Of either: ids of the notes added, in order, or of those found, best first."""

    ids: tuple[str, ...]
    seconds: float
    """That the memory took, the embedding included, the way through the pipe not."""


class Memory(Protocol):
    """What is behind the lines."""

    def add(self, user: str, notes: Sequence[Noted]) -> Sequence[str]:
        """The id of each."""
        ...

    def search(self, user: str, text: str, k: int) -> Sequence[str]:
        """Best first."""
        ...


def encode(message: Add | Search | Answer) -> str:
    """One line, without its end."""
    return json.dumps({type(message).__name__.lower(): asdict(message)})


def decode(line: str) -> Add | Search | Answer:
    """The opposite. Raises ValueError if the line is none of them."""
    parsed: dict[str, Any] = json.loads(line)
    match list(parsed.items()):
        case [("add", given)]:
            return Add(given["user"], tuple(Noted(**note) for note in given["notes"]))
        case [("search", given)]:
            return Search(**given)
        case [("answer", given)]:
            return Answer(tuple(given["ids"]), given["seconds"])
        case _:
            raise ValueError(f"Not a message: {line[:100]}")


def serve(memory: Memory) -> None:
    """Answers until nobody asks any more. What the memory prints goes where errors go: the answers have the output to themselves."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for line in sys.stdin:
            request = decode(line)
            begun = time.perf_counter()
            match request:
                case Add(user, notes):
                    ids = memory.add(user, notes)
                case Search(user, text, k):
                    ids = memory.search(user, text, k)
                case Answer():
                    raise ValueError("An answer to nothing.")
            answers.write(encode(Answer(tuple(ids), time.perf_counter() - begun)) + "\n")
            answers.flush()
