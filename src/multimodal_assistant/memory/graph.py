"""Notes → one HTML page that shows them as a graph: zoomable, searchable, in need of nothing else.

The page is `graph.html`; here it gets its data and a policy that lets nothing run or load but what is in it. Notes are data of a block that
no browser executes, with every letter escaped that could end it, and the page puts them in as text only.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

from .note import Evolution, MemoryNote

_MOST_SHOWN = 4_000
"""Characters of a note on the page."""
_MOST_VALUE = 200
"""Characters of an old or new value in its history."""
_MOST_ROWS = 50
"""Of one history: the latest."""


def graph_html(notes: Iterable[MemoryNote]) -> str:
    """The page. It lays the notes out itself; that takes a second or two for some thousands."""
    start, end = _page()
    # All but ASCII is escaped by json, and so is what could end the block or open a comment in it.
    data = json.dumps([_shown(note) for note in notes], separators=(",", ":"))
    return start + data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") + end


@cache
def _page() -> tuple[str, str]:
    """What stands before and after the data."""
    page = files("multimodal_assistant.memory").joinpath("graph.html").read_text("utf-8")
    script, style = _block(page, "script"), _block(page, "style")
    # Colours of the legend are set by the script through the CSSOM, which the policy does not concern.
    policy = f"default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data:; base-uri 'none'; form-action 'none'"
    start, _, end = page.replace("%POLICY%", policy).partition("%DATA%")
    return start, end


def _block(page: str, name: str) -> str:
    """Hash of the page's one block of that name without attributes, for the policy."""
    (text,) = re.findall(rf"<{name}>(.*?)</{name}>", page, re.S)
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _shown(note: MemoryNote) -> dict[str, object]:
    return {
        "id": note.id,
        "content": _cut(note.content, _MOST_SHOWN),
        "context": note.context,
        "tags": note.tags,
        "keywords": note.keywords,
        "links": note.links,
        "speaker": note.speaker,
        "time": _minute(note.timestamp),
        "valid_to": _minute(note.valid_to),
        "superseded_by": note.superseded_by,
        "history": [_row(row) for row in note.evolution_history[-_MOST_ROWS:]],
    }


def _row(row: Evolution) -> str:
    return f"{_minute(row.at)}: {row.field} from {_value(row.old)} to {_value(row.new)}, by {row.by or 'nobody'}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{_cut(', '.join(map(str, value)), _MOST_VALUE)}]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, datetime):
        return _minute(value)
    return "nothing" if value in (None, "") else f"“{_cut(str(value), _MOST_VALUE)}”"


def _minute(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".rstrip() if time else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"
