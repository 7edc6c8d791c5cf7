"""The items that a client puts into its conversation, asks for again and takes out."""

from collections.abc import Callable

import numpy as np

from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.realtime_formats import Format
from multimodal_assistant.transports.realtime_items import ServerEvent
from multimodal_assistant.transports.realtime_messages import (
    AudioPart,
    BadMessage,
    CreateItem,
    DeleteItem,
    ImagePart,
    MessageItem,
    OutputItem,
    RetrieveItem,
    TextPart,
    decoded,
)
from multimodal_assistant.transports.realtime_story import Story

from .sight import ClientSight
from .sound import heard

_SHOWN = "(I show you a picture.)"
"""What stays in the history of one that came without words."""


class Entries:
    """form: how the client's sound comes. sight: what it shows, where that can be seen."""

    def __init__(self, story: Story, form: Callable[[], Format], sight: ClientSight | None) -> None:
        self._story = story
        self._items = story.items
        self._form = form
        self._sight = sight

    def create(self, session: Session, message: CreateItem) -> None:
        """Put it in, at the end. Raises `BadMessage`."""
        item, event_id = message.item, message.event_id
        if message.previous_item_id not in (None, self._items.last):
            raise BadMessage("Items can only be added at the end of the conversation.", "unsupported_value", event_id)
        if item.id is not None and self._items.find(item.id) is not None:
            raise BadMessage("There is an item of that name already.", "item_already_exists", event_id)
        match item:
            case OutputItem():
                if not session.history.returned(item.call_id, item.output):
                    raise BadMessage("No call of that name waits for an outcome.", "invalid_call_id", event_id)
                self._story.returned(item.call_id, item.output, item.id)
            case MessageItem():
                self._say(session, item, event_id, retold=message.assistant.retold)

    def _say(self, session: Session, item: MessageItem, event_id: str | None, *, retold: bool) -> None:
        if item.role == "system":
            raise BadMessage("What the system says goes into the instructions: session.update.", "unsupported_value", event_id)
        pictures = [part for part in item.content if isinstance(part, ImagePart)]
        if pictures:
            self._show(item, pictures, event_id)
        texts = [part.text.strip() for part in item.content if isinstance(part, TextPart)]
        sounds = [part for part in item.content if isinstance(part, AudioPart)]
        if sounds:
            if texts or item.role != "user":
                raise BadMessage("Sound is an item of its own, and of the user.", "unsupported_value", event_id)
            self._dictate(session, sounds, item.id, event_id)
            return
        text = " ".join(texts).strip() or (_SHOWN if pictures else "")
        if retold and item.role == "user":
            session.history.retold(text)
        elif item.role == "user":
            session.write(text)
        else:
            session.history.told(text)
        self._story.written(item.role, text, item.id)

    def _show(self, item: MessageItem, pictures: list[ImagePart], event_id: str | None) -> None:
        if self._sight is None:
            raise BadMessage("This server cannot see pictures.", "unsupported_value", event_id)
        if len(pictures) > 1 or item.role != "user":
            raise BadMessage("A message of the user may show one picture.", "unsupported_value", event_id)
        try:
            self._sight.show(pictures[0].image_url)
        except ValueError as error:
            raise BadMessage(str(error), "invalid_value", event_id) from None

    def _dictate(self, session: Session, sounds: list[AudioPart], wanted: str | None, event_id: str | None) -> None:
        form = self._form()
        try:
            samples = np.concatenate([form.samples(decoded(part.audio, event_id)) for part in sounds])
        except ValueError:
            raise BadMessage("The audio ends within a sample: 16-bit samples have two bytes.", "invalid_value", event_id) from None
        turn = session.take(heard(samples, form)) if len(samples) else None
        if turn is None:
            raise BadMessage("The audio is empty.", "invalid_value", event_id)
        self._story.took(turn, wanted, committed=False)

    def retrieve(self, message: RetrieveItem) -> None:
        """Tell what is known of it. Raises `BadMessage`."""
        self._story.retrieved(self._found(message.item_id, message.event_id))

    def delete(self, session: Session, message: DeleteItem) -> None:
        """Take it out, of what the language model reads too. Raises `BadMessage`."""
        item = self._found(message.item_id, message.event_id)
        if item["status"] == "in_progress":
            raise BadMessage("That is being said; cancel it first.", "item_in_progress", message.event_id)
        if "call_id" in item:
            session.history.uncall(item["call_id"])
        elif (text := _text(item)) and not session.history.unsay(item["role"], text):
            raise BadMessage("That is being answered, or part of a summary already.", "item_in_progress", message.event_id)
        self._story.deleted(message.item_id)

    def _found(self, name: str, event_id: str | None) -> ServerEvent:
        item = self._items.find(name)
        if item is None:
            raise BadMessage("There is no such item.", "item_not_found", event_id)
        return item


def _text(item: ServerEvent) -> str:
    return " ".join(part.get("text") or part.get("transcript") or "" for part in item["content"]).strip()
