"""A peer's own Python environment, made once in the bench folder from pinned versions."""

import hashlib
import subprocess
import sys
from pathlib import Path


def python_of(peer: str, bench: Path) -> Path:
    """The interpreter of the environment that PEER-requirements.txt describes; makes it the first time, and when the versions change."""
    requirements = Path(__file__).with_name(f"{peer}-requirements.txt")
    folder = bench / f"{peer}-venv"
    python = folder / "bin" / "python"
    mark = folder / f"made-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    if not mark.is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)], check=True)
        mark.touch()
    return python
