"""LoCoMo's file, of any of its conversations → conversations whose turns are notes."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .dataset import Conversation, Query, Turn

KINDS = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
"""Adversarial questions ask about the wrong speaker: what they cite only tempts."""

_ID = re.compile(r"D:?(\d+):(\d+)")
_BETWEEN_TURNS = timedelta(seconds=30)


def load(path: Path, *, image_queries: bool = False) -> list[Conversation]:
    """Conversations of a file as its authors publish it (`locomo10.json`). The caption of an image is part of what was said.

    `image_queries` adds the words the data set's makers found an image with. No conversation has those: they help retrieval,
    and are left out unless asked for.
    """
    return [_conversation(sample, image_queries) for sample in json.loads(path.read_text(encoding="utf-8"))]


def evidence_ids(cited: Iterable[str]) -> frozenset[str]:
    """Ids as turns have them. A few citations are written otherwise: "D8:6; D9:17" are two, "D:11:26" is D11:26, "D30:05" is D30:5."""
    return frozenset(f"D{int(session)}:{int(turn)}" for citation in cited for session, turn in _ID.findall(citation))


def _conversation(sample: Mapping[str, Any], image_queries: bool) -> Conversation:
    talk = sample["conversation"]
    numbers = sorted(int(match[1]) for key in talk if (match := re.fullmatch(r"session_(\d+)", key)))
    turns = [turn for number in numbers for turn in _session(talk, number, image_queries)]
    ids = {turn.id for turn in turns}
    queries = [
        Query(entry["question"], evidence_ids(entry.get("evidence", ())) & ids, KINDS[entry["category"]], entry["category"] != 5)
        for entry in sample["qa"]
    ]
    return Conversation(sample["sample_id"], tuple(turns), tuple(queries), max(turn.at for turn in turns) + timedelta(days=1))


def _session(talk: Mapping[str, Any], number: int, image_queries: bool) -> list[Turn]:
    began = datetime.strptime(talk[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
    return [
        Turn(turn["dia_id"], _content(turn, image_queries), turn["speaker"], f"{number}", place, began + place * _BETWEEN_TURNS)
        for place, turn in enumerate(talk[f"session_{number}"])
    ]


def _content(turn: Mapping[str, str], image_queries: bool) -> str:
    caption, query = turn.get("blip_caption", ""), turn.get("query", "") if image_queries else ""
    return " ".join(filter(None, [turn["text"], f"[shares {caption}]" if caption else "", query]))
