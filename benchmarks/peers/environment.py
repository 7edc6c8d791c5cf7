"""The peer's own Python environment, made once in the bench folder from pinned versions."""

import hashlib
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("pipecat-requirements.txt")


def pipecat_python(bench: Path) -> Path:
    """The interpreter of the environment; makes it the first time, and again when the versions change."""
    folder = bench / "pipecat-venv"
    python = folder / "bin" / "python"
    mark = folder / f"made-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    if not mark.is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)], check=True)
        mark.touch()
    return python
