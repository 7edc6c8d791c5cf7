"""What the retrieval benchmark reads, computes and asks of a memory."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from benchmarks.retrieval import beam
from benchmarks.retrieval.baselines import Baseline, Method
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from multimodal_assistant.memory.evaluation import locomo
from multimodal_assistant.memory.evaluation.dataset import Conversation, Query, Turn
from multimodal_assistant.memory.evaluation.measure import measure
from multimodal_assistant.memory.evaluation.metrics import area_under_curve, mean, scored

NOW = datetime(2023, 10, 18, tzinfo=UTC)


def near(value: float, other: float) -> bool:
    return abs(value - other) < 1e-9


def test_scores_of_one_question() -> None:
    result = scored("kind", ["x", "a", "y", "z", "w", "b"], {"a", "b", "missing"})
    assert near(result.recall_5, 1 / 3)
    assert near(result.recall_10, 2 / 3)
    assert near(result.reciprocal_rank, 1 / 2)
    assert (result.hit_10, result.all_10) == (1.0, 0.0)
    gain = 1 / np.log2(3) + 1 / np.log2(7)
    assert near(result.ndcg_10, gain / (1 + 1 / np.log2(3) + 1 / 2))


def test_nothing_found() -> None:
    result = scored("kind", [], {"a"})
    assert (result.recall_10, result.ndcg_10, result.reciprocal_rank, result.hit_10, result.all_10) == (0.0,) * 5


@given(st.lists(st.integers(0, 30), unique=True), st.sets(st.integers(0, 30), min_size=1))
def test_scores_are_shares(found: list[int], evidence: set[int]) -> None:
    result = scored("kind", [f"{one}" for one in found], {f"{one}" for one in evidence})
    assert 0 <= result.recall_5 <= result.recall_10 <= 1
    assert 0 <= result.ndcg_10 <= 1 + 1e-9
    assert result.all_10 <= result.hit_10


def test_an_interval_holds_the_mean_and_repeats() -> None:
    first, second = mean([0.0, 1.0, 1.0, 0.5]), mean([0.0, 1.0, 1.0, 0.5])
    assert first == second
    assert first.low <= first.value <= first.high
    assert f"{mean([1.0, 1.0])}" == "1.000 [1.000, 1.000]"


def test_area_under_curve() -> None:
    assert area_under_curve([0.9, 0.8], [0.1]) == 1.0
    assert area_under_curve([0.5], [0.5, 0.9]) == 0.25


@pytest.mark.parametrize(
    ("cited", "ids"),
    [(["D1:3"], {"D1:3"}), (["D8:6; D9:17"], {"D8:6", "D9:17"}), (["D:11:26"], {"D11:26"}), (["D30:05"], {"D30:5"}), (["D"], set[str]())],
)
def test_citations(cited: list[str], ids: set[str]) -> None:
    assert locomo.evidence_ids(cited) == ids


def test_a_file_of_locomo(tmp_path: Path) -> None:
    talk = {
        "speaker_a": "Ann",
        "session_10_date_time": "1:56 pm on 8 May, 2023",
        "session_10": [{"speaker": "Ben", "dia_id": "D10:1", "text": "See you!"}],
        "session_2_date_time": "12:05 am on 7 May, 2023",
        "session_2": [{"speaker": "Ann", "dia_id": "D2:1", "text": "Look!", "blip_caption": "a photo of a lake", "query": "lake sunset"}],
        "session_3_date_time": "1:00 pm on 9 May, 2023",
    }
    questions = [
        {"question": "What did Ann show?", "answer": "a lake", "evidence": ["D2:01", "D99:1"], "category": 4},
        {"question": "What did Ben show?", "adversarial_answer": "a lake", "evidence": ["D2:1"], "category": 5},
        {"question": "Why?", "category": 3},
    ]
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([{"sample_id": "conv-1", "conversation": talk, "qa": questions}]))
    (conversation,) = locomo.load(path)
    assert conversation.turns == (
        Turn("D2:1", "Look! [shares a photo of a lake]", "Ann", "2", 0, datetime(2023, 5, 7, 0, 5, tzinfo=UTC)),
        Turn("D10:1", "See you!", "Ben", "10", 0, datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
    )
    assert conversation.queries == (
        Query("What did Ann show?", frozenset({"D2:1"}), "single-hop"),
        Query("What did Ben show?", frozenset({"D2:1"}), "adversarial", answerable=False),
        Query("Why?", frozenset(), "open-domain"),
    )
    assert conversation.now == datetime(2023, 5, 9, 13, 56, tzinfo=UTC)
    assert locomo.load(path, image_queries=True)[0].turns[0].content == "Look! [shares a photo of a lake] lake sunset"


def test_a_file_of_beam(tmp_path: Path) -> None:
    group = [
        {"role": "user", "id": 0, "time_anchor": "March-15-2024", "content": "I need tea. ->-> 1,1"},
        {"role": "assistant", "id": 1, "content": "Green?"},
    ]
    chat = {
        "chat": [{"batch_number": 1, "turns": [group], "time_anchor": None}],
        "probing_questions": {
            "knowledge_update": [{"question": "What do I need?", "source_chat_ids": {"original_info": [0], "updated_info": [1, 7]}}],
            "abstention": [{"question": "Do I need milk?"}],
        },
    }
    path = tmp_path / "beam.json"
    path.write_text(json.dumps({"3": chat}))
    (conversation,) = beam.load(path)
    assert [(turn.id, turn.content, turn.speaker, turn.position) for turn in conversation.turns] == [
        ("0", "I need tea.", "", 0),
        ("1", "Green?", "assistant", 1),
    ]
    assert conversation.turns[0].at == datetime(2024, 3, 15, tzinfo=UTC)
    assert conversation.queries == (
        Query("What do I need?", frozenset({"0", "1"}), "knowledge_update"),
        Query("Do I need milk?", frozenset(), "abstention", answerable=False),
    )


def talk(name: str, *said: str) -> Conversation:
    turns = tuple(Turn(f"{name}{place}", text, "Ann", "1", place, NOW) for place, text in enumerate(said))
    queries = (
        Query("green tea?", frozenset({f"{name}0"}), "easy"),
        Query("lake?", frozenset({f"{name}1"}), "easy"),
        Query("mountain?", frozenset({f"{name}0"}), "trap", answerable=False),
    )
    return Conversation(name, turns, queries, NOW)


@pytest.mark.anyio
async def test_each_conversation_is_a_user_and_notes_are_told_by_their_own_ids() -> None:
    notes: dict[str, list[tuple[str, str]]] = {}

    async def add(user: str, turns: Sequence[Turn]) -> list[str]:
        notes[user] = [(f"note-{turn.id}", turn.content) for turn in turns]
        return [note for note, _ in notes[user]]

    async def search(user: str, text: str, k: int, now: datetime) -> list[str]:
        return [note for note, content in notes[user] if content in text][:k]

    async def sure(user: str, text: str, now: datetime) -> float:
        return float(bool(await search(user, text, 1, now)))

    measured = await measure([talk("a", "tea", "lake"), talk("b", "tea", "sea")], add, search, sure)
    assert {name: value.value for name, value in measured.means().items()} == {"all": 0.75, "easy": 0.75}
    assert [one.recall_10 for one in measured.tempted] == [0.0, 0.0]
    assert measured.rejection == 0.875
    assert (await measure([talk("a", "tea", "lake")], add, search)).rejection is None


async def letters(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of how often each letter comes: texts with the same letters are close."""
    counts = np.array([[text.lower().count(letter) + 1e-3 for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], dtype=np.float32)
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["bm25", "dense", "rrf", "linear"])
async def test_every_baseline_finds_what_is_plain(method: Method) -> None:
    baseline = Baseline(method, letters)
    measured = await measure([talk("a", "green tea", "lake", "something else entirely")], baseline.add, baseline.search)
    assert measured.means("reciprocal_rank")["all"].value == 1.0
