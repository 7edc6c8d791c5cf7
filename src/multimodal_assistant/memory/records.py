"""Records of a file that is imported: what they may hold, and how to say what is wrong with one."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from multimodal_assistant.core.errors import InvalidSetting

from .note import MemoryNote, content_of


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file held."""

    notes: tuple[MemoryNote, ...]
    ignored: Mapping[str, int]
    """Field that has no place in a note → how many records had it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file, which knows its place for what there is to say about it."""

    number: int
    values: dict[str, Any]
    ignored: Counter[str]

    def bad(self, what: str, remedy: str = "Correct it or take it out, then import again: nothing was kept.") -> InvalidSetting:
        name = self.values.get("id")
        shown = f" ({name[:60]})" if isinstance(name, str) and name else ""
        return InvalidSetting(f"Record {self.number}{shown} {what}.", remedy)

    def content(self, value: object) -> str:
        """The words of the note, as they are."""
        if not isinstance(value, str):
            raise self.bad("has no text")
        try:
            return content_of(value)
        except InvalidSetting as error:
            raise self.bad(f"cannot be kept: {error.problem[0].lower()}{error.problem[1:].rstrip('.')}") from error

    def text(self, *names: str) -> str:
        """The first of those fields that has words; numbers as they are written."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return str(value)
        return ""

    def unknown(self, known: frozenset[str]) -> None:
        """Count what has no place in a note."""
        for name, value in self.values.items():
            if name not in known and value not in (None, "", [], {}):
                self.ignored[name] += 1


def parsed(text: str, what: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSetting(f"{what} is not JSON.", "Nothing was kept.") from error
    if not isinstance(found, dict):
        raise InvalidSetting(f"{what} is not a JSON object.", "Nothing was kept.")
    return cast("dict[str, Any]", found)


def distinct(notes: Iterable[MemoryNote]) -> tuple[MemoryNote, ...]:
    """The notes, if no two have the same id."""
    places: dict[str, int] = {}
    kept: list[MemoryNote] = []
    for number, note in enumerate(notes, 1):
        if note.id in places:
            raise InvalidSetting(f"Records {places[note.id]} and {number} have the same id, {note.id[:60]}.", "Nothing was kept.")
        places[note.id] = number
        kept.append(note)
    return tuple(kept)
