"""`make bench`: run all measurements (or those named) and write docs/benchmarks.md; `--print` leaves the file alone."""

import sys
from pathlib import Path

import anyio

from multimodal_assistant.app import quiet_threads

from . import barge_in, cut_ins, endurance, first_audio, footprint, kokoro, latency, load, stt
from .machine import Section, describe
from .peers import measure as peers

_REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_MEASUREMENTS = {
    "stt": stt.run,
    "kokoro": kokoro.run,
    "first_audio": first_audio.run,
    "latency": latency.run,
    "footprint": footprint.run,
    "cut_ins": cut_ins.run,
    "peers": peers.run,
    "barge_in": barge_in.run,
    "endurance": endurance.run,
    "load": load.run,
}
_HEAD = """# Benchmarks

What was measured, on which machine, and with which command. Figures from shared machines are noisy: trust ratios taken in one
run more than milliseconds, and measure your own machine with `assistant doctor` or `make bench`.
"""


async def _main(names: list[str], *, writes: bool) -> None:
    sections: list[Section] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        section = await _MEASUREMENTS[name]()
        sections.append(section)
        print(f"\n## {section.title}\n\n{section.body}\n")
    if writes:
        stamp = f"Machine: {describe()}. Command: `make bench`.\n"
        body = "\n\n".join(f"## {section.title}\n\n{section.body}" for section in sections)
        await anyio.Path(_REPORT).write_text(f"{_HEAD}\n{stamp}\n{body}\n", encoding="utf-8")
        print(f"written: {_REPORT}", file=sys.stderr)


def main() -> None:
    """Choose by name; an unknown name lists what there is."""
    chosen = [argument for argument in sys.argv[1:] if argument != "--print"]
    unknown = [name for name in chosen if name not in _MEASUREMENTS]
    if unknown:
        sys.exit(f"No measurement called {unknown[0]}. There are: {', '.join(_MEASUREMENTS)}.")
    quiet_threads()
    anyio.run(lambda: _main(chosen or list(_MEASUREMENTS), writes=not chosen and "--print" not in sys.argv))


main()
