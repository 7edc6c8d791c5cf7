"""What the retrieval benchmark asks of other memories, takes from facts, and writes down."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from benchmarks.peers.lines import Add, Answer, Noted, Search, decode, encode
from benchmarks.retrieval import beam
from benchmarks.retrieval.beam import Update
from benchmarks.retrieval.facts import ExtractedFacts, Fact, cited, observations
from benchmarks.retrieval.table import Result, beam_table, decimal, lead, locomo_table, newer_first, order, tempting, updated
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from multimodal_assistant.memory.evaluation.dataset import Turn
from multimodal_assistant.memory.evaluation.measure import Measured
from multimodal_assistant.memory.evaluation.metrics import Mean, scored

NOW = datetime(2023, 10, 18, tzinfo=UTC)
NOTED = st.builds(Noted, st.text(), st.text())
MESSAGES = st.one_of(
    st.builds(Add, st.text(), st.lists(NOTED).map(tuple)),
    st.builds(Search, st.text(), st.text(), st.integers(1, 100)),
    st.builds(Answer, st.lists(st.text()).map(tuple), st.floats(0, 100)),
)


@given(MESSAGES)
def test_a_message_is_a_line_and_comes_back(message: Add | Search | Answer) -> None:
    line = encode(message)
    assert "\n" not in line
    assert decode(line) == message


@pytest.mark.parametrize("line", ["{}", '{"forget": {}}', '{"add": {}, "search": {}}', "tea"])
def test_another_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="Not a message|Expecting value"):
        decode(line)


def test_facts_of_a_file(tmp_path: Path) -> None:
    said = {
        "session_1_observation": {"Ann": [["Ann likes tea.", "D1:3"]], "Ben": [["Ben swims.", ["D1:5", "D1:04"]]]},
        "session_2_observation": {"Ann": [["Ann moved.", "D2:1; D2:2"]]},
    }
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([{"sample_id": "conv-1", "observation": said}, {"sample_id": "conv-2"}]))
    facts = [Fact("Ann likes tea.", ("D1:3",)), Fact("Ben swims.", ("D1:4", "D1:5")), Fact("Ann moved.", ("D2:1", "D2:2"))]
    assert observations(path) == {"conv-1": facts, "conv-2": []}


def test_turns_that_facts_cite_come_once_each() -> None:
    facts = [Fact("x", ("b", "a")), Fact("y", ()), Fact("z", ("a", "c")), Fact("w", ("d",))]
    assert cited(facts, 10) == ["b", "a", "c", "d"]
    assert cited(facts, 2) == ["b", "a"]


async def letters(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors of how often each letter comes."""
    counts = np.array([[text.lower().count(letter) + 1e-3 for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], dtype=np.float32)
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.mark.anyio
async def test_a_search_for_facts_finds_turns_of_the_conversation() -> None:
    facts = {"conv-1": [Fact("green tea", ("t2", "gone")), Fact("a lake", ("t1",))]}
    memory = ExtractedFacts(facts, letters)
    turns = [Turn(f"t{place}", "", "Ann", "1", place, NOW) for place in range(4)]
    assert await memory.add("conv-1", turns) == ["t0", "t1", "t2", "t3"]
    assert await memory.search("conv-1", "green tea?", 10, NOW) == ["t2", "t1"]


def test_updates_of_a_file(tmp_path: Path) -> None:
    questions = {"knowledge_update": [{"question": "How much?", "source_chat_ids": {"original_info": [3, 4], "updated_info": [9]}}]}
    path = tmp_path / "beam.json"
    path.write_text(json.dumps({"2": {"probing_questions": questions}, "3": {"probing_questions": {}}}))
    assert beam.updates(path) == {("beam-2", "How much?"): Update(frozenset({"3", "4"}), frozenset({"9"}))}


def test_order_of_what_changed() -> None:
    update = Update(frozenset({"old"}), frozenset({"new"}))
    found = {
        ("a", "both"): ["x", "new", "old"],
        ("a", "only the newer"): ["new"],
        ("a", "the wrong way"): ["old", "new"],
        ("a", "neither"): ["x"],
        ("a", "another question"): ["new"],
    }
    asked = {key: update for key in found if key[1] != "another question"}
    assert order(found, asked) == "2 / 1 / 1"
    assert updated(found, asked) == 3
    share = newer_first(found, asked)
    assert share.value == 0.5
    assert share.low < 0.5 < share.high
    assert newer_first({("a", "deep"): [*"0123456789", "new"]}, {("a", "deep"): update}).value == 0.0


def measured() -> Measured:
    answered = (scored("single-hop", ["a"], {"a"}), scored("temporal", ["x", "b"], {"b"}), scored("temporal", ["x"], {"c"}))
    return Measured(answered, (scored("adversarial", ["d"], {"d", "e"}),), (), ())


def test_table_of_locomo() -> None:
    heads, _, plain, timed = locomo_table([Result("plain", measured(), {}), Result("timed", measured(), {}, (0.010, 0.020))])
    assert "| R@10 temporal (n = 2) | R@10 single-hop (n = 1) |" in heads
    assert plain.startswith("| plain | .667 [.000, 1.000] | .667 [.000, 1.000] | .544 | .500 | .500 | 1.000 | – |")
    assert timed.endswith("| 15.0 / 19.5 |")
    assert heads.count("|") == plain.count("|")


def test_table_of_beam() -> None:
    update = {("a", "q"): Update(frozenset({"old"}), frozenset({"new"}))}
    heads, _, row = beam_table([Result("plain", measured(), {("a", "q"): ["new"]})], update)
    assert "| newer first (n = 1) |" in heads
    assert row.endswith("| 1.000 [1.000, 1.000] | 1 / 0 / 0 | 1 | – |")
    assert heads.count("|") == row.count("|")


def test_lead_over_the_best_of_the_others() -> None:
    nothing = Measured(tuple(scored(one.kind, [], {"a"}) for one in measured().answered), (), (), ())
    others = [Result("poor", nothing, {}), Result("good", measured(), {})]
    assert lead(others, Result("ours", measured(), {})).endswith("row (good), paired by question: +0.000 [+0.000, +0.000].")
    assert "(poor), paired by question: +0.667 [" in lead(others[:1], Result("ours", measured(), {}))


def test_decimals() -> None:
    assert decimal(Mean(0.5, 0.25, 1.0)) == ".500"
    assert decimal(Mean(0.5, 0.25, 1.0), interval=True) == ".500 [.250, 1.000]"
    assert tempting(Result("one", measured(), {})).value == 0.5
