"""Our sentence embedder for memories that call theirs without awaiting."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal

from multimodal_assistant.core.types import Vectors
from multimodal_assistant.engines.embed.sentence import SentenceEmbedder


class Sentences:
    """Texts → unit vectors: the weights, the code and the single thread that ours has."""

    def __init__(self, engine: SentenceEmbedder, portal: BlockingPortal) -> None:
        self._engine = engine
        self._portal = portal

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._portal.call(self._engine.embed, texts)


@contextmanager
def open_sentences(model: Path) -> Generator[Sentences]:
    """`model`: the folder of model.onnx and tokenizer.json."""
    engine = SentenceEmbedder(model=model / "model.onnx", tokenizer=model / "tokenizer.json")
    with start_blocking_portal() as portal:
        portal.call(engine.warm)
        yield Sentences(engine, portal)
        portal.call(engine.aclose)
