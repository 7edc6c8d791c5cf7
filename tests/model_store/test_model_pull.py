"""Pulls through sources that copy from a folder: what arrives is right, or does not arrive."""

import contextlib
import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from model_lab import NOISE, FolderSource, Listener, make_tgz, make_zip, manifest_of, sha256

from multimodal_assistant.core.errors import ModelError, ModelFetchFailed, ModelMismatch, ModelMissing
from multimodal_assistant.models import Manifest, ModelStore
from multimodal_assistant.models.layout import locked
from multimodal_assistant.models.sources import Source

ONE = NOISE[:5000]
TWO = NOISE[5000:]
JOINED = ["pypi:one==1:data/{path}", "pypi:two==1:data/{path}"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a home with spaces"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder that stands for the registries."""
    folder = tmp_path / "shop"
    folder.mkdir()
    make_zip(folder / "one-1", {"data/model.bin": ONE, "data/other.bin": b"other"})
    make_zip(folder / "two-1", {"data/model.bin": TWO})
    make_tgz(folder / "voices-1", {f"package/{name}.bin": name.encode() for name in "abc"})
    (folder / "owner-repo-main").write_bytes(NOISE)
    return folder


@pytest.fixture
def store_of(home: Path, shop: Path) -> Callable[..., tuple[ModelStore, FolderSource]]:
    def build(manifest: Manifest, *, mirror: Path | None = None) -> tuple[ModelStore, FolderSource]:
        registry = FolderSource(shop)
        sources: dict[str, Source] = {"pypi": registry, "npm": registry, "hf": FolderSource(shop, archives=False)}
        return ModelStore(home, manifest, mirror, sources), registry

    return build


StoreOf = Callable[..., tuple[ModelStore, FolderSource]]


def remains(store: ModelStore) -> list[str]:
    """What half-done work is left."""
    root = store.home / "models"
    return [path.name for path in root.rglob("*") if path.name.endswith((".part", ".link")) or path.name.startswith("fetch-")]


def test_parts_are_joined_and_linked(store_of: StoreOf) -> None:
    store, registry = store_of(manifest_of("toy", {"model.bin": NOISE}, [JOINED]))
    assert store.status("toy").state == "missing"
    assert store.pull("toy") == ("model.bin",)
    place = store.path("toy") / "model.bin"
    assert place.read_bytes() == NOISE
    assert os.readlink(place) == f"../blobs/{sha256(NOISE)}"
    assert not (store.home / "models/staging/toy").exists()
    assert store.pull("toy") == ()
    assert registry.fetched == ["one", "two"]


def test_the_store_can_be_moved(store_of: StoreOf, tmp_path: Path) -> None:
    store, _ = store_of(manifest_of("toy", {"deep/er/model.bin": ONE}, ["pypi:one==1:data/model.bin"]))
    store.pull("toy")
    store.home.rename(tmp_path / "elsewhere")
    moved = ModelStore(tmp_path / "elsewhere", store.manifest)
    assert (moved.path("toy") / "deep/er/model.bin").read_bytes() == ONE


def test_all_members_of_one_archive_come_from_one_fetch(store_of: StoreOf) -> None:
    voices = {f"{name}.bin": name.encode() for name in "cab"}
    store, registry = store_of(manifest_of("toy", voices, ["npm:voices@1:package/{path}"]))
    store.pull("toy")
    assert registry.fetched == ["voices"]
    assert {path.name: path.read_bytes() for path in store.path("toy").iterdir()} == voices


def test_a_single_file_source_delivers_the_file_itself(store_of: StoreOf) -> None:
    store, registry = store_of(manifest_of("toy", {"model.bin": NOISE}, ["hf:owner/repo@main:sub/model.bin", JOINED]))
    store.pull("toy")
    assert (store.path("toy") / "model.bin").read_bytes() == NOISE
    assert registry.fetched == ["owner/repo"]


def test_two_models_share_a_blob(store_of: StoreOf, home: Path) -> None:
    source = ["pypi:one==1:data/model.bin"]
    store, registry = store_of(manifest_of("toy", {"a": ONE}, source))
    store.pull("toy")
    other, _ = store_of(manifest_of("twin", {"b": ONE}, source))
    assert other.status("twin").state == "missing"
    assert other.pull("twin") == ()
    assert registry.fetched == ["one"]
    assert (other.path("twin") / "b").samefile(store.path("toy") / "a")


def test_what_is_missing_is_named_with_its_remedy(store_of: StoreOf, home: Path) -> None:
    store, _ = store_of(manifest_of("toy", {"model.bin": ONE, "other.bin": b"other"}, ["pypi:one==1:data/{path}"]))
    with pytest.raises(ModelMissing, match="assistant models pull toy"):
        store.path("toy")
    store.pull("toy")
    (home / "models/toy/other.bin").unlink()
    assert store.status("toy").state == "partial"
    with pytest.raises(ModelMissing, match="1 of its 2 files"):
        store.path("toy")
    assert store.pull("toy") == ()
    assert store.status("toy").state == "ready"


def test_wrong_bytes_from_the_only_source_are_refused_with_both_hashes(store_of: StoreOf, shop: Path) -> None:
    evil = bytes(reversed(ONE))
    make_zip(shop / "one-1", {"data/model.bin": evil})
    store, registry = store_of(manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/model.bin"]))
    for _ in range(2):  # and they are not kept for the next time
        with pytest.raises(ModelMismatch) as caught:
            store.pull("toy")
        assert sha256(evil) in str(caught.value)
        assert sha256(ONE) in str(caught.value)
    assert registry.fetched == ["one", "one"]
    assert store.status("toy").state == "missing"
    assert list((store.home / "models/blobs").iterdir()) == []
    assert remains(store) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"data/model.bin": bytes(reversed(ONE))}, sha256(bytes(reversed(ONE)))),
        ({"data/model.bin": ONE[:-1]}, f"{len(ONE) - 1} bytes"),
        ({"data/model.bin": ONE + b"x"}, f"{len(ONE)} were expected"),
        ({"elsewhere/model.bin": ONE}, "no member data/model.bin"),
        (None, "not an archive"),
    ],
)
def test_after_a_source_that_delivers_rubbish_the_next_is_asked(
    store_of: StoreOf, shop: Path, content: dict[str, bytes] | None, reason: str
) -> None:
    make_zip(shop / "bad-1", content) if content else (shop / "bad-1").write_bytes(b"<html>")
    store, registry = store_of(manifest_of("toy", {"model.bin": ONE}, ["pypi:bad==1:data/{path}", "pypi:one==1:data/{path}"]))
    listener = Listener()
    store.pull("toy", listener)
    assert (store.path("toy") / "model.bin").read_bytes() == ONE
    assert registry.fetched == ["bad", "one"]
    assert any("pypi bad 1" in note and reason in note for note in listener.notes)


def test_a_single_file_that_is_too_long_is_cut_off(store_of: StoreOf) -> None:
    store, _ = store_of(manifest_of("toy", {"model.bin": ONE}, ["hf:owner/repo@main:model.bin"]))
    with pytest.raises(ModelFetchFailed, match=f"more than the {len(ONE)} bytes"):
        store.pull("toy")


def test_when_all_sources_fail_the_message_says_all_there_is_to_know(store_of: StoreOf, shop: Path, tmp_path: Path, home: Path) -> None:
    (shop / "bad-1").write_bytes(b"<html>")
    sources: list[str | list[str]] = ["hf:no/where@main:model.bin", "pypi:bad==1:model.bin", ["npm:absent@1:model.bin", "npm:b@1:c"]]
    store, _ = store_of(manifest_of("toy", {"sub/model.bin": ONE}, sources))
    with pytest.raises(ModelFetchFailed) as caught:
        store.pull("toy")
    lines = str(caught.value).splitlines()
    assert lines[0] == "No source delivered sub/model.bin of toy:"
    assert lines[1].startswith("  file: not at its place in the store")
    assert lines[2] == "  hf no/where main: no-where-main is not there"
    assert lines[3].startswith("  pypi bad 1: ")
    assert "is not an archive" in lines[3]
    assert lines[4].startswith("  npm absent 1 and 1 more: absent-1 is not there")
    for fact in (f"{home}/models/toy/sub/model.bin", sha256(ONE), f"{len(ONE)} bytes", "assistant models pull toy"):
        assert fact in caught.value.remedy
    assert remains(store) == []


def test_a_file_placed_by_hand_is_taken_in(store_of: StoreOf, home: Path) -> None:
    store, registry = store_of(manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/model.bin"]))
    place = home / "models/toy/model.bin"
    place.parent.mkdir(parents=True)
    place.write_bytes(ONE)
    assert store.status("toy").state == "missing"  # nobody has verified it yet
    store.pull("toy")
    assert place.is_symlink()
    assert place.read_bytes() == ONE
    assert registry.fetched == []


def test_a_wrong_file_placed_by_hand_is_named_and_replaced(store_of: StoreOf, home: Path) -> None:
    store, registry = store_of(manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/model.bin"]))
    place = home / "models/toy/model.bin"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"x" * len(ONE))
    listener = Listener()
    store.pull("toy", listener)
    assert any(str(place) in note and sha256(b"x" * len(ONE)) in note for note in listener.notes)
    assert place.read_bytes() == ONE
    assert registry.fetched == ["one"]


def test_a_stick_with_the_files_feeds_the_store(store_of: StoreOf, tmp_path: Path) -> None:
    stick = tmp_path / "the stick"
    (stick / "toy").mkdir(parents=True)
    (stick / "toy/model.bin").write_bytes(NOISE)
    store, registry = store_of(manifest_of("toy", {"model.bin": NOISE}, [JOINED]), mirror=stick)
    store.pull("toy")
    shutil.rmtree(stick)
    assert (store.path("toy") / "model.bin").read_bytes() == NOISE
    assert registry.fetched == []


@pytest.mark.parametrize(
    ("source", "archives"),
    [
        (
            ["pypi:My.One==1.0:data/model.bin", "pypi:two-parts==1.0:data/model.bin"],
            ["My_One-1.0-py3-none-any.whl", "two_parts-1.0-py3-none-any.whl"],
        ),
        (["npm:@scope/one@1.0:data/model.bin", "npm:two@1.0:data/model.bin"], ["scope-one-1.0.tgz", "two-1.0.tgz"]),
    ],
)
def test_a_stick_with_the_archives_feeds_the_store(store_of: StoreOf, tmp_path: Path, source: list[str], archives: list[str]) -> None:
    stick = tmp_path / "the stick"
    stick.mkdir()
    for name, data in zip(archives, (ONE, TWO), strict=True):
        (make_zip if name.endswith("whl") else make_tgz)(stick / name, {"data/model.bin": data})
    store, registry = store_of(manifest_of("toy", {"model.bin": NOISE}, ["hf:owner/absent@main:model.bin", source]), mirror=stick)
    store.pull("toy")
    assert (store.path("toy") / "model.bin").read_bytes() == NOISE
    assert registry.fetched == []
    assert len(list(stick.iterdir())) == 2


def test_a_stick_with_half_of_it_or_with_rubbish_is_no_help_and_no_harm(store_of: StoreOf, tmp_path: Path) -> None:
    stick = tmp_path / "the stick"
    (stick / "toy").mkdir(parents=True)
    os.mkfifo(stick / "toy/model.bin")  # opening it would wait for ever
    make_zip(stick / "one-1-py3-none-any.whl", {"data/model.bin": ONE})
    store, registry = store_of(manifest_of("toy", {"model.bin": NOISE}, [JOINED]), mirror=stick)
    store.pull("toy")
    assert registry.fetched == ["one", "two"]


def test_a_finished_part_is_not_fetched_again_when_the_next_one_fails(store_of: StoreOf, shop: Path) -> None:
    (shop / "two-1").rename(shop / "later")
    store, registry = store_of(manifest_of("toy", {"model.bin": NOISE}, [JOINED]))
    with pytest.raises(ModelFetchFailed, match="two-1 is not there"):
        store.pull("toy")
    (shop / "later").rename(shop / "two-1")
    store.pull("toy")
    assert (store.path("toy") / "model.bin").read_bytes() == NOISE
    assert registry.fetched == ["one", "two", "two"]


def test_verify_finds_damage_and_the_next_pull_repairs_it(store_of: StoreOf, home: Path) -> None:
    store, registry = store_of(manifest_of("toy", {"model.bin": ONE, "other.bin": b"other"}, ["pypi:one==1:data/{path}"]))
    store.pull("toy")
    assert store.verify("toy") == ()
    blob = home / "models/blobs" / sha256(ONE)
    blob.write_bytes(bytes(reversed(ONE)))
    (damage,) = store.verify("toy")
    assert (damage.path, damage.expected, damage.actual) == ("model.bin", sha256(ONE), sha256(bytes(reversed(ONE))))
    assert not blob.exists()
    assert store.status("toy").state == "partial"
    assert store.pull("toy") == ("model.bin",)
    assert store.verify("toy") == ()
    assert registry.fetched == ["one", "one"]


def test_a_truncated_blob_is_noticed_without_verify(store_of: StoreOf, home: Path) -> None:
    store, _ = store_of(manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/{path}"]))
    store.pull("toy")
    os.truncate(home / "models/blobs" / sha256(ONE), 100)
    assert store.status("toy").state == "missing"
    assert store.pull("toy") == ("model.bin",)


def test_too_little_room_is_said_before_anything_is_fetched(store_of: StoreOf) -> None:
    manifest = manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/{path}"])
    (file,) = manifest.model("toy").files
    object.__setattr__(file, "bytes", 60 << 40)
    store, registry = store_of(manifest)
    with pytest.raises(ModelError, match=r"needs 131941\.\d+ GB free under .*a home with spaces; there are"):
        store.pull("toy")
    assert registry.fetched == []


@contextlib.contextmanager
def nobody() -> Generator[None]:
    """Root may write anywhere: be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_home_that_cannot_be_written_is_one_sentence(shop: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    home = tmp_path / "locked up"
    home.mkdir(mode=0o555)
    store = ModelStore(home, manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/{path}"]), None, {"pypi": FolderSource(shop)})
    with nobody(), pytest.raises(ModelError, match="cannot be written: Permission denied") as caught:
        store.pull("toy")
    assert "ASSISTANT_HOME" in caught.value.remedy
    assert store.status("toy").state == "missing"


def test_a_full_store_is_readable_where_nothing_can_be_written(store_of: StoreOf, home: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    store, _ = store_of(manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/{path}"]))
    store.pull("toy")
    for folder in (home / "models", home):
        folder.chmod(0o555)
    with nobody():
        assert store.pull("toy") == ()
        assert store.verify("toy") == ()
        assert (store.path("toy") / "model.bin").read_bytes() == ONE
    for folder in (home / "models", home):
        folder.chmod(0o755)


def test_a_home_that_is_a_file_is_one_sentence(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ModelStore(
        tmp_path / "file", manifest_of("toy", {"model.bin": ONE}, ["pypi:one==1:data/{path}"]), None, {"pypi": FolderSource(shop)}
    )
    with pytest.raises(ModelError, match="cannot be used"):
        store.pull("toy")


def test_a_lock_that_is_free_is_taken_without_a_word(tmp_path: Path) -> None:
    waits: list[str] = []
    with locked(tmp_path / "locks/a.lock", lambda: waits.append("waited")):
        pass
    assert waits == []
