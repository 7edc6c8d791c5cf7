"""Repository, revision and file name → the file, from the Hugging Face hub that the user's settings name."""

import contextlib
import os
import threading
from collections.abc import Generator
from http import HTTPStatus
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
    """Single files by `huggingface_hub`, going on with a partial download."""

    archives = False

    def __init__(self) -> None:
        self._unreachable: str | None = None
        """None: not tried yet; empty: it answers."""

    def obstacle(self) -> str:
        if self._unreachable is None:
            self._unreachable = _why_unreachable()
        return self._unreachable

    def fetch(self, piece: Piece, folder: Path, step: Step) -> Path:
        place = folder / piece.member
        partial = place.with_name(f"{place.name}.partial")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _growth(folder, step):
                _download(piece, partial)
        except OSError as error:
            if error.errno is not None:  # of the disk, not of the network
                raise
            raise SourceFailed(_reason(error)) from error
        except Exception as error:  # the hub's client raises what its HTTP library raises, and that has changed
            raise SourceFailed(_reason(error)) from error
        partial.replace(place)
        return place


def _download(piece: Piece, partial: Path) -> None:
    """Append what is missing. `hf_hub_download` would begin anew after a kill: since 2.x its partial files are its own only."""
    from huggingface_hub import file_download, utils

    utils.disable_progress_bars()
    hub = cast("Any", file_download)  # its own types are incomplete
    # Compressed on the way, a file has neither a length nor a middle to go on from.
    headers = {**cast("Any", utils).build_hf_headers(), "Accept-Encoding": "identity"}
    url = hub.hf_hub_url(piece.package, piece.member, revision=piece.version)
    with partial.open("ab") as file:
        try:
            hub.http_get(url, file, resume_size=file.tell(), headers=headers)
        except Exception as error:
            if _status(error) != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            # Nothing was missing any more; its hash will tell whether that is so.


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
    status = _status(error)
    kind = type(error).__name__
    return f"the hub answered {status} ({kind})" if status else f"the hub did not deliver ({kind})"


def _status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


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
