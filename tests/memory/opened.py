"""Memories that are open, on the real engine, with scripted vectors."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from multimodal_assistant.core.protocols import LanguageModel
from multimodal_assistant.engines.scripted import ScriptedEmbedder
from multimodal_assistant.memory.qdrant_edge import EdgeIndex
from multimodal_assistant.memory.store import MemoryStore, open_store
from multimodal_assistant.memory.system import AgenticMemorySystem

NOW = datetime(2026, 5, 7, 12, 0, tzinfo=UTC)


def edge(folder: Path, dimensions: int) -> EdgeIndex:
    return EdgeIndex(folder, dimensions=dimensions)


@asynccontextmanager
async def opened(folder: Path, embedder: ScriptedEmbedder | None = None, *, model: str = "scripted") -> AsyncGenerator[MemoryStore]:
    """The store in `folder`."""
    async with open_store(folder, embedder or ScriptedEmbedder(), edge, model=model) as store:
        yield store


@asynccontextmanager
async def system(folder: Path, user: str = "anna", llm: LanguageModel | None = None) -> AsyncGenerator[AgenticMemorySystem]:
    """The memories of one user in it, on a clock that stands still."""
    async with opened(folder) as store:
        yield AgenticMemorySystem(store, user, llm=llm, clock=lambda: NOW)
