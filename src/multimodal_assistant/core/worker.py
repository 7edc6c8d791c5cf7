"""One thread for one model: the only place where blocking inference leaves the event loop."""

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")

Emit = Callable[[T], bool]
"""Hands an item to the consumer; False means that nobody listens any more: stop now."""

AHEAD = 64
"""Items a producer may run ahead of its consumer unless told otherwise."""


class Worker:
    """A thread of its own for one engine, so that a model is never entered twice at once.

    Calls queue up in order. A cancelled caller waits until the thread has really finished, so that nothing of an
    interrupted reply is still running when the cancel returns; `on_cancel` may cut that wait short.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting = 0
        """Calls that are running or wait for their turn."""
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        _workers.add(self)

    def _submit(self, function: Callable[[], T]) -> "Future[T]":
        loop = asyncio.get_running_loop()
        self.waiting += 1

        def over(_: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and whoever counts with it
                loop.call_soon_threadsafe(self._less)

        future = self._executor.submit(function)
        future.add_done_callback(over)
        return future

    def _less(self) -> None:
        self.waiting -= 1

    async def call(self, function: Callable[[], T], *, on_cancel: Callable[[], None] | None = None) -> T:
        """Run `function` on the thread and return its result.

        Cancelled while it waits: a call that has not begun is dropped; one that runs is told through `on_cancel`
        and waited for, and its result is lost.
        """
        future = self._submit(function)
        result = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            if not future.cancel():
                if on_cancel is not None:
                    on_cancel()
                await _finished(result)
            raise

    async def stream(
        self, produce: Callable[[Emit[T]], None], *, ahead: int = AHEAD, on_cancel: Callable[[], None] | None = None
    ) -> AsyncGenerator[T]:
        """Run `produce` on the thread and yield what it emits, in order, as it comes.

        At most `ahead` items wait to be read: past that the producer blocks. Leaving early (close the generator) makes `emit` return
        False, calls `on_cancel`, and waits for `produce` to return. An exception in `produce` is raised here after the items before it.
        """
        mailbox = _Mailbox[T](asyncio.get_running_loop(), ahead)

        def run() -> None:
            try:
                produce(mailbox.put)
            finally:
                mailbox.close()

        future = self._submit(run)
        try:
            while True:
                await mailbox.ready()
                for item in mailbox.take():
                    yield item
                if mailbox.exhausted:
                    break
            await asyncio.wrap_future(future)
        finally:
            mailbox.abandon()
            if not future.cancel():
                if on_cancel is not None and not future.done():
                    on_cancel()
                await _finished(asyncio.wrap_future(future))

    async def aclose(self) -> None:
        """Wait for the running call and end the thread. Safe to call twice."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._executor.shutdown)


_workers: "weakref.WeakSet[Worker]" = weakref.WeakSet()


def workers() -> list[Worker]:
    """All there are in this process."""
    return list(_workers)


async def _finished(result: "asyncio.Future[T]") -> None:
    """Wait for `result` whatever happens to the waiting task; its outcome is of no interest any more."""
    with anyio.CancelScope(shield=True), contextlib.suppress(Exception):
        await result


class _Mailbox(Generic[T]):
    """A bounded hand-over from one thread to one task."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ahead: int) -> None:
        self._loop = loop
        self._items: deque[T] = deque()
        self._event = asyncio.Event()
        self._space = threading.Semaphore(ahead)
        self._abandoned = False
        self._closed = False

    def put(self, item: T) -> bool:
        """From the thread: append `item`, waiting for room; False once the reader has left."""
        self._space.acquire()
        if self._abandoned:
            self._space.release()  # for the next call: a backend may emit more before it stops
            return False
        self._items.append(item)
        self._wake()
        return True

    def close(self) -> None:
        """From the thread: nothing more comes."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone: so is the reader
            self._loop.call_soon_threadsafe(self._event.set)

    async def ready(self) -> None:
        """Wait until there is something to take, or the end. A cancelled wait loses nothing."""
        await self._event.wait()
        self._event.clear()

    def take(self) -> Iterator[T]:
        """Everything that has arrived, in order; each item makes room for another as it is read."""
        while self._items:
            item = self._items.popleft()
            self._space.release()
            yield item

    @property
    def exhausted(self) -> bool:
        return self._closed and not self._items

    def abandon(self) -> None:
        """The reader has left: let a waiting producer through, and say False from now on."""
        self._abandoned = True
        self._space.release()
