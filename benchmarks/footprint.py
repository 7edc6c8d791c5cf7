"""Memory and start-up of the command as a user runs it: one process per measurement."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .machine import Section, percentile

_QUESTION = Path(__file__).parents[1] / "samples" / "question.wav"
_ASSISTANT = [sys.executable, "-m", "multimodal_assistant"]


async def run() -> Section:
    """Peak memory of `ask` in both profiles, seconds to load, and the time `--help` takes."""
    lines = ["| command | peak memory | models loaded in | whole answer |", "|---|---|---|---|"]
    for profile in ("balanced", "fast"):
        runs = [_ask(profile) for _ in range(3)]
        peak = max(one["peak_rss_mb"] for one in runs)
        load, total = (percentile([one["timings_ms"][stage] for one in runs], 50) / 1000 for stage in ("load", "total"))
        lines.append(f"| `assistant ask --profile {profile}` | {peak:.0f} MB | {load:.1f} s | {total:.1f} s |")
    seconds = [_help() for _ in range(10)]
    lines += ["", f"`assistant --help`: {percentile(seconds, 50):.2f} s (median of {len(seconds)})."]
    return Section("Memory and start-up", "\n".join(lines))


def _ask(profile: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            *_ASSISTANT,
            "ask",
            str(_QUESTION),
            "--profile",
            profile,
            "--json",
            "--llm",
            _EMBEDDED[profile],
            "--out",
            f"{scratch}/a.wav",
        ]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


_EMBEDDED = {"balanced": "qwen2.5-0.5b", "fast": "smollm2-135m"}


def _help() -> float:
    start = time.perf_counter()
    subprocess.run([*_ASSISTANT, "--help"], check=True, capture_output=True)
    return time.perf_counter() - start
