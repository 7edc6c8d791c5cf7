"""A folder of kept views that is open: the log, the index that follows it, and the lock that keeps other processes out."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import numpy as np
from filelock import Timeout
from numpy.typing import NDArray

from multimodal_assistant.core.errors import EngineFailed, MemoryStoreError
from multimodal_assistant.core.protocols import ImageTextEncoder
from multimodal_assistant.core.types import Picture, Pixels, Vectors
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.memory.index import PoolRequest
from multimodal_assistant.memory.note import Scope
from multimodal_assistant.memory.store import OpenIndex, locked
from multimodal_assistant.memory.terms import sparse_question, terms_of
from multimodal_assistant.processors.scene import LEGIBLE, in_words, place

from .following import DIMENSIONS, FollowingIndex, view_of
from .log import Entry, VisualLog
from .parts import cut, parts_of
from .ranking import Near, Trust, Wanted, by_things, fused, near_enough, wanted
from .view import KeptView, Recalled, Shot

log = logging.getLogger(__name__)
T = TypeVar("T")

_DAY = 86_400.0
_SAME = 0.97
"""Cosine from which two whole frames are the same view, with the same things at the same places,"""
_SAME_PARTS = 0.9
"""and from which a part of the new one is nothing new."""
_PAUSE = 600.0
"""Seconds after which the same view is kept anew: what was in between nobody knows."""
_POOL = 64
"""Vectors that are looked at for an answer, by likeness and by words each: those of 16 views or more."""
_EVER = (-1e18, 1e18)
EVERYTHING = 1 << 30
"""More views than there are."""

MODEL = "encoder"
"""What made the vectors."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, and how much, is kept."""

    days: float = 7.0
    most: int = 2000
    """Views of one user."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What to do with pixels; it works on a thread of its own."""

    small: Callable[[Pixels], Awaitable[Picture]]
    """Pixels → a JPEG of them, as it is kept."""
    pixels: Callable[[Picture], Awaitable[Pixels]]
    """And back."""


async def _at_once() -> None:
    """Nobody is waited for."""


class VisualMemory:
    """See `open_visual_memory`. What it gives is always of one user."""

    def __init__(
        self,
        folder: Path,
        encoder: ImageTextEncoder | None,
        open_index: OpenIndex,
        pictures: Pictures,
        *,
        limits: Limits,
        trust: Trust,
        clock: Callable[[], datetime],
    ) -> None:
        self.limits = limits
        self._folder = folder
        self._encoder = encoder
        self._open_index = open_index
        self._pictures = pictures
        self._trust = trust
        self._clock = clock
        self._dimensions = 0
        self._following: FollowingIndex | None = None
        self._opened: VisualLog | None = None
        # Not given up: a transaction that goes on by itself would share its connection with the next one.
        self._worker = Worker("visual-memory", patience=None)

    # Writing

    async def keep(self, user: str, shot: Shot, *, pause: Callable[[], Awaitable[None]] = _at_once) -> int | None:
        """Keep what is in view; the number of the view, which is an old one where it has been kept already, or None for darkness.

        pause: is waited for before each part is encoded, so that somebody else may have the machine.
        """
        if shot.seen.dark:
            return None
        boxes = parts_of(shot)
        vectors: list[NDArray[np.float32]] = []
        for box in boxes:
            await pause()
            vectors.append((await self._there_encoder().encode_images([cut(shot.pixels, box)]))[0])
        if len(vectors[0]) != self._dimensions:  # two halves of CLIPs that do not belong together
            raise EngineFailed(f"Pictures become {len(vectors[0])} numbers, and texts {self._dimensions}.", "Give both halves of one CLIP.")
        picture = await self._pictures.small(shot.pixels)
        words = in_words(shot.seen)
        view = KeptView(0, user, shot.source, shot.at, shot.at, shot.seen, words, shot.caption)
        entry = Entry(view, _terms(view), picture.data, tuple(zip(boxes, vectors, strict=True)))
        return await self._worker.call(lambda: self._put(entry))

    async def caption(self, user: str, id: int, caption: str) -> bool:
        """Say of a view what a model that sees made of it; False where it is gone."""

        def run() -> bool:
            (view,) = self._log.views(user, [id]) or (None,)
            if view is None:
                return False
            terms = _terms(KeptView(*_head(view), view.seen, view.words, caption))
            self._log.set_caption(user, id, caption, terms)
            self._index.follow(id)
            return True

        return await self._worker.call(run)

    async def uncaptioned(self, but: Collection[int]) -> KeptView | None:
        """The newest view without a caption, whosever it is; not those."""
        return await self._worker.call(lambda: self._log.uncaptioned(but))

    async def forget(self, user: str, ids: Sequence[int] | None = None, *, since: float | None = None, until: float | None = None) -> int:
        """Delete views for good: these, or all that were in view within these times; how many there were."""

        def run() -> int:
            wanted_ids = ids
            if wanted_ids is None:
                bounds = (_EVER[0] if since is None else since, _EVER[1] if until is None else until)
                wanted_ids = [view.id for view in self._log.latest(user, EVERYTHING, since=bounds[0], until=bounds[1])]
            gone = self._log.delete(user, wanted_ids)
            if gone:  # deleted points stay in the files of an index until it pleases to clean up
                self._index.discard() if self._encoder is None else self._index.rebuild()
            return len(gone)

        return await self._worker.call(run)

    async def mend_next(self) -> bool:
        """Encode a view that another encoder has made the vectors of, from the small picture that is kept; False where there is none."""
        encoder = self._there_encoder()
        found = await self._worker.call(lambda: self._log.without_vectors())
        if found is None:
            return False
        id, user = found
        picture = await self._worker.call(lambda: self._log.picture(user, id))
        if picture is not None:
            pixels = await self._pictures.pixels(picture)
            (view,) = await self.views(user, [id]) or (None,)
            boxes = parts_of(Shot(pixels, 0.0, "", view.seen)) if view is not None else []
            vectors = await encoder.encode_images([cut(pixels, box) for box in boxes])
            parts = tuple(zip(boxes, vectors, strict=True))

            def run() -> None:
                self._log.keep_vectors(id, parts)
                self._index.follow(id)

            await self._worker.call(run)
        return True

    # Reading

    async def recall_visual(
        self, user: str, query: str, *, since: float | None = None, until: float | None = None, most: int = 5, sure: bool = True
    ) -> list[Recalled]:
        """Where and when it was seen: where it was recognized, the newest first; else what is like it, or has its words.

        sure: only what is near enough to be told as an answer. Times are epoch seconds.
        """
        asked = wanted(query)
        window = (_EVER[0] if since is None else since, _EVER[1] if until is None else until)
        if asked.labels:
            labels = sorted(asked.labels)
            views = await self._worker.call(
                lambda: self._log.latest(user, 8 * most if asked.colour else most, since=window[0], until=window[1], labels=labels)
            )
            if found := by_things(views, asked)[:most]:
                return found
        found = await self._fused(user, asked, window)
        return (near_enough(found, asked, self._trust) if sure else found)[:most]

    async def _fused(self, user: str, asked: Wanted, window: tuple[float, float]) -> list[Recalled]:
        if not asked.text:
            return []
        vector = (await self._there_encoder().encode_texts([f"a photo of {asked.text}"]))[0]
        return await self._worker.call(lambda: self._search(user, asked, vector, window))

    async def latest(self, user: str, most: int, *, since: float | None = None, until: float | None = None) -> list[KeptView]:
        """The newest views first."""
        bounds = (_EVER[0] if since is None else since, _EVER[1] if until is None else until)
        return await self._worker.call(lambda: self._log.latest(user, most, since=bounds[0], until=bounds[1]))

    async def views(self, user: str, ids: Sequence[int]) -> list[KeptView]:
        """Those of these that are there."""
        return await self._worker.call(lambda: self._log.views(user, ids))

    async def picture(self, user: str, id: int) -> Picture | None:
        """The small picture that was kept of a view."""
        return await self._worker.call(lambda: self._log.picture(user, id))

    async def stats(self, user: str) -> dict[str, Any]:
        """Numbers, for people."""
        return await self._worker.call(lambda: {**self._log.count(user), "vectors": self._log.points(), "encoder": self._log.meta(MODEL)})

    # On the thread

    @property
    def _log(self) -> VisualLog:
        return _there(self._opened)

    @property
    def _index(self) -> FollowingIndex:
        return _there(self._following)

    def _put(self, entry: Entry) -> int:
        view = entry.view
        near = (view.seen_at - _PAUSE, view.seen_at + 1e-6)
        last = next((one for one in self._log.latest(view.user, 8, since=near[0], until=near[1]) if one.source == view.source), None)
        if last is not None and _same(last, self._log.vectors(last.id), entry):
            self._log.extend(last.id, view.seen_at)
            return last.id
        id = self._log.add(entry)
        self._index.follow(id)
        self._index.drop(self._expired())
        return id

    def _expired(self) -> list[int]:
        return self._log.expire(self._clock().timestamp() - self.limits.days * _DAY, self.limits.most)

    def _search(self, user: str, asked: Wanted, vector: NDArray[np.float32], window: tuple[float, float]) -> list[Recalled]:
        sparse = sparse_question(asked.terms)
        bounded = window != _EVER
        request = PoolRequest(
            *(Scope(user), vector, sparse.indices, sparse.weights, _POOL),
            windows=[(max(window[0], 0.0), window[1])] if bounded else (),
            most_within=_POOL if bounded else 0,
        )
        pool = self._index.pool(request)
        ids = sorted({view_of(point) for point in pool.seqs})
        views = [view for view in self._log.views(user, ids) if view.last_seen_at >= window[0] and view.seen_at < window[1]]
        near = {view.id: _near(vector, self._log.vectors(view.id)) for view in views}
        words: dict[int, float] = {}
        for point, score in pool.sparse.items():
            words[view_of(point)] = max(score, words.get(view_of(point), 0.0))
        return fused(views, asked, near, words, self._log.terms([view.id for view in views]))

    # Life

    def _there_encoder(self) -> ImageTextEncoder:
        if self._encoder is None:
            raise MemoryStoreError("Nothing is looked at here: what was seen is only shown and deleted.")
        return self._encoder

    async def open(self) -> None:
        """Raises `MemoryStoreError` where the log cannot be used. An index that is not as the log has it is built again."""
        model = ""
        if self._encoder is not None:
            self._dimensions = (await self._encoder.encode_texts(["a photo"])).shape[1]
            model = "{engine}: {model}".format(**self._encoder.details)
        await self._worker.call(lambda: self._open(model))

    def _open(self, model: str) -> None:
        self._opened = VisualLog(self._folder / "views.sqlite3")
        kept = self._log.meta(MODEL)
        if model and kept not in {None, model}:
            log.warning("what was seen is encoded by %s and no longer by %s: anew, as time permits", model, kept)
            self._log.forget_vectors()
        if model:
            self._log.set_meta(MODEL, model)
            self._log.set_meta(DIMENSIONS, str(self._dimensions))
        gone = self._expired()
        self._following = FollowingIndex(self._folder / "index", self._log, self._open_index)
        if self._encoder is not None:
            self._following.open()  # the index, which is behind where anything is gone, is built again
        elif gone:
            self._following.discard()

    async def aclose(self) -> None:
        """Safe to call twice."""

        def run() -> None:
            if self._following is not None:
                self._following.close()
            if self._opened is not None:
                self._opened.close()
                self._opened = None

        if self._opened is not None:
            await self._worker.call(run)
        await self._worker.aclose()


@asynccontextmanager
async def open_visual_memory(
    folder: Path,
    encoder: ImageTextEncoder | None,
    open_index: OpenIndex,
    pictures: Pictures,
    *,
    limits: Limits = Limits(),
    trust: Trust,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncGenerator[VisualMemory]:
    """What was seen, in `folder`, until the end of the block; what is too old is deleted when it opens.

    encoder: None where views are only to be shown and deleted. trust: when a likeness is
    one. Raises `MemoryStoreError`
    where another process has it open, or it cannot be used.
    """
    try:
        lock = await anyio.to_thread.run_sync(locked, folder)
    except Timeout as error:
        raise MemoryStoreError(
            f"What was seen, in {folder}, is open in another process.", "Close it first: perhaps `assistant serve`, or `assistant talk`."
        ) from error
    except OSError as error:
        raise MemoryStoreError(
            f"The folder {folder} of what was seen cannot be used: {error.strerror or error}.",
            "Check that it may be written, or name another with ASSISTANT_MEMORY__FOLDER.",
        ) from error
    try:
        memory = VisualMemory(folder, encoder, open_index, pictures, limits=limits, trust=trust, clock=clock)
        try:
            await memory.open()
            yield memory
        finally:
            with anyio.CancelScope(shield=True):
                await memory.aclose()
    finally:
        lock.release()


def _there(part: T | None) -> T:
    if part is None:
        raise MemoryStoreError("The memory of what was seen is closed.")
    return part


def _head(view: KeptView) -> tuple[int, str, str, float, float]:
    return view.id, view.user, view.source, view.seen_at, view.last_seen_at


def _terms(view: KeptView) -> tuple[str, ...]:
    """What it is found by: the names of what is in it, what was said of it, and what is written there."""
    names = [one.label for one in view.seen.sightings] + [one.label for one in view.seen.guesses[:1] if one.probability >= 0.5]
    writing = [line.text for line in view.seen.lines if line.probability >= LEGIBLE]
    return terms_of(" ".join([*names, view.caption, *writing]))


def _near(vector: NDArray[np.float32], parts: Sequence[Vectors]) -> Near:
    return Near(_likeness(vector, parts), _likeness(vector, parts[:1]))


def _likeness(vector: NDArray[np.float32], parts: Sequence[Vectors]) -> float:
    return max((float(vector @ part) for part in parts), default=-1.0)


def _same(last: KeptView, old: Sequence[Vectors], entry: Entry) -> bool:
    """Whether nothing of note has changed."""
    if not old or _placed(last) != _placed(entry.view) or entry.view.caption or entry.view.seen.lines != last.seen.lines:
        return False
    (_, whole), *parts = entry.parts
    return float(whole @ old[0]) >= _SAME and all(_likeness(part, old) >= _SAME_PARTS for _, part in parts)


def _placed(view: KeptView) -> list[str]:
    return sorted(f"{one.label}{place(one.box)}" for one in view.seen.sightings)
