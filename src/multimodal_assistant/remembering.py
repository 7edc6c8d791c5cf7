"""The composition root of the memory: settings and what is on this machine → memories that are open."""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import anyio

from .config import Settings
from .core.errors import AssistantError
from .core.protocols import LanguageModel, Prefilling, TextEmbedder
from .engines import registry
from .memory.conversation import SMALL, ConversationMemory, Keeper, Recalling
from .memory.index import VectorIndex
from .memory.store import MemoryStore, open_store
from .memory.system import AgenticMemorySystem
from .memory.upkeep import Upkeep
from .models.store import open_store as open_models


@dataclass(frozen=True, slots=True)
class Memories:
    """What a program holds while it runs."""

    store: MemoryStore
    keeper: Keeper
    user: str
    """Whose memories they are where nobody else is named."""
    worker: LanguageModel | None = None
    """Works through what is kept."""
    recalling: Recalling = Recalling()
    """How much a model is told."""

    def of(self, user: str) -> AgenticMemorySystem:
        """The memories of one user."""
        return AgenticMemorySystem(self.store, user, llm=self.worker)

    def conversation(self, user: str = "") -> ConversationMemory:
        """For one conversation."""
        session = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return ConversationMemory(self.of(user or self.user), self.keeper, session=session, recalling=self.recalling)


def embedder(settings: Settings) -> TextEmbedder:
    """Raises `ModelMissing` where its weights are not here."""
    wanted = settings.memory.embedder
    if Path(wanted).is_dir():
        folder = Path(wanted).resolve()
        return _embedder(folder, str(folder))
    return _embedder(open_models(settings.home, settings.models_dir).path(wanted), wanted)


def _embedder(folder: Path, name: str) -> TextEmbedder:
    return registry.build("embed", "sentence", model=folder / "model.onnx", tokenizer=folder / "tokenizer.json", name=name)


@asynccontextmanager
async def open_memories(
    settings: Settings, *, quiet: Callable[[], bool] | None = None, worker: LanguageModel | None = None
) -> AsyncGenerator[Memories]:
    """The memories of these settings, until the end of the block; then all that was said is on the disk. Raises `MemoryStoreError`,
    `ModelMissing`.

    quiet: whether nobody needs the machine; then what was kept is worked through, by `worker` too where there is one. None: it waits for
    somebody who does so.
    """
    engine = embedder(settings)
    try:
        async with open_store(settings.memory.folder, engine, _index(settings), model=engine.details["model"]) as store:
            keeper = Keeper()
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(keeper.run, name="memory")
                    if quiet is not None:
                        tasks.start_soon(Upkeep(store, worker, quiet=quiet).run, name="memory upkeep")
                    yield Memories(store, keeper, settings.memory.user, worker)
                    tasks.cancel_scope.cancel()
            finally:
                with anyio.CancelScope(shield=True):
                    await keeper.finish()
    finally:
        with anyio.CancelScope(shield=True):
            await engine.aclose()


def _index(settings: Settings) -> Callable[[Path, int], VectorIndex]:
    """How the index of one generation is opened."""
    memory = settings.memory
    if not memory.qdrant_url:
        from .memory.qdrant_edge import EdgeIndex

        return lambda folder, dimensions: EdgeIndex(folder, dimensions=dimensions)
    from .memory.qdrant_server import connect

    key = memory.qdrant_api_key.get_secret_value() if memory.qdrant_api_key else None
    return lambda folder, dimensions: connect(
        memory.qdrant_url, key, f"assistant-{_name_of(memory.folder)}-{folder.name}", dimensions=dimensions
    )


def _name_of(folder: Path) -> str:
    """Of this memory on a server that may hold others; it goes along when the folder is moved."""
    file = folder / "name"
    if not file.is_file():
        file.write_text(secrets.token_hex(8))
    return file.read_text().strip()


@asynccontextmanager
async def remembered(
    settings: Settings, llm: LanguageModel, *, quiet: Callable[[], bool], notice: Callable[[str], None], alone: bool = False
) -> AsyncGenerator[Memories | None]:
    """The same for conversations with this model. They need no memory: None where it is off, or cannot be had, which `notice` is told.

    alone: when it is quiet, no conversation goes on whose words the model has in its cache; then it may do other work.
    """
    worker = llm if alone and settings.memory.enrich else None
    async with AsyncExitStack() as stack:
        memories = None
        if settings.memory.enabled:
            try:
                memories = await stack.enter_async_context(open_memories(settings, quiet=quiet, worker=worker))
            except AssistantError as error:
                notice(f"Nothing is remembered: {error}")
            else:
                memories = replace(memories, recalling=SMALL if isinstance(llm, Prefilling) else Recalling())
        yield memories
