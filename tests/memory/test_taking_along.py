"""Export and import: our own lines lose nothing; mem0's and A-MEM's exports come in as far as a note has a place for them."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.memory.exchange import from_amem, from_chroma, from_lines, from_mem0, read, to_lines
from multimodal_assistant.memory.note import Evolution, MemoryNote, Scope

NOW = datetime(2026, 5, 7, 12, tzinfo=UTC)
ANNA = Scope("anna", "helper", "one")
ZONE = timezone(timedelta(hours=5, minutes=30))

times = st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.sampled_from([UTC, ZONE]))
texts = st.text(st.characters(exclude_categories=()), max_size=40)
lists = st.lists(texts, max_size=3).map(tuple)
values = st.one_of(st.none(), st.booleans(), st.integers(), texts, lists, times, st.dictionaries(st.text(max_size=5), texts, max_size=2))
evolutions = st.builds(Evolution, times, texts, texts, values, values, texts, texts)
notes = st.builds(
    MemoryNote,
    content=texts.filter(str.strip),
    scope=st.builds(Scope, texts.filter(str.strip), texts, texts),
    keywords=lists,
    context=texts,
    tags=lists,
    links=lists,
    timestamp=times,
    last_accessed=st.none() | times,
    retrieval_count=st.integers(0, 10**6),
    evolution_history=st.lists(evolutions, max_size=3).map(tuple),
    speaker=texts,
    source=st.sampled_from(["user", "assistant", "summary", "import"]),
    position=st.integers(-1, 10**6),
    valid_from=st.none() | times,
    valid_to=st.none() | times,
    made_of=lists,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(notes, max_size=4))
def test_our_own_lines_lose_nothing(kept: list[MemoryNote]) -> None:
    lines = list(to_lines(kept))
    assert all("\n" not in line and "\r" not in line for line in lines)
    written = "\n".join(lines).encode()
    back = from_lines(written.decode().split("\n"))
    assert list(back.notes) == kept
    assert back.ignored == {}
    if kept:
        assert read(written.decode()).notes == tuple(kept)
        assert {note.scope for note in read(written.decode(), ANNA).notes} == {ANNA}
        taken = read(written.decode(), Scope("ben")).notes
        assert [note.scope for note in taken] == [replace(note.scope, user="ben") for note in kept]


def test_a_line_is_readable() -> None:
    (line,) = to_lines([MemoryNote("我住在北京。", ANNA)])
    assert "我住在北京。" in line


def mem0(**fields: object) -> dict[str, object]:
    return {
        "id": "m1",
        "memory": "Likes tea",
        "user_id": "anna",
        "created_at": "2026-01-02T03:04:05.678-08:00",
        "updated_at": None,
        **fields,
    }


def test_a_mem0_export_comes_in() -> None:
    records = [
        mem0(
            hash="x", score=0.9, categories=["food"], metadata={"mood": "calm", "place": "home"}, run_id="r", agent_id="a", actor_id="Anna"
        ),
        mem0(id="m2", memory="42", created_at=None, updated_at="2026-01-02T03:04:05Z", expiration_date="2027-01-01"),
        mem0(id="m3", memory="None", created_at=1_767_000_000),
        mem0(id="m4", memory="[1]", created_at=None),
    ]
    for data in (records, {"results": records}, {"results": records, "relations": []}):
        found = read(json.dumps(data), now=NOW)
        assert [note.content for note in found.notes] == ["Likes tea", "42", "None", "[1]"]
        first, second, third, last = found.notes
        assert first.scope == Scope("anna", "a", "r")
        assert (first.id, first.tags, first.category, first.speaker, first.source) == ("m1", ("food",), "food", "Anna", "import")
        assert first.timestamp == datetime(2026, 1, 2, 11, 4, 5, 678_000, tzinfo=UTC)
        assert second.timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert third.timestamp.year == 2025
        assert last.timestamp == NOW
        assert found.ignored == {"metadata.mood": 1, "metadata.place": 1, "expiration_date": 1}


def test_memories_of_two_people_do_not_become_those_of_one() -> None:
    data = [mem0(), mem0(id="m2", user_id="tom")]
    with pytest.raises(InvalidSetting, match=r"2 users \(anna, tom\)"):
        from_mem0(data, ANNA, now=NOW)
    assert [note.scope.user for note in from_mem0(data, now=NOW).notes] == ["anna", "tom"]


@pytest.mark.parametrize("user_id", ["anna", None])
def test_who_takes_over_a_mem0_export_has_its_sessions(user_id: str | None) -> None:
    data = [mem0(user_id=user_id, run_id="r"), mem0(id="m2", user_id=user_id, agent_id="a")]
    assert [note.scope for note in from_mem0(data, Scope("ben"), now=NOW).notes] == [Scope("ben", "", "r"), Scope("ben", "a")]


def test_a_record_without_an_id_has_the_same_one_at_each_import() -> None:
    one, other = (from_mem0([mem0(id=None)], now=NOW).notes[0].id for _ in range(2))
    assert one == other


AMEM: Mapping[str, object] = {
    "id": "a1",
    "content": "Met Tom at the station.",
    "keywords": ["Tom", "station"],
    "links": ["a2", "a1", "gone"],
    "retrieval_count": 3,
    "timestamp": "202601020304",
    "last_accessed": "202601020305",
    "context": "Meeting Tom.",
    "evolution_history": [],
    "category": "people",
    "tags": ["people"],
}


def test_amems_json_comes_in_with_its_eleven_fields() -> None:
    other = {**AMEM, "id": "a2", "content": "[1]", "links": [0, 99, 1], "importance_score": 1.0, "context": None}
    for data in ([AMEM, other], {"memories": [AMEM, other]}, {"a1": AMEM, "a2": other}):
        found = read(json.dumps(data), ANNA, now=NOW)
        first, second = found.notes
        assert first == replace(
            first,
            content="Met Tom at the station.",
            scope=ANNA,
            id="a1",
            keywords=("Tom", "station"),
            links=("a2",),
            retrieval_count=3,
            timestamp=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            last_accessed=datetime(2026, 1, 2, 3, 5, tzinfo=UTC),
            context="Meeting Tom.",
            category="people",
            tags=("people",),
            source="import",
        )
        assert (second.content, second.links, second.context) == ("[1]", ("a1",), "General")
        assert found.ignored == {"links that lead nowhere": 4, "importance_score": 1}
    assert from_amem([AMEM], ANNA, now=NOW, zone=ZONE).notes[0].timestamp == datetime(2026, 1, 2, 3, 4, tzinfo=ZONE)


def as_chroma(path: Path, records: list[Mapping[str, object]], collections: tuple[str, ...] = ("memories",)) -> None:
    """A `chroma.sqlite3` as chromadb 1.x lays it out, with lists as JSON in strings, as A-MEM writes them."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            """
            CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER, database_id TEXT, config_json_str TEXT);
            CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL, collection TEXT NOT NULL);
            CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL, seq_id BLOB NOT NULL,
                created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE (segment_id, embedding_id));
            CREATE TABLE embedding_metadata (id INTEGER REFERENCES embeddings(id), key TEXT NOT NULL, string_value TEXT, int_value INTEGER,
                float_value REAL, bool_value INTEGER, PRIMARY KEY (id, key));
            """
        )
        for name in collections:
            database.execute("INSERT INTO collections (id, name) VALUES (?, ?)", (name, name))
            database.execute("INSERT INTO segments VALUES (?, 'urn:chroma:segment/metadata/sqlite', 'METADATA', ?)", (f"{name}-m", name))
        for number, record in enumerate(records, 1):
            database.execute(
                "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (?, ?, ?, ?)",
                (number, f"{collections[0]}-m", str(record["id"]), b"1"),
            )
            stored = {key: value if isinstance(value, str) else json.dumps(value) for key, value in record.items()}
            for key, value in {**stored, "chroma:document": str(record["content"])}.items():
                database.execute("INSERT INTO embedding_metadata (id, key, string_value) VALUES (?, ?, ?)", (number, key, value))
        database.commit()


def test_amems_chroma_database_comes_in(tmp_path: Path) -> None:
    records: list[Mapping[str, object]] = [AMEM, {**AMEM, "id": "a2", "content": "42", "links": "[]"}]
    as_chroma(tmp_path / "chroma.sqlite3", records)
    before = (tmp_path / "chroma.sqlite3").read_bytes()
    found = from_chroma(tmp_path, ANNA, now=NOW)
    assert found.notes == from_amem(records, ANNA, now=NOW).notes
    assert found.notes[1].content == "42"
    assert (tmp_path / "chroma.sqlite3").read_bytes() == before


def test_a_chroma_database_that_is_none_or_has_more_than_one_collection(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="no Chroma database"):
        from_chroma(tmp_path, ANNA, now=NOW)
    (tmp_path / "chroma.sqlite3").write_bytes(b"not a database, but long enough to be looked at" * 10)
    with pytest.raises(InvalidSetting, match="not a Chroma database"):
        from_chroma(tmp_path, ANNA, now=NOW)
    as_chroma(tmp_path / "two.sqlite3", [AMEM], ("memories", "papers"))
    with pytest.raises(InvalidSetting, match="memories, papers"):
        from_chroma(tmp_path / "two.sqlite3", ANNA, now=NOW)
    assert len(from_chroma(tmp_path / "two.sqlite3", ANNA, now=NOW, collection="memories").notes) == 1


OWN = json.loads(next(iter(to_lines([MemoryNote("Likes tea", ANNA, id="o1")]))))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "neither lines of JSON"),
        ("nothing", "neither lines of JSON"),
        ("7", "not a list"),
        ("[" * 100_000, "neither lines of JSON"),
        ([7], "Record 1 is not a JSON object"),
        ([mem0(), mem0(id="m2", memory="  ")], r"Record 2 \(m2\) cannot be kept"),
        ([mem0(memory=None)], r"Record 1 \(m1\) has no text"),
        ([mem0(memory={"a": 1})], r"Record 1 \(m1\) has no text"),
        ([mem0(user_id=None)], r"Record 1 \(m1\) does not say whose"),
        ([mem0(created_at="soon")], r"Record 1 \(m1\) has no proper created_at: 'soon'"),
        ([mem0(created_at=1e300)], r"Record 1 \(m1\) has no proper created_at"),
        ([mem0(categories=[{"a": 1}])], r"Record 1 \(m1\) has categories"),
        ([mem0(), mem0()], "Records 1 and 2 have the same id"),
        ([{**AMEM}], "do not say whose"),
        ({**OWN, "version": 99}, "later version"),
        ({**OWN, "timestamp": None}, r"Record 1 \(o1\) has no proper timestamp"),
        ({**OWN, "timestamp": {"time": "2026-01-01T00:00:00"}}, "has no proper timestamp"),
        ({**OWN, "timestamp": {"time": "soon"}}, "is not a note of this program's export"),
        ({**OWN, "tags": "food"}, "has no proper tags"),
        ({**OWN, "source": "tool"}, "has no proper source"),
        ({**OWN, "content": 7}, "has no text"),
        ({**OWN, "made_of": [7]}, "has no proper made_of"),
        ({**OWN, "position": -7}, "has no proper position"),
        ({**OWN, "scope": {"name": "anna"}}, "is not a note of this program's export"),
        ({**OWN, "evolution_history": [{"at": 1}]}, "is not a note of this program's export"),
    ],
)
def test_a_bad_record_is_named_in_one_sentence(data: object, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said) as caught:
        read(data if isinstance(data, str) else json.dumps(data), now=NOW)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("timestamp", "yesterday"), ("timestamp", "202613990000"), ("retrieval_count", "-1"), ("keywords", [["a"]]), ("content", 7)],
)
def test_a_bad_record_of_amem_is_named(field: str, value: object) -> None:
    with pytest.raises(InvalidSetting, match=r"Record 1 \(a1\)"):
        from_amem([{**AMEM, field: value}], ANNA, now=NOW)


def test_what_our_own_lines_do_not_know_is_counted() -> None:
    found = from_lines([json.dumps({**OWN, "mood": "calm"}), "", "  "])
    assert found.ignored == {"mood": 1}
    assert found.notes[0].content == "Likes tea"


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["memory", "content", "id", "results", "memories", "timestamp", "user_id", "tags", "links", "metadata", "created_at"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(data: object) -> None:
    for scope in (None, ANNA):
        try:
            found = read(json.dumps(data), scope, now=NOW)
        except InvalidSetting:
            continue
        assert all(note.content.strip() for note in found.notes)
