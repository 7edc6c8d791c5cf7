"""`make bench`: run the measurements of one question and its answer; `make bench-all` (`all`) every one, and a name that one.

Each writes its section of docs/benchmarks.md; not with `--print`.
"""

import os
import sys

import anyio

from multimodal_assistant.app import quiet_threads

from . import barge_in, cut_ins, endurance, first_audio, footprint, kokoro, latency, load, memory_speed, memory_upkeep, stt
from .machine import describe
from .peers import measure as peers
from .report import updated
from .retrieval import contest as retrieval
from .retrieval import enriched
from .vision import gate, grounded, live
from .vision import retrieval as vision_retrieval
from .web import browser
from .web import measure as web

_REPORT = anyio.Path(__file__).parents[1] / "docs" / "benchmarks.md"
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
    "browser": browser.run,
    "web": web.run,
    "memory": memory_speed.run,
    "memory_many": memory_speed.run_many,
    "memory_upkeep": memory_upkeep.run,
    "retrieval": retrieval.run,
    "memory_enriched": enriched.run,
    "vision_gate": gate.run,
    "vision_answers": grounded.run,
    "vision_live": live.run,
    "vision_retrieval": vision_retrieval.run,
}

_USUAL = ("stt", "kokoro", "first_audio", "footprint", "vision_answers")
"""What every change to the engines may make worse; the others take from a quarter of an hour to an hour each."""

_LOCOMO = ("retrieval", "memory_enriched")


async def _main(names: list[str], *, writes: bool) -> None:
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        section = await _MEASUREMENTS[name]()
        print(f"\n## {section.title}\n\n{section.body}\n", flush=True)
        if writes:
            stamp = f"`python -m benchmarks {name}`, {describe()}."
            page = updated(await _REPORT.read_text(encoding="utf-8"), section.title, f"{stamp}\n\n{section.body}")
            await _REPORT.write_text(page, encoding="utf-8")
            print(f"written: {_REPORT}", file=sys.stderr)


def main() -> None:
    """Choose by name; an unknown name lists what there is."""
    chosen = [argument for argument in sys.argv[1:] if argument != "--print"] or list(_USUAL)
    unknown = [name for name in chosen if name not in {*_MEASUREMENTS, "all"}]
    if unknown:
        sys.exit(f"No measurement called {unknown[0]}. There are: {', '.join(_MEASUREMENTS)}, and all.")
    quiet_threads()
    there = [name for name in _MEASUREMENTS if name not in _LOCOMO or "BENCH_LOCOMO" in os.environ]  # its data are the user's to fetch
    anyio.run(lambda: _main(there if "all" in chosen else chosen, writes="--print" not in sys.argv))


main()
