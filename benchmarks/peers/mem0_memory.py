"""mem0ai behind lines of JSON, in its own environment: `Memory.add(..., infer=False)` and `Memory.search`, nothing of it replaced but
what computes vectors.

Its store is Qdrant's local mode in a folder, its default kind of store; telemetry is off. Given a file of stop words, it also searches by
words (BM25), as with its extras: fastembed is the encoder, and the file stands for the list which that would download. Its spaCy model
is on no package index; without it the words go to the encoder, which stems them, as they are.
"""
# pyright: basic, reportMissingImports=false

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ["MEM0_TELEMETRY"] = "False"
os.environ.setdefault("OPENAI_API_KEY", "none")  # its client for a language model is made, and never asked

from .lines import Noted, serve
from .vectors import Sentences, open_sentences

DIMENSIONS = 384


class Mem0:
    """One memory for all users, told apart by its own filter."""

    def __init__(self, folder: Path, sentences: Sentences, stopwords: Path | None) -> None:
        os.environ["MEM0_DIR"] = str(folder / "mem0")
        from mem0 import Memory
        from mem0.embeddings.base import EmbeddingBase

        class Embedding(EmbeddingBase):
            def embed(self, text, memory_action=None) -> list[float]:
                return sentences.embed([text])[0].tolist()

            def embed_batch(self, texts, memory_action="add") -> list[list[float]]:
                return sentences.embed(texts).tolist()

        store = {"collection_name": "notes", "embedding_model_dims": DIMENSIONS, "path": str(folder / "qdrant")}
        self._memory = Memory.from_config(
            {"vector_store": {"provider": "qdrant", "config": store}, "history_db_path": str(folder / "history.db")}
        )
        self._memory.embedding_model = Embedding()
        self._memory.vector_store._bm25_encoder = _encoder(stopwords)

    def add(self, user: str, notes: Sequence[Noted]) -> list[str]:
        added = [self._memory.add([{"role": "user", "content": note.text}], user_id=user, infer=False) for note in notes]
        return [one["results"][0]["id"] for one in added]

    def search(self, user: str, text: str, k: int) -> list[str]:
        return [one["id"] for one in self._memory.search(text, top_k=k, filters={"user_id": user})["results"]]


def _encoder(stopwords: Path | None) -> object:
    """What its store makes of words; False is what it has where there is no encoder."""
    if stopwords is None:
        return False
    from fastembed import SparseTextEmbedding

    words = set(stopwords.read_text(encoding="utf-8").split())
    return SparseTextEmbedding("Qdrant/bm25", specific_model_path=str(stopwords.parent), stopwords=words)


def main(model: str, stopwords: str = "") -> None:
    with tempfile.TemporaryDirectory(prefix="mem0-") as folder, open_sentences(Path(model)) as sentences:
        serve(Mem0(Path(folder), sentences, Path(stopwords) if stopwords else None))


main(*sys.argv[1:])
