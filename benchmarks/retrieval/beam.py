"""BEAM's chats with an assistant → conversations whose messages are notes."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from multimodal_assistant.memory.evaluation.dataset import Conversation, Query, Turn

ASSISTANT = "assistant"
_MARK = re.compile(r"\s*->->\s*[\d,\s]+$")
"""What the makers' plan leaves at the end of some messages."""
_BETWEEN_TURNS = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Update:
    """Something that was said, and later said otherwise: ids of messages."""

    older: frozenset[str]
    newer: frozenset[str]


def load(path: Path) -> list[Conversation]:
    """Chats of a file {number: {chat, probing_questions}}. Questions of the kind "abstention" have no answer in their chat."""
    return [_conversation(number, chat) for number, chat in json.loads(path.read_text(encoding="utf-8")).items()]


def updates(path: Path) -> dict[tuple[str, str], Update]:
    """(conversation, question of the kind "knowledge_update") → what it is about."""
    return {
        (f"beam-{number}", entry["question"]): Update(
            frozenset(_ids(entry["source_chat_ids"]["original_info"])), frozenset(_ids(entry["source_chat_ids"]["updated_info"]))
        )
        for number, chat in json.loads(path.read_text(encoding="utf-8")).items()
        for entry in chat["probing_questions"].get("knowledge_update", ())
    }


def _conversation(number: str, chat: Mapping[str, Any]) -> Conversation:
    turns = [turn for batch in chat["chat"] for turn in _batch(batch)]
    ids = {turn.id for turn in turns}
    queries = [
        Query(entry["question"], frozenset(_ids(entry.get("source_chat_ids"))) & ids, kind, kind != "abstention")
        for kind, entries in chat["probing_questions"].items()
        for entry in entries
    ]
    return Conversation(f"beam-{number}", tuple(turns), tuple(queries), max(turn.at for turn in turns) + timedelta(days=1))


def _batch(batch: Mapping[str, Any]) -> Iterator[Turn]:
    """A batch has a date, and so have its messages now and then."""
    messages = [message for group in batch["turns"] for message in group]
    dates = [anchor for anchor in [*(message.get("time_anchor") for message in messages), batch.get("time_anchor")] if anchor]
    began = datetime.strptime(dates[0], "%B-%d-%Y").replace(tzinfo=UTC)
    for place, message in enumerate(messages):
        speaker = "" if message["role"] == "user" else ASSISTANT
        content = _MARK.sub("", message["content"])
        yield Turn(f"{message['id']}", content, speaker, f"{batch['batch_number']}", place, began + place * _BETWEEN_TURNS)


def _ids(cited: object) -> Iterator[str]:
    """Ids in a list, or in lists by what they are evidence of."""
    if isinstance(cited, Mapping):
        cited = list(cited.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(cited, list):
        for entry in cited:  # pyright: ignore[reportUnknownVariableType]
            yield from _ids(entry)  # pyright: ignore[reportUnknownArgumentType]
    elif cited is not None:
        yield f"{cited}"
