"""The log: what is acknowledged is there, once, whole; what is deleted is gone with all that came of it; nobody sees another's."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.memory.evolution import Change, Changes
from multimodal_assistant.memory.log import MemoryLog
from multimodal_assistant.memory.note import Evolution, MemoryNote, Scope
from multimodal_assistant.memory.terms import Keys, keys_of

NOW = datetime(2026, 5, 7, 12, 0, tzinfo=UTC)
ANNA, BEN = Scope("anna"), Scope("ben")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[MemoryLog]:
    log = MemoryLog(tmp_path / "memories.sqlite3")
    yield log
    log.close()


def note(content: str, scope: Scope = ANNA, **fields: object) -> MemoryNote:
    return MemoryNote(content, scope, timestamp=NOW, **fields)  # pyright: ignore[reportArgumentType]


def add(log: MemoryLog, *notes: MemoryNote) -> list[MemoryNote]:
    return log.add((one, keys_of(one.content, ())) for one in notes)


def changes(*made: Change, cause: str = "cause") -> Changes:
    return Changes(made, "qwen", cause, "0f")


def only(log: MemoryLog, scope: Scope, one: str) -> MemoryNote:
    (found,) = log.notes(scope, [one])
    return found


WHOLE = MemoryNote(
    "I moved to Porto {in} May.\0 \u202eمرحبا 日本 🙂 </script> ''; DROP TABLE notes",
    Scope("anna", "kitchen", "monday"),
    keywords=("Porto", "May"),
    context="Where Anna lives.",
    tags=("home",),
    category="event",
    timestamp=NOW,
    last_accessed=NOW,
    retrieval_count=3,
    evolution_history=(Evolution(NOW, "qwen", "tags", (), ("home",), "cause", "0f"), Evolution(NOW, "rule", "context", "General", "x")),
    speaker="Anna",
    source="import",
    position=7,
    valid_from=NOW,
    valid_to=NOW + timedelta(days=1),
    superseded_by="another",
)


def test_a_note_comes_back_as_it_was_after_the_file_was_closed(tmp_path: Path) -> None:
    log = MemoryLog(tmp_path / "m")
    add(log, WHOLE)
    log.close()
    again = MemoryLog(tmp_path / "m")
    assert only(again, ANNA, WHOLE.id) == WHOLE
    again.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_whatever_the_words_they_are_kept_to_the_letter(log: MemoryLog, text: str) -> None:
    (kept,) = log.add([(note(text), keys_of(text, ()))])
    assert only(log, ANNA, kept.id).content == text


def test_a_megabyte_is_a_note(log: MemoryLog) -> None:
    (kept,) = add(log, note("word " * 200_000))
    assert len(only(log, ANNA, kept.id).content) == 1_000_000


def test_notes_of_a_session_are_numbered_as_they_come(log: MemoryLog) -> None:
    kept = add(log, *(note(f"n{index}", Scope("anna", session="s")) for index in range(3)), note("other", Scope("anna", session="t")))
    assert [one.position for one in kept] == [0, 1, 2, 0]


def test_the_same_id_is_one_note(log: MemoryLog) -> None:
    first = note("first")
    assert len(add(log, first, replace(first, content="second"))) == 1
    assert only(log, ANNA, first.id).content == "first"
    assert log.counts()["notes"] == 1


def test_all_of_several_or_none(log: MemoryLog) -> None:
    def broken() -> Iterator[tuple[MemoryNote, Keys]]:
        yield note("one"), keys_of("one", ())
        raise RuntimeError("the importer fails")

    with pytest.raises(RuntimeError):
        log.add(broken())
    assert log.counts()["notes"] == 0
    add(log, note("still works"))


def test_links_go_both_ways_and_never_across_users(log: MemoryLog) -> None:
    one, two, other = add(log, note("one"), note("two"), note("three", BEN))
    log.change("anna", changes(Change(one.id, "links", (), (two.id, other.id, one.id, "nowhere"))), NOW)
    assert only(log, ANNA, one.id).links == (two.id,)
    assert only(log, ANNA, two.id).links == (one.id,)
    assert only(log, BEN, other.id).links == ()


def test_what_changes_is_in_the_history_and_the_words_do_not_change(log: MemoryLog) -> None:
    (one,) = add(log, note("I like tea."))
    tagged = Change(one.id, "tags", (), ("preference",))
    new = changes(tagged, Change(one.id, "valid_to", None, NOW), Change(one.id, "content", "", "I like coffee."), tagged)
    assert log.change("anna", new, NOW) == 2
    found = only(log, ANNA, one.id)
    assert (found.content, found.tags, found.valid_to) == ("I like tea.", ("preference",), NOW)
    assert [(step.field, step.old, step.new, step.by, step.cause) for step in found.evolution_history] == [
        ("tags", (), ("preference",), "qwen", "cause"),
        ("valid_to", None, NOW.timestamp(), "qwen", "cause"),
    ]
    assert log.change("ben", changes(Change(one.id, "tags", (), ("x",))), NOW) == 0


def test_what_is_deleted_is_gone_from_the_disk_with_what_came_of_it(log: MemoryLog, tmp_path: Path) -> None:
    secret, kept = add(log, note("the xylophone is blue"), note("the trombone is red"))
    (summary,) = add(log, note("xylophone and trombone", source="summary", made_of=(secret.id, kept.id)))
    assert only(log, ANNA, summary.id).made_of == (secret.id, kept.id)
    links = Change(kept.id, "links", (), (secret.id,))
    log.change("anna", changes(Change(kept.id, "context", "", "like the xylophone"), links, cause=secret.id), NOW)
    log.keep_vectors("m", [(1, "meaning", np.ones(4, np.float32))])
    assert set(log.delete("anna", [secret.id])) == {secret.id, summary.id}
    assert [one.id for one in log.latest(ANNA, 10)] == [kept.id]
    assert only(log, ANNA, kept.id).links == ()
    assert only(log, ANNA, kept.id).evolution_history == ()
    log.change("anna", changes(Change(kept.id, "context", "", "Something else.")), NOW)
    log.delete("anna", [])
    log.close()
    assert b"xylophone" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_nobody_deletes_or_reads_what_is_anothers(log: MemoryLog) -> None:
    (mine,) = add(log, note("mine"))
    assert log.delete("ben", [mine.id]) == []
    assert log.notes(BEN, [mine.id]) == []
    assert log.latest(BEN, 10) == []
    assert log.linked("ben", [mine.id]) == {mine.id: []}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x"]), st.sampled_from(["", "s", "t"])), max_size=12))
def test_a_scope_holds_its_own_and_nothing_else(log: MemoryLog, places: list[tuple[str, str, str]]) -> None:
    log.delete("a", [one.id for one in log.latest(Scope("a"), 100)])
    log.delete("b", [one.id for one in log.latest(Scope("b"), 100)])
    log.delete("c", [one.id for one in log.latest(Scope("c"), 100)])
    add(log, *(note("x", Scope(*place)) for place in places))
    for wanted in (Scope("a"), Scope("a", "x"), Scope("b", "", "s"), Scope("c", "x", "t")):
        mine = [
            place for place in places if place[0] == wanted.user and wanted.agent in {"", place[1]} and wanted.session in {"", place[2]}
        ]
        found = [(one.scope.user, one.scope.agent, one.scope.session) for one in log.latest(wanted, 100)]
        assert sorted(found) == sorted(mine)


def test_recall_finds_neighbours_of_the_same_session_with_their_vectors(log: MemoryLog) -> None:
    add(log, *(note(f"n{index}", Scope("anna", session="s")) for index in range(5)), note("n9", Scope("ben", session="s")))
    log.keep_vectors("m", [(3, "meaning", np.array([0.6, 0.8], np.float32)), (99, "meaning", np.ones(2, np.float32))])
    (found,) = log.stored([3])
    assert found.terms == keys_of("n2", ()).terms
    assert found.vectors["meaning"].astype(np.float32) == pytest.approx([0.6, 0.8], abs=1e-3)
    assert [row["position"] for row in log.neighbourhood(ANNA, [3], 1, "meaning")] == [2]  # the others have no vector yet
    log.keep_vectors("m", [(seq, "meaning", np.ones(2, np.float32)) for seq in range(1, 7)])
    assert sorted(row["position"] for row in log.neighbourhood(ANNA, [3], 1, "meaning")) == [1, 2, 3]
    assert log.neighbourhood(BEN, [3], 1, "meaning") == []


def test_the_outbox_tells_of_every_change_until_it_is_applied(log: MemoryLog) -> None:
    one, two = add(log, note("one"), note("two"))
    log.change("anna", changes(Change(one.id, "tags", (), ("x",))), NOW)
    log.delete("anna", [two.id])
    assert [seq for _, seq in log.changed_since(0, 10)] == [1, 2, 2]
    assert log.latest_change() == 3
    log.applied(2)
    assert log.changed_since(0, 10) == [(3, 2)]
    assert log.changed_since(3, 10) == []


def test_a_job_is_held_by_one_and_comes_back_when_its_lease_ends(log: MemoryLog) -> None:
    log.add([(note("one"), keys_of("one", ()))], jobs=["construct", "link"])
    assert log.lease(["link"], 100.0, 160.0) == (2, "link", 1)
    assert log.lease(["link"], 159.0, 200.0) is None
    assert log.lease(["link"], 160.0, 200.0) == (2, "link", 1)
    log.postpone(2, 300.0, "it failed", most_attempts=3)
    assert log.counts()["failing_jobs"] == 1
    assert log.lease(["link"], 299.0, 400.0) is None
    assert log.lease(["link"], 300.0, 400.0) == (2, "link", 1)
    log.postpone(2, 400.0, "again", most_attempts=3)
    assert log.lease(["link"], 500.0, 600.0) is None
    assert log.lease(["construct"], 0.0, 60.0) == (1, "construct", 1)
    log.finish(1)
    assert log.counts()["waiting_jobs"] == 0


# What may happen to a file


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "m") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(MemoryStoreError, match="newer version"):
        MemoryLog(tmp_path / "m")


def test_a_file_that_is_no_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"not a database at all" * 100)
    with pytest.raises(MemoryStoreError, match=r"m cannot be used.*not a database"):
        MemoryLog(tmp_path / "m")


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(MemoryStoreError):
        MemoryLog(tmp_path / "f" / "m")


def test_a_torn_end_of_the_write_ahead_log_costs_only_what_was_torn(tmp_path: Path) -> None:
    """As after a power cut in the middle of a write: what was whole before is there."""
    log = MemoryLog(tmp_path / "m")
    (first,) = add(log, note("first"))
    whole = (tmp_path / "m-wal").stat().st_size
    add(log, note("second"))
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "m").write_bytes((tmp_path / "m").read_bytes())
    (copy / "m-wal").write_bytes((tmp_path / "m-wal").read_bytes()[: whole + 1000])
    log.close()
    again = MemoryLog(copy / "m")
    assert [one.id for one in again.latest(ANNA, 10)] == [first.id]
    again.close()


_FILL = """
import sys
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from signal import SIG_IGN, SIGXFSZ, signal
from multimodal_assistant.core.errors import MemoryStoreError
from multimodal_assistant.memory.log import MemoryLog
from multimodal_assistant.memory.note import MemoryNote, Scope
from multimodal_assistant.memory.terms import keys_of

log = MemoryLog(Path(sys.argv[1]))
signal(SIGXFSZ, SIG_IGN)
setrlimit(RLIMIT_FSIZE, (400_000, 400_000))
try:
    while True:
        note = MemoryNote("x" * 20_000, Scope("anna"))
        log.add([(note, keys_of("x", ()))])
        print(note.id, flush=True)
except MemoryStoreError as error:
    print("told", error.remedy, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit stands in for a full disk on Linux")
def test_on_a_full_disk_what_was_acknowledged_is_kept_and_the_rest_is_refused_in_words(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _FILL, str(tmp_path / "m")], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    *acknowledged, told = done.stdout.splitlines()
    assert told.startswith("told")
    assert acknowledged
    log = MemoryLog(tmp_path / "m")
    assert {one.id for one in log.latest(ANNA, 1000)} == set(acknowledged)
    add(log, note("there is room again"))
    log.close()
