"""The manifest: what it says about our models, and what it refuses."""

import pytest
from model_lab import model_table, sha256

from multimodal_assistant.core.errors import InvalidSetting, UnknownName
from multimodal_assistant.models.manifest import SHIPPED, Piece, load_manifest, parse_manifest

ROW = model_table("toy", {"a/b.bin": b"abc"}, ["hf:owner/repo@main:sub/{path}", ["pypi:one==1.0:x/1", "pypi:two==2.0:x/2"]])


def test_the_shipped_manifest_has_what_the_assistant_uses() -> None:
    manifest = load_manifest()
    assert manifest.group("default") == (
        "whisper-base",
        "smollm2-135m",
        "qwen2.5-0.5b",
        "kokoro",
        "kokoro-voices",
        "joe",
        "smart-turn",
        "minilm",
        "efficientdet-lite0",
        "efficientnet-lite0",
        "blazeface",
    )
    assert manifest.group("fast") == ("whisper-tiny.en", "smollm2-135m", "joe", "smart-turn", "minilm")
    assert set(manifest.group("test")) == {*manifest.group("default"), *manifest.group("fast")}
    assert len(manifest.model("kokoro-voices").files) == 54
    assert {"whisper-small", "smart-turn"} <= set(manifest.models)


def test_all_that_tests_use_can_be_had_from_a_package_registry() -> None:
    manifest = load_manifest()
    for name in manifest.group("test"):
        for file in manifest.model(name).files:
            assert any(all(piece.scheme in {"pypi", "npm"} for piece in parts) for parts in file.sources), (name, file.path)


def test_sources_are_asked_in_the_documented_order() -> None:
    order = ["hf", "pypi", "npm"]
    for model in load_manifest().models.values():
        for file in model.files:
            schemes = [order.index(parts[0].scheme) for parts in file.sources]
            assert schemes == sorted(schemes), (model.name, file.path)


def test_no_host_is_named_in_the_manifest() -> None:
    text = SHIPPED.read_text()
    assert "://" not in text
    assert "www." not in text


def test_a_row_is_all_a_model_needs() -> None:
    model = parse_manifest(SHIPPED.read_text() + ROW).model("toy")
    (file,) = model.files
    assert (file.path, file.sha256, file.bytes, model.bytes) == ("a/b.bin", sha256(b"abc"), 3, 3)
    assert file.sources == (
        (Piece("hf", "owner/repo", "main", "sub/a/b.bin"),),
        (Piece("pypi", "one", "1.0", "x/1"), Piece("pypi", "two", "2.0", "x/2")),
    )


def test_a_file_may_have_sources_of_its_own() -> None:
    (file,) = parse_manifest(ROW.rstrip() + '\nsources = ["npm:@scope/name@3.1.0:package/b"]\n').model("toy").files
    assert file.sources == ((Piece("npm", "@scope/name", "3.1.0", "package/b"),),)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('name = "toy"', 'name = "../toy"', "name"),
        ('name = "toy"', 'name = "blobs"', "name"),
        ('kind = "test"', 'kind = ""', "kind"),
        ('licence = "none"', "", "licence"),
        ('licence = "none"', 'licence = "none"\ncolour = "red"', "colour"),
        ('groups = ["default"]', 'groups = "default"', "groups"),
        ('path = "a/b.bin"', 'path = "../b.bin"', "path"),
        ('path = "a/b.bin"', 'path = "/etc/passwd"', "path"),
        ('path = "a/b.bin"', 'path = "a//b.bin"', "path"),
        ('path = "a/b.bin"', 'path = "a\\\\b.bin"', "path"),
        ('path = "a/b.bin"', 'path = "C:/b.bin"', "path"),
        (sha256(b"abc"), "abc", "sha256"),
        (sha256(b"abc"), sha256(b"abc").upper(), "sha256"),
        ("bytes = 3", "bytes = 0", "bytes"),
        ("bytes = 3", "bytes = true", "bytes"),
        ("bytes = 3", 'bytes = "3"', "bytes"),
        ("bytes = 3", "bytes = 999999999999999", "bytes"),
        ("pypi:one==1.0:x/1", "pypi:one:x/1", "sources"),
        ("pypi:one==1.0:x/1", "pypi:--index==1.0:x/1", "sources"),
        ("pypi:one==1.0:x/1", "pypi:one==1.0:../x", "sources"),
        ("pypi:one==1.0:x/1", "pypi:one==1.0:/x", "sources"),
        ("pypi:one==1.0:x/1", "ftp:one==1.0:x/1", "sources"),
        ("hf:owner/repo@main:sub/{path}", "hf:repo@main:sub/{path}", "sources"),
    ],
)
def test_a_bad_entry_is_refused_by_model_and_field(old: str, new: str, field: str) -> None:
    assert old in ROW
    with pytest.raises(InvalidSetting) as caught:
        parse_manifest(ROW.replace(old, new))
    assert f"`{field}`" in str(caught.value)
    assert "toy" in str(caught.value) or "blobs" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["[[model]", "model = 3", "[[model]]\nname = 3", ROW + ROW, ROW.replace("[[model.files]]", "[[model.file]]")]
)
def test_a_bad_manifest_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting):
        parse_manifest(text)


def test_a_path_is_either_a_file_or_a_folder() -> None:
    with pytest.raises(InvalidSetting, match="as a file and as a folder"):
        parse_manifest(model_table("toy", {"a": b"1", "a/b": b"2"}, []))


def test_an_unknown_name_comes_with_the_nearest_ones() -> None:
    manifest = load_manifest()
    with pytest.raises(UnknownName, match=r"whisper-bsae.*whisper-base"):
        manifest.model("whisper-bsae")
    with pytest.raises(UnknownName, match=r"fats.*fast"):
        manifest.group("fats")
    with pytest.raises(UnknownName, match=r"Known: whisper-base, .*joe"):
        manifest.model("zzz")
