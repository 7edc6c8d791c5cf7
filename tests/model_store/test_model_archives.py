"""Archives of strangers: the one member that was asked for comes out, and nothing else happens."""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from model_lab import NOISE, make_tgz, make_zip

from multimodal_assistant.models.archives import MAX_ARCHIVE_BYTES, open_archive
from multimodal_assistant.models.sources import WrongContent

Make = Callable[[Path, Mapping[str, bytes]], Path]

MEMBER = "package/voices/a.bin"


def read(path: Path, member: str = MEMBER, limit: int = len(NOISE)) -> bytes:
    archive = open_archive(path)
    try:
        return b"".join(archive.read(member, limit))
    finally:
        archive.close()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Where an archive is made; whatever it writes elsewhere below `tmp_path` is found at the end."""
    inside = tmp_path / "in side"
    inside.mkdir()
    return inside / "archive"


@pytest.mark.parametrize("make", [make_zip, make_tgz])
def test_the_named_member_is_read(hostile: Path, make: Make) -> None:
    assert read(make(hostile, {"other": b"x", MEMBER: NOISE})) == NOISE


@pytest.mark.parametrize("make", [make_zip, make_tgz])
def test_members_that_climb_out_are_never_touched(hostile: Path, tmp_path: Path, make: Make) -> None:
    archive = make(hostile, {"../../evil": b"x", "/tmp/evil": b"x", MEMBER: NOISE})
    before = sorted(tmp_path.rglob("*"))
    assert read(archive) == NOISE
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("make", [make_zip, make_tgz])
@pytest.mark.parametrize("name", ["voices/a.bin", "package/voices/A.bin", "./package/voices/a.bin", "package/voices/a.bin/"])
def test_only_the_exact_name_counts(hostile: Path, make: Make, name: str) -> None:
    with pytest.raises(WrongContent, match="no member"):
        read(make(hostile, {MEMBER: NOISE}), name)


@pytest.mark.parametrize("make", [make_zip, make_tgz])
def test_an_oversized_member_is_refused(hostile: Path, make: Make) -> None:
    with pytest.raises(WrongContent, match="were expected"):
        read(make(hostile, {MEMBER: b"\0" * 10_000_000}), limit=100)


def test_a_member_that_lies_about_its_size_is_cut_off(hostile: Path) -> None:
    make_zip(hostile, {MEMBER: b"\0" * 10_000_000})
    data = hostile.read_bytes()
    hostile.write_bytes(data.replace((10_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    with pytest.raises(WrongContent, match="damaged|more than"):
        read(hostile, limit=100)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_member_of_a_tar_that_is_not_a_regular_file_is_refused(hostile: Path, kind: bytes) -> None:
    with tarfile.open(hostile, "w:gz") as archive:
        info = tarfile.TarInfo(MEMBER)
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(WrongContent, match="not a regular file"):
        read(hostile)


def test_a_symlink_in_a_zip_is_refused(hostile: Path) -> None:
    info = zipfile.ZipInfo(MEMBER)
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(WrongContent, match="not a regular file"):
        read(hostile)


def test_a_name_that_is_there_twice_is_refused(hostile: Path) -> None:
    with tarfile.open(hostile, "w:gz") as archive:
        for data in (b"good", b"evil"):
            info = tarfile.TarInfo(MEMBER)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    with pytest.raises(WrongContent, match="2 member"):
        read(hostile)


@pytest.mark.parametrize("make", [make_zip, make_tgz])
@pytest.mark.parametrize("keep", [10, 0.5, 0.9])
def test_a_truncated_archive_is_refused(hostile: Path, make: Make, keep: float) -> None:
    make(hostile, {MEMBER: os.urandom(len(NOISE))})
    data = hostile.read_bytes()
    hostile.write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    with pytest.raises(WrongContent, match="damaged|not an archive"):
        read(hostile)


def test_a_flipped_byte_is_refused(hostile: Path) -> None:
    make_zip(hostile, {MEMBER: NOISE}, zipfile.ZIP_STORED)
    data = bytearray(hostile.read_bytes())
    data[1000] ^= 1
    hostile.write_bytes(data)
    with pytest.raises(WrongContent, match="damaged"):
        read(hostile)


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"\x1f\x8b", b"PK\x03\x04", gzip.compress(b"no tar")])
def test_what_is_not_an_archive_is_refused(hostile: Path, data: bytes) -> None:
    hostile.write_bytes(data)
    with pytest.raises(WrongContent):
        read(hostile)


def test_an_archive_of_absurd_size_is_refused_unread(hostile: Path) -> None:
    hostile.touch()
    os.truncate(hostile, MAX_ARCHIVE_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(WrongContent, match="larger than any"):
        read(hostile)


def test_a_header_that_claims_all_memory_is_refused(hostile: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    with gzip.open(hostile, "wb") as file:
        file.write(info.tobuf(tarfile.USTAR_FORMAT) + bytes(1024))
    with pytest.raises(WrongContent, match="unreasonable size"):
        read(hostile)
