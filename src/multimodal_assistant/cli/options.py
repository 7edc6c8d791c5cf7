"""Flags that `ask`, `talk` and `doctor` share."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS = (
    click.option("--voice", help="A Kokoro voice (af_heart), joe, or a Piper .onnx file."),
    click.option("--llm", help="auto, qwen2.5-0.5b, smollm2-135m, FILE.gguf, ollama:NAME or openai:NAME."),
    click.option("--stt", help="Whisper size (tiny.en, base, small, …) or a CTranslate2 folder."),
    click.option("--language", help="Language that is spoken (en, de, …). Default: recognized."),
    click.option(
        "--profile",
        type=click.Choice(["balanced", "fast", "quality", "auto"]),
        help="balanced (default), fast (smaller models), quality (larger ears), or auto: measured on this machine, once.",
    ),
    click.option("--threads", type=click.IntRange(1, 64), help="Threads a model may use."),
    click.option("--verbose", is_flag=True, help="Log what happens to stderr."),
)


def memory_flags(command: F) -> F:
    """Add the flags of what is remembered."""
    command = click.option("--user", help="Whose memories are used and kept. Default: those of the settings.")(command)
    return click.option("--memory", type=click.Choice(["on", "off"]), help="off: nothing is recalled, and nothing is kept.")(command)


def engine_flags(command: F) -> F:
    """Add the flags that choose engines."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def settings_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The flags as `app.settings_from` takes them; --verbose takes effect."""
    level = logging.DEBUG if flags["verbose"] else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    return {
        "profile": flags["profile"],
        "threads": flags["threads"],
        "stt": {"model": flags["stt"], "language": flags["language"]},
        "llm": {"model": flags["llm"]},
        "tts": {"voice": flags["voice"]},
        "memory": {"enabled": None if flags.get("memory") is None else flags["memory"] == "on", "user": flags.get("user")},
    }
