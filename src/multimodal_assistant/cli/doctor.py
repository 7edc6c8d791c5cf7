"""`assistant doctor`: is everything here, and how fast will it answer?"""

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from multimodal_assistant.core.errors import EngineUnavailable

from .options import engine_flags, settings_flags
from .run import run


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--no-measure", is_flag=True, help="Do not load the models and measure.")
@engine_flags
def command(as_json: bool, no_measure: bool, **flags: Any) -> None:
    """Check Python, memory, audio devices, engines and models, measure every stage, and say what latency to expect.

    Exit codes: 0 all is well, 3 something that is needed is missing; every problem comes with its remedy.
    """
    settings = settings_flags(flags)
    problems = run(lambda: _examine(settings, as_json=as_json, measures=not no_measure))
    if problems:
        sys.exit(EngineUnavailable.exit_code)


async def _examine(flags: dict[str, Any], *, as_json: bool, measures: bool) -> int:
    from rich.console import Console
    from rich.text import Text

    from multimodal_assistant.app import settings_from

    from . import checks as look

    out = Console(quiet=as_json, highlight=False, soft_wrap=True)
    settings = settings_from(**flags)
    found = [*look.machine(), look.disk(settings), *look.devices(), look.eyes(), *look.modules(), *look.models(settings)]
    measured = None
    if measures:
        with out.status("Loading the models and measuring") if out.is_terminal else _nothing():
            chosen, measured = await look.measure(settings)
        found += chosen
    marks = {"ok": ("ok     ", "green"), "note": ("note   ", "yellow"), "problem": ("problem", "bold red")}
    for check in found:
        out.print(Text.assemble(marks[check.state], f"  {check.name:<28}", check.found))
        if check.remedy:
            out.print(Text(f"         {'':<28}→ {check.remedy}", style="bold"))
    problems = sum(check.state == "problem" for check in found)
    if measured is not None:
        out.print()
        _show(out, measured)
    if as_json:
        report = {
            "checks": [asdict(check) for check in found],
            "problems": problems,
            "measured_ms": None if measured is None else {name: round(value, 1) for name, value in asdict(measured).items()},
            "expected_first_audio_ms": None if measured is None else round(measured.expected, 1),
        }
        click.echo(json.dumps(report, ensure_ascii=False))
    return problems


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def _show(out: Any, measured: Any) -> None:
    """The stages, and the sum a user waits."""
    rows = (
        ("speech to text", measured.stt),
        ("language model, first token", measured.llm_first_token),
        ("language model, first clause", measured.llm_first_clause),
        ("voice, first sound", measured.tts_first_audio),
    )
    for name, value in rows:
        out.print(f"  {name:<30}{value:7.0f} ms")
    out.print(f"  {'models load in':<30}{measured.load:7.0f} ms")
    out.print(f"\nExpect the answer to a short question to begin about {measured.expected / 1000:.1f} s after it was said.")
