"""Every event of a conversation as one line of JSON."""

import json
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from multimodal_assistant.core.errors import UsageError
from multimodal_assistant.core.events import Event
from multimodal_assistant.core.types import RememberedView, Transcript, Usage


class EventFile:
    """Writes `{"t": seconds, "type": name, "turn": id, …}` lines as the events come."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> "EventFile":
        try:
            self._file = self._path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{self._path} cannot be written: {error.strerror}.", "Choose another place with --events.") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, event: Event) -> None:
        """Append one event."""
        if self._file is not None:
            self._file.write(json.dumps(plain(event), ensure_ascii=False) + "\n")
            self._file.flush()


def plain(event: Event) -> dict[str, Any]:
    """The event as JSON has it."""
    line: dict[str, Any] = {"t": round(event.t, 3), "type": event.name, "turn": event.turn}
    for field in fields(event):
        if field.name in {"t", "turn"}:
            continue
        value = getattr(event, field.name)
        if isinstance(value, Transcript):
            line |= {"text": value.text, "language": value.language, "average_log_probability": round(value.average_log_probability, 3)}
        elif isinstance(value, RememberedView):  # what it shows is kept in one place, where it can be forgotten
            line |= {"view": value.id, "seen_at": round(value.at, 3)}
        elif isinstance(value, Usage):
            line |= {name.name: getattr(value, name.name) for name in fields(value)}
        else:
            line[field.name] = round(value, 3) if isinstance(value, float) else value
    return line
