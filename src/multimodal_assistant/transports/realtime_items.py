"""The items of one conversation in the OpenAI Realtime API: told when they come, kept for whoever asks for them again."""

from collections.abc import Callable
from typing import Any

ServerEvent = dict[str, Any]

_MOST = 500  # kept; who asks for an older one is told that it is not known


class Items:
    """name: of the conversation, unique. tell: sends an event, by its type and its fields."""

    def __init__(self, name: str, tell: Callable[..., None]) -> None:
        self._name = name
        self._tell = tell
        self._kept: dict[str, ServerEvent] = {}
        self._made = 0
        self.last: str | None = None
        """The name of the latest."""

    def name(self, wanted: str | None) -> str:
        """For an item that the client brings: the name it gave it, or a new one."""
        self._made += 1
        return wanted or f"item_{self._name}_written_{self._made}"

    def find(self, name: str) -> ServerEvent | None:
        """The item, as far as it is known."""
        return self._kept.get(name)

    def add(self, item: ServerEvent) -> None:
        """It begins."""
        self._tell("conversation.item.added", item=item, previous_item_id=self.last)
        self._keep(item)

    def finish(self, item: ServerEvent) -> None:
        """It is complete."""
        names = list(self._kept)
        place = names.index(item["id"]) if item["id"] in names else 0
        self._tell("conversation.item.done", item=item, previous_item_id=names[place - 1] if place else None)
        self._keep(item)

    def whole(self, item: ServerEvent) -> None:
        """It begins and is complete."""
        self.add(item)
        self.finish(item)

    def understood(self, name: str, transcript: str) -> None:
        """The words of an item of sound are known."""
        item = self._kept.get(name)
        if item is not None:
            self._kept[name] = {**item, "content": [{"type": "input_audio", "transcript": transcript}]}

    def forget(self, name: str) -> None:
        """It is no part of the conversation any more."""
        self._kept.pop(name, None)
        if self.last == name:
            self.last = next(reversed(self._kept), None)

    def _keep(self, item: ServerEvent) -> None:
        if item["id"] not in self._kept:
            self.last = item["id"]
        self._kept[item["id"]] = item
        while len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]


def message(name: str, role: str, content: list[ServerEvent], status: str = "completed") -> ServerEvent:
    """An item that is a message."""
    return {"id": name, "object": "realtime.item", "type": "message", "status": status, "role": role, "content": content}
