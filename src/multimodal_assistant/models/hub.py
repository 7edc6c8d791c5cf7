"""Repository, revision and file name → the file, from the Hugging Face hub that the user's settings name."""

import contextlib
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

from .manifest import Piece
from .progress import Step
from .sources import SourceFailed
from .tools import folder_bytes

PROBE_SECONDS = 4.0
"""How long the hub may take to say anything at all. Its own client repeats a failed request for 23 s (measured)."""

_LOOK_SECONDS = 0.25


class HubSource:
    """Single files by `huggingface_hub`, which goes on with a partial download by itself."""

    archives = False

    def __init__(self) -> None:
        self._unreachable: str | None = None
        """None: not tried yet; empty: it answers."""

    def obstacle(self) -> str:
        if self._unreachable is None:
            self._unreachable = _why_unreachable()
        return self._unreachable

    def fetch(self, piece: Piece, folder: Path, step: Step) -> Path:
        import huggingface_hub
        from huggingface_hub.utils import disable_progress_bars

        hub = cast("Any", huggingface_hub)  # its own types are incomplete

        disable_progress_bars()
        try:
            with _growth(folder, step):
                found = hub.hf_hub_download(
                    piece.package, piece.member, revision=piece.version, local_dir=folder, etag_timeout=PROBE_SECONDS
                )
                return Path(found)
        except OSError as error:
            if error.errno is not None:  # of the disk, not of the network
                raise
            raise SourceFailed(_reason(error)) from error
        except Exception as error:  # the hub's client raises what its HTTP library raises, and that has changed
            raise SourceFailed(_reason(error)) from error


def _why_unreachable() -> str:
    """Empty when the hub answers. One request without retries, and no longer than `PROBE_SECONDS` whatever the resolver does."""
    for switch in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(switch, "").upper() in {"1", "ON", "YES", "TRUE"}:
            return f"{switch} is set"
    answers: list[str] = []

    def ask() -> None:
        from huggingface_hub import constants
        from huggingface_hub.utils import get_session

        try:
            get_session().head(constants.ENDPOINT, timeout=PROBE_SECONDS)
            answers.append("")
        except Exception as error:  # see above: whatever it is, there was no answer
            answers.append(f"the hub cannot be reached ({type(error).__name__})")

    thread = threading.Thread(target=ask, name="hub-probe", daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return answers[0] if answers else f"the hub did not answer within {PROBE_SECONDS:g} s"


def _reason(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    kind = type(error).__name__
    return f"the hub answered {status} ({kind})" if status else f"the hub did not deliver ({kind})"


@contextlib.contextmanager
def _growth(folder: Path, step: Step) -> Generator[None]:
    """Tell `step` how the folder grows. The hub's own bars come in too many versions to be relied on."""
    done = threading.Event()
    before = folder_bytes(folder)

    def look() -> None:
        while not done.wait(_LOOK_SECONDS):
            step.update(max(0, folder_bytes(folder) - before))

    thread = threading.Thread(target=look, name="hub-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
