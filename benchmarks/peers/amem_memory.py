"""The `a-mem` package behind lines of JSON, in its own environment: its `add_note` and `search` on its persistent Chroma.

Two things are stood in for. sentence-transformers, which would bring a CUDA build of torch, is a class that computes the same MiniLM
vectors. The language model answers every prompt with nothing: no keywords, no context, no evolution, which is also what the package
falls back to when a model fails.
"""
# pyright: basic, reportMissingImports=false

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["ANONYMIZED_TELEMETRY"] = "False"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it fetches prices when it is imported

from .lines import Noted, serve
from .vectors import Sentences, open_sentences

_NOTHING = json.dumps(
    {
        "keywords": [],
        "context": "General",
        "tags": [],
        "should_evolve": False,
        "actions": [],
        "suggested_connections": [],
        "tags_to_update": [],
        "new_context_neighborhood": [],
        "new_tags_neighborhood": [],
    }
)


class Silent:
    """A language model with nothing to say."""

    def get_completion(self, prompt: str, response_format: object = None, temperature: float = 1.0) -> str:
        return _NOTHING


class AMem:
    """A system for each user: the package knows no users."""

    def __init__(self, folder: Path, sentences: Sentences) -> None:
        self._folder = folder
        self._of: dict[str, Any] = {}
        _stand_in(sentences)

    def add(self, user: str, notes: Sequence[Noted]) -> list[str]:
        from agentic_memory.memory_system import AgenticMemorySystem

        path = self._folder / f"{len(self._of)}"
        system = self._of[user] = AgenticMemorySystem(llm_backend="openai", api_key="none", storage_path=str(path))
        system.llm_controller.llm = Silent()
        return [system.add_note(note.text, time=datetime.fromisoformat(note.at).strftime("%Y%m%d%H%M")) for note in notes]

    def search(self, user: str, text: str, k: int) -> list[str]:
        return [one["id"] for one in self._of[user].search(text, k)]


def _stand_in(sentences: Sentences) -> None:
    """Modules in place of the two that need torch; of transformers the package only imports names."""

    class SentenceTransformer:
        def __init__(self, *_: object, **__: object) -> None:
            """There is one model."""

        def encode(self, texts: Sequence[str], **_: object) -> Any:
            return sentences.embed(texts)

    for name, held in {
        "sentence_transformers": {"SentenceTransformer": SentenceTransformer},
        "transformers": {"AutoModel": None, "AutoTokenizer": None},
    }.items():
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(held)


def main(model: str) -> None:
    with tempfile.TemporaryDirectory(prefix="amem-", ignore_cleanup_errors=True) as folder, open_sentences(Path(model)) as sentences:
        serve(AMem(Path(folder), sentences))


main(*sys.argv[1:])
