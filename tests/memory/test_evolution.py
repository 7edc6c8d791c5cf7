"""Links and evolution: by a model through numbers, by rule through nearness; all of it can be taken back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from multimodal_assistant.engines.scripted import Script, ScriptedLlm
from multimodal_assistant.memory.evolution import (
    MOST_LINKS,
    MOST_NEIGHBOURS,
    Change,
    Decision,
    Neighbour,
    Revision,
    applied,
    decision_prompt,
    evolve,
    linked,
    parse_decision,
    parse_revision,
    related,
    reverted,
    revision_prompt,
)
from multimodal_assistant.memory.note import MemoryNote, Scope

pytestmark = pytest.mark.anyio

START = datetime(2026, 1, 1, tzinfo=UTC)
ANNA = Scope("anna", session="one")


def said(text: str, *, minutes: float = 0, **fields: object) -> MemoryNote:
    return replace(MemoryNote(text, ANNA, timestamp=START + timedelta(minutes=minutes)), **fields)  # pyright: ignore[reportArgumentType]


NEW = said("Miso has to see the vet about her paw.", tags=("health",))
DOG = said("I adopted a dog called Miso.", tags=("animals",), context="I adopted a dog.", category="animals")
TEA = said("I prefer tea.", tags=("food",))


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("DECISION: STRENGTHEN\nLINKS: 1, 2\nTAGS: animals", Decision("STRENGTHEN", (0, 1), ("animals",))),
        ("**DECISION:** strengthen and update\n**LINKS:** [2]", Decision("STRENGTHEN_AND_UPDATE", (1,))),
        ("Decision: update neighbor\nLinks: note 1", Decision("UPDATE_NEIGHBOR", (0,))),
        ("DECISION: NO_EVOLUTION\nLINKS: none\nTAGS: x1", Decision("NO_EVOLUTION", (), ("x1",))),
        ("DECISION: STRENGTHEN\nLINKS: 0, 3, 99, 1, 1, 2026", Decision("STRENGTHEN", (0,))),
        ('{"decision": "STRENGTHEN", "links": [2, "1"], "tags": ["animals"]}', Decision("STRENGTHEN", (1, 0), ("animals",))),
        ("LINKS: 1", Decision("NO_EVOLUTION", (0,))),
        ("", Decision()),
    ],
)
async def test_a_decision_is_read(text: str, decision: Decision) -> None:
    assert parse_decision(text, 2) == decision


async def test_a_revision_is_read_for_each_neighbour() -> None:
    text = "NOTE 2 TAGS: b\nNOTE 1 CONTEXT: One. Two.\nNOTE 1 TAGS: a, c\nNOTE 7 TAGS: z\nNOTE 1 TAGS: d"
    assert parse_revision(text, 2) == (Revision("One.", ("a", "c")), Revision("", ("b",)))
    assert parse_revision("", 2) == (Revision(), Revision())


async def test_no_id_is_in_a_prompt() -> None:
    for prompt in (decision_prompt(NEW, [DOG, TEA]), revision_prompt(NEW, [DOG, TEA])):
        text = "".join(message.text for message in prompt)
        assert not any(note.id in text for note in (NEW, DOG, TEA))
        assert "<note2>" in prompt[-1].text


async def test_links_go_both_ways_and_tags_are_joined() -> None:
    found = await evolve(ScriptedLlm(replies=["DECISION: STRENGTHEN\nLINKS: 2, 7\nTAGS: animals, jazz quartet"]), NEW, [TEA, DOG])
    assert found.changes == (
        Change(NEW.id, "links", (), (DOG.id,)),
        Change(DOG.id, "links", (), (NEW.id,)),
        Change(NEW.id, "tags", ("health",), ("health", "animals")),
        Change(NEW.id, "category", "Uncategorized", "health"),
    )
    assert (found.decision, found.cause, found.by) == ("STRENGTHEN", NEW.id, "llm")
    assert len(found.prompt_hash) == 16


async def test_a_neighbour_evolves_within_the_words_of_both_notes() -> None:
    replies = ["DECISION: STRENGTHEN_AND_UPDATE\nLINKS: 1", "NOTE 1 CONTEXT: The dog Miso has to see the vet.\nNOTE 1 TAGS: health, vet"]
    found = await evolve(ScriptedLlm(replies=replies), NEW, [DOG])
    after = applied(DOG, found.changes)
    assert after.context == "The dog Miso has to see the vet."
    assert after.tags == ("animals", "health", "vet")
    assert after.content == DOG.content
    assert reverted(after, found.changes) == DOG
    rows = dict(found.rows(START))
    assert rows[DOG.id].cause == NEW.id


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "NOTE 1 CONTEXT:\nNOTE 1 TAGS:",
        "NOTE 1 CONTEXT: Rex bit 3 postmen in Berlin.\nNOTE 1 TAGS: jazz quartet",
        "NOTE 1 CONTEXT: Her paw.",
    ],
)
async def test_nothing_or_nonsense_erases_nothing(revision: str) -> None:
    found = await evolve(ScriptedLlm(replies=["DECISION: UPDATE_NEIGHBOR\nLINKS: 1\nTAGS:", revision]), NEW, [DOG])
    assert found.changes == ()


async def test_notes_that_have_nothing_in_common_are_left_alone() -> None:
    replies = ["DECISION: STRENGTHEN_AND_UPDATE\nLINKS: 1\nTAGS: food", "NOTE 1 CONTEXT: I prefer tea for Miso.\nNOTE 1 TAGS: food"]
    assert (await evolve(ScriptedLlm(replies=replies), NEW, [TEA])).changes == ()
    likely = await evolve(ScriptedLlm(replies=replies), NEW, [TEA], likeness={TEA.id: 0.7})
    assert {change.field for change in likely.changes} >= {"links"}


async def test_other_users_notes_and_the_note_itself_are_not_shown() -> None:
    llm = ScriptedLlm(replies=["DECISION: STRENGTHEN\nLINKS: 1"])
    assert (await evolve(llm, NEW, [replace(DOG, scope=Scope("tom")), NEW])).changes == ()
    assert llm.ledger.requests == []


async def test_at_most_so_many_are_shown() -> None:
    assert f"<note{MOST_NEIGHBOURS}>" in decision_prompt(NEW, [DOG] * 9)[-1].text
    assert f"<note{MOST_NEIGHBOURS + 1}>" not in decision_prompt(NEW, [DOG] * 9)[-1].text


async def test_a_model_that_fails_changes_nothing() -> None:
    found = await evolve(ScriptedLlm(script=Script(fail_after=0)), NEW, [DOG])
    assert found.changes == ()
    assert "failed" in found.problem


async def test_links_are_capped_on_both_sides() -> None:
    many = [said(f"note {number}") for number in range(MOST_LINKS + 5)]
    full = said("full", links=tuple(f"x{number}" for number in range(MOST_LINKS)))
    changes = linked(NEW, [full, NEW, *many, *many])
    after = applied(NEW, changes)
    assert len(after.links) == len(set(after.links)) == MOST_LINKS
    assert full.id not in after.links
    assert all(NEW.id in applied(note, changes).links for note in many[:MOST_LINKS])
    assert linked(after, many[:2]) == ()


async def test_a_change_of_the_words_is_refused() -> None:
    with pytest.raises(ValueError, match="content"):
        applied(NEW, [Change(NEW.id, "content", NEW.content, "other words")])


async def test_by_rule_near_notes_are_related_and_far_ones_with_a_name_in_common() -> None:
    beside = said("She limps a little.", minutes=1, position=1)
    neighbours = [
        Neighbour(said("far"), 0.1),
        near := Neighbour(said("near"), 0.8),
        Neighbour(said("near, not mutual"), 0.9, mutual=False),
        named := Neighbour(said("Our Miso is from Porto."), 0.35),
        Neighbour(said("Our Miso is far."), 0.1),
        Neighbour(replace(near.note, scope=Scope("tom"), id="t"), 0.9),
        close := Neighbour(beside, 0.3),
        Neighbour(NEW, 1.0),
    ]
    note = replace(NEW, content="Our Miso has to see the vet.", position=0)
    assert related(note, neighbours) == (near.note.id, named.note.id, close.note.id)
    assert related(note, neighbours, most=1) == (near.note.id,)
    assert named.note.id not in related(note, neighbours, holders={"miso": 500})
    assert named.note.id in related(note, neighbours, holders={"miso": 5})
