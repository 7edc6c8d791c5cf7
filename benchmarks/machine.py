"""What all measurements share: the machine they ran on, and how a section of the report looks."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import psutil


@dataclass(frozen=True, slots=True)
class Section:
    """One measurement, as Markdown."""

    title: str
    body: str


def percentile(values: Sequence[float], rank: float) -> float:
    """Linear interpolation between the two nearest values."""
    return float(np.percentile(np.asarray(values), rank))


def describe() -> str:
    """Processor, cores, memory, Python and date, in one line."""
    memory = psutil.virtual_memory().total / 1e9
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, {date.today()}"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as info:
            fields = dict(line.split(":", 1) for line in info if ":" in line)
    except OSError:
        return platform.processor() or platform.machine()
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = [flag for flag in ("avx2", "avx512f", "avx512_vnni") if flag in named.get("flags", "").split()]
    return f"{named.get('model name', platform.machine())} ({', '.join(flags)})"
