"""A folder of memories that is open: the log, the index that follows it, and the lock that keeps other processes out."""

import logging
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import numpy as np
from filelock import FileLock, Timeout

from multimodal_assistant.core.errors import IndexDamaged, MemoryStoreError
from multimodal_assistant.core.protocols import TextEmbedder
from multimodal_assistant.core.worker import Worker

from .index import Point, Pool, PoolRequest, VectorIndex
from .log import MemoryLog
from .reading import Stored
from .terms import keys_of, sparse_note

log = logging.getLogger(__name__)
T = TypeVar("T")

MEANING = "meaning"
"""Kind of the vector of a note's own words."""

FEED = 16
"""Notes that go to the index at once: a question that comes meanwhile waits for no more than these to be embedded."""

CHECKPOINT = 256
"""Changes after which the index is brought to the disk."""

OpenIndex = Callable[[Path, int], VectorIndex]
"""Folder of one generation and the dimensions of its vectors → the index in it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a long piece of work."""

    done: int
    total: int


class MemoryStore:
    """See `open_store`. The log answers at once and for good; the index is at most one `settle` behind."""

    def __init__(self, folder: Path, embedder: TextEmbedder, open_index: OpenIndex, *, model: str) -> None:
        self._folder = folder
        self.embedder = embedder
        self._model = model
        self._open_index = open_index
        self._index: VectorIndex | None = None
        self._dimensions = 0
        self._generation = 0
        self._feeding = anyio.Lock()
        self._rebuilding = anyio.Lock()
        self._changed = anyio.Event()
        # None of them is given up: a transaction that goes on by itself would share its connection with the next one.
        self._writer = Worker("memory-write", patience=None)
        self._reader = Worker("memory-read", patience=None)
        self._finder = Worker("memory-index", patience=None)
        self._idler = Worker("memory-idle", patience=None)
        self._write_log: MemoryLog | None = None
        self._read_log: MemoryLog | None = None
        self._latest = self._fed = self._flushed = 0
        """Entries of the outbox: the latest, the latest that the index has, the latest that it has on the disk."""
        self._held = True
        """The outbox keeps what the index has: a rebuild may still want it."""

    # The log

    async def write(self, function: Callable[[MemoryLog], T]) -> T:
        """Change the log; durable when this returns. The index is fed in the background."""

        def run() -> tuple[T, int]:
            found = function(_there(self._write_log))
            return found, _there(self._write_log).latest_change()

        found, self._latest = await self._writer.call(run)
        if self.unsettled:
            self._changed.set()
        return found

    @property
    def unsettled(self) -> int:
        """Changes that the index has not seen."""
        return self._latest - self._fed

    async def read(self, function: Callable[[MemoryLog], T]) -> T:
        """Look something up. Writers are not waited for."""
        return await self._reader.call(lambda: function(_there(self._read_log)))

    # The index

    async def pool(self, request: PoolRequest) -> Pool:
        """What is near, of what the index has."""
        return await self._finder.call(lambda: _there(self._index).pool(request))

    async def settle(self) -> None:
        """Bring the index up to the log."""
        async with self._feeding:
            while self.unsettled:
                await self._feed()

    async def _feed(self) -> None:
        entries = await self.read(lambda log: log.changed_since(self._fed, FEED))
        if entries:
            await self._put(_there(self._index), list(dict.fromkeys(seq for _, seq in entries)))
        self._fed = entries[-1][0] if entries else self._latest

    async def checkpoint(self) -> None:
        """What the index has is on the disk, and no longer in the outbox: after a crash it is not fed again."""
        async with self._feeding:
            fed = self._fed
            if fed == self._flushed or self._held:
                return
            await self._finder.call(_there(self._index).flush)
            await self._writer.call(lambda: _there(self._write_log).applied(fed))
            self._flushed = fed

    async def _put(self, index: VectorIndex, seqs: Sequence[int]) -> None:
        """The notes of these numbers as they are; those that are gone are taken out."""
        found = await self.read(lambda log: log.stored(seqs))
        points = await self._points(found)
        gone = sorted(set(seqs) - {one.seq for one in found})

        def run() -> None:
            if points:
                index.upsert(points)
            if gone:
                index.delete(gone)

        await self._finder.call(run)

    async def _points(self, found: Sequence[Stored]) -> list[Point]:
        """Vectors that the log does not have are made, and kept there."""
        new = [one for one in found if MEANING not in one.vectors]
        made: dict[int, np.ndarray] = {}
        if new:
            names: dict[str, tuple[str, ...]] = {one.note.scope.user: () for one in new}
            for user in names:
                names[user] = await self.read(lambda log, user=user: log.speakers(user))
            vectors = await self.embedder.embed([keys_of(one.note.content, names[one.note.scope.user]).text for one in new])
            made = {one.seq: vector for one, vector in zip(new, vectors, strict=True)}
            kept = [(seq, MEANING, vector) for seq, vector in made.items()]
            await self._writer.call(lambda: _there(self._write_log).keep_vectors(self._model, kept))
        points: list[Point] = []
        for one in found:
            dense = made.get(one.seq)
            if dense is None:
                dense = one.vectors[MEANING].astype(np.float32)
            sparse = sparse_note(one.terms)
            points.append(Point(one.seq, one.note.scope, one.note.timestamp.timestamp(), dense, sparse.indices, sparse.weights))
        return points

    async def rebuild(self, tell: Callable[[Progress], None] = lambda _: None) -> int:
        """Build the index anew beside the present one, from the log, and change over; searches go on. How many notes it has."""
        async with self._rebuilding:
            self._held = True
            since = await self.read(lambda log: log.latest_change())
            generation = self._generation + 1
            folder = self._folder_of(generation)
            await self._idler.call(lambda: shutil.rmtree(folder, ignore_errors=True))
            fresh = await self._idler.call(lambda: self._empty(folder))
            total = await self.read(lambda log: log.counts()["notes"])
            done, last = 0, 0
            while seqs := await self.read(lambda log, last=last: log.all_seqs(last, 4 * FEED)):
                await self._put(fresh, seqs)
                done, last = done + len(seqs), seqs[-1]
                tell(Progress(done, max(total, done)))
            await self._idler.call(fresh.optimize)
            old = await self._change_over(fresh, generation, since)
            await self._idler.call(lambda: _discard(old, self._folder_of(generation - 1)))
            return done

    def _empty(self, folder: Path) -> VectorIndex:
        """A new index. On a server there may be one of that name, of a rebuild that was cut off."""
        index = self._open_index(folder, self._dimensions)
        if index.count():
            index.remove()
            index = self._open_index(folder, self._dimensions)
        return index

    async def _change_over(self, fresh: VectorIndex, generation: int, since: int) -> VectorIndex | None:
        """From now on searches go to `fresh`, with what was changed after the entry `since`; the old one."""
        async with self._feeding:
            while changed := await self.read(lambda log, since=since: log.changed_since(since, FEED)):
                await self._put(fresh, [seq for _, seq in changed])
                since = changed[-1][0]
            await self._finder.call(fresh.flush)
            await self._writer.call(lambda: _there(self._write_log).set_meta("generation", str(generation)))
            old, self._index, self._generation = self._index, fresh, generation
            self._fed, self._held = since, False
            return old

    async def optimize(self) -> None:
        """Keep searches fast; in idle time."""
        await self.checkpoint()
        await self._idler.call(_there(self._index).optimize)

    async def indexed(self) -> int:
        return await self._finder.call(lambda: _there(self._index).count())

    # Life

    async def open(self) -> None:
        """Raises `MemoryStoreError` where the log or the server of the index cannot be used; an index that is damaged is built again,
        with a warning.
        """
        self._dimensions = (await self.embedder.embed(["."])).shape[1]
        path = self._folder / "memories.sqlite3"
        self._write_log = await self._writer.call(lambda: MemoryLog(path))
        self._read_log = await self._reader.call(lambda: MemoryLog(path))
        self._generation = int(await self.read(lambda log: log.meta("generation")) or "0")
        model = await self.read(lambda log: log.meta("model"))
        self._latest = await self.read(lambda log: log.latest_change())
        if model not in {None, self._model}:
            log.warning("the memories were embedded by %s: they are embedded again by %s", model, self._model)
            await self.write(lambda log: log.forget_vectors())
            await self.rebuild()
        else:
            await self._open_or_mend()
        await self.write(lambda log: log.set_meta("model", self._model))

    async def _open_or_mend(self) -> None:
        """The index of the log, or a new one."""
        folder = self._folder_of(self._generation)
        try:
            self._index = await self._finder.call(lambda: self._open_index(folder, self._dimensions))
            await self.settle()
            if await self.indexed() == (await self.read(lambda log: log.counts()))["notes"]:
                self._held = False
                return
            log.warning("the index of memories does not have what the log has: it is built again")
        except IndexDamaged as error:
            log.warning("%s It is built again now.", error.problem)
        old, self._index = self._index, None
        if old is not None:
            await self._finder.call(old.close)
        await self.rebuild()

    async def follow(self) -> None:
        """Feed the index whenever the log changes; ends when it is cancelled."""
        while True:
            await self._changed.wait()
            self._changed = anyio.Event()
            try:
                await self.settle()
                if self._fed - self._flushed >= CHECKPOINT:
                    await self.checkpoint()
            except MemoryStoreError as error:
                log.warning("memories wait for the index: %s", error)

    async def aclose(self) -> None:
        """Safe to call twice."""
        if self._index is not None:
            try:
                await self.checkpoint()
            finally:
                await self._finder.call(self._index.close)
                self._index = None
        for worker, connection in ((self._writer, self._write_log), (self._reader, self._read_log)):
            if connection is not None:
                await worker.call(connection.close)
        self._write_log = self._read_log = None
        for worker in (self._writer, self._reader, self._finder, self._idler):
            await worker.aclose()

    def _folder_of(self, generation: int) -> Path:
        return self._folder / f"index-{generation}"


@asynccontextmanager
async def open_store(folder: Path, embedder: TextEmbedder, open_index: OpenIndex, *, model: str) -> AsyncGenerator[MemoryStore]:
    """The memories in `folder`, until the end of the block. model: the name of what embeds; another one embeds everything again.

    Raises `MemoryStoreError` where another process has them open, or they cannot be used.
    """
    try:
        lock = await anyio.to_thread.run_sync(locked, folder)
    except Timeout as error:
        raise MemoryStoreError(
            f"The memories in {folder} are open in another process.", "Close it first: perhaps `assistant serve`, or `assistant talk`."
        ) from error
    except OSError as error:
        raise MemoryStoreError(
            f"The folder of memories {folder} cannot be used: {error.strerror or error}.",
            "Check that it may be written, or name another with ASSISTANT_MEMORY__FOLDER.",
        ) from error
    try:
        store = MemoryStore(folder, embedder, open_index, model=model)
        try:
            await store.open()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(store.follow, name="memory index")
                yield store
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await store.aclose()
    finally:
        lock.release()


def locked(folder: Path) -> FileLock:
    """Keeps other processes out of it until it is released. Raises `filelock.Timeout` where one has it, `OSError`. Blocks."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / "lock", timeout=0, thread_local=False)
    lock.acquire()
    return lock


def _discard(index: VectorIndex | None, folder: Path) -> None:
    """An index that could not be opened is only a folder."""
    if index is not None:
        index.remove()
    shutil.rmtree(folder, ignore_errors=True)


def _there(part: T | None) -> T:
    if part is None:
        raise MemoryStoreError("The memory is closed.")
    return part
