"""One thread for one model: the only place where blocking inference leaves the event loop."""

import asyncio
import atexit
import contextlib
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import anyio

from .errors import EngineFailed

log = logging.getLogger(__name__)
T = TypeVar("T")

Emit = Callable[[T], bool]
"""Hands an item to the consumer; False means that nobody listens any more: stop now."""

AHEAD = 64
"""Items a producer may run ahead of its consumer unless told otherwise."""

PATIENCE = 10.0
"""Seconds that a cancelled call may go on running before its thread is given up."""


class Worker:
    """A thread of its own for one engine, so that a model is never entered twice at once.

    Calls queue up in order. A cancelled caller waits until the thread has really finished, so that nothing of an
    interrupted reply is still running when the cancel returns; `on_cancel` may cut that wait short.

    A call that has not ended `patience` seconds after its cancel hangs in native code, which nothing can end. Its thread is left
    behind, with whatever it holds, and what waits runs on a new one: only then may a model be entered while an earlier call is in it.
    A call that nobody cancelled may take as long as it likes. patience: None where a second call beside a first would do harm: a cancelled
    caller waits as long as it takes.
    """

    def __init__(self, name: str, *, patience: float | None = PATIENCE) -> None:
        self.name = name
        self.waiting = 0
        """Calls that are running or wait for their turn."""
        self._patience = patience
        self._line = _Line(name, patience)
        # A worker that is forgotten ends its thread all the same: the thread holds the line, never the worker.
        weakref.finalize(self, self._line.close).atexit = False
        _workers.add(self)

    @property
    def given_up(self) -> int:
        """Threads that were left behind in a call that did not end."""
        return self._line.given_up

    def _submit(self, function: Callable[[], T]) -> "_Call[T]":
        loop = asyncio.get_running_loop()
        call = _Call(function)
        self._line.add(call)
        self.waiting += 1

        def over(_: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and whoever counts with it
                loop.call_soon_threadsafe(self._less)

        call.future.add_done_callback(over)
        return call

    def _less(self) -> None:
        self.waiting -= 1

    async def call(self, function: Callable[[], T], *, on_cancel: Callable[[], None] | None = None) -> T:
        """Run `function` on the thread and return its result.

        Cancelled while it waits: a call that has not begun is dropped; one that runs is told through `on_cancel`
        and waited for, `patience` seconds at most, and its result is lost.
        """
        call = self._submit(function)
        result = asyncio.wrap_future(call.future)
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            if not call.future.cancel():
                if on_cancel is not None:
                    on_cancel()
                await self._finished(call, result)
            raise

    async def stream(
        self, produce: Callable[[Emit[T]], None], *, ahead: int = AHEAD, on_cancel: Callable[[], None] | None = None
    ) -> AsyncGenerator[T]:
        """Run `produce` on the thread and yield what it emits, in order, as it comes.

        At most `ahead` items wait to be read: past that the producer blocks. Leaving early (close the generator) makes `emit` return
        False, calls `on_cancel`, and waits for `produce` to return, `patience` seconds at most. An exception in `produce` is raised here
        after the items before it.
        """
        mailbox = _Mailbox[T](asyncio.get_running_loop(), ahead)

        def run() -> None:
            try:
                produce(mailbox.put)
            finally:
                mailbox.close()

        call = self._submit(run)
        try:
            while True:
                await mailbox.ready()
                for item in mailbox.take():
                    yield item
                if mailbox.exhausted:
                    break
            await asyncio.wrap_future(call.future)
        finally:
            mailbox.abandon()
            if not call.future.cancel():
                if on_cancel is not None and not call.future.done():
                    on_cancel()
                await self._finished(call, asyncio.wrap_future(call.future))

    async def _finished(self, call: "_Call[T]", result: "asyncio.Future[T]") -> None:
        """Wait for the end of a cancelled call, whatever happens to the waiting task, or give it up; its outcome is of no interest."""
        with anyio.CancelScope(shield=True), contextlib.suppress(Exception):
            done, _ = await asyncio.wait([result], timeout=self._patience)
            if not done and self._line.give_up(call):
                log.warning("%s: a call that was cancelled has not ended in %g s: its thread is left behind", self.name, self._patience)
            await result

    async def aclose(self) -> None:
        """Wait for the running call and end the thread; one that was given up is not waited for. Safe to call twice."""
        self._line.close()
        with anyio.CancelScope(shield=True):
            thread = self._line.thread
            if thread is not None:
                await asyncio.wrap_future(thread.over)
                if not thread.given_up:
                    await anyio.to_thread.run_sync(thread.join)  # it has said its last word: this takes no time


_workers: "weakref.WeakSet[Worker]" = weakref.WeakSet()


def workers() -> list[Worker]:
    """All there are in this process."""
    return list(_workers)


class _Call(Generic[T]):
    """What is to run, and what came of it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self.function = function
        self.future: Future[T] = Future()


class _Thread(threading.Thread):
    """It keeps no process from ending: one that hangs could not be ended otherwise."""

    def __init__(self, name: str, serve: "Callable[[_Thread], None]") -> None:
        super().__init__(name=name, daemon=True)
        self._serve = serve
        self.over: Future[None] = Future()
        """Done when it ends, or is given up."""
        self.over.set_running_or_notify_cancel()  # whoever waits for it and is cancelled does not cancel it
        self.given_up = False

    def run(self) -> None:
        self._serve(self)


class _Line:
    """What waits for its turn, and the one thread that serves it; the thread begins with the first call."""

    def __init__(self, name: str, patience: float | None) -> None:
        self.patience = patience
        self.thread: _Thread | None = None
        self.given_up = 0
        self._name = name
        self._threads = 0
        self._calls: deque[_Call[Any]] = deque()
        self._running: _Call[Any] | None = None
        self._closed = False
        self._changed = threading.Condition()
        """Held for a few steps at a time, never while a call runs: the event loop takes it too. A lock of the same thread may be taken
        again, because the collector of garbage may call `close` in the middle of anything."""
        _lines.add(self)

    def add(self, call: _Call[Any]) -> None:
        with self._changed:
            if self._closed:
                raise RuntimeError(f"The worker {self._name} is closed.")
            self._man()
            self._calls.append(call)
            self._changed.notify()

    def give_up(self, call: _Call[Any]) -> bool:
        """Leave the thread behind that is in this call, and end the call; False where it has ended by itself."""
        with self._changed:
            thread = self.thread
            if self._running is not call or thread is None:
                return False
            thread.given_up = True
            self._running = self.thread = None
            self.given_up += 1
        thread.over.set_result(None)
        call.future.set_exception(EngineFailed(f"A call of {self._name} did not end and was given up."))
        with self._changed:
            if self._calls:
                self._man()
        return True

    def close(self) -> None:
        """What waits is dropped; the thread ends after the call it is in."""
        with self._changed:
            self._closed = True
            dropped = list(self._calls)
            self._calls.clear()
            self._changed.notify()
        for call in dropped:
            call.future.cancel()

    def _man(self) -> None:
        """With the lock held: see that there is a thread."""
        if self.thread is None:
            thread = _Thread(f"{self._name}_{self._threads}", self._serve)
            thread.start()
            self._threads += 1
            self.thread = thread

    def _serve(self, thread: _Thread) -> None:
        """On the thread: one call after another, until the line is closed or the thread was given up."""
        while (call := self._next(thread)) is not None:
            self._run(call)
            del call  # nothing of it is kept while the thread waits
        if not thread.given_up:
            thread.over.set_result(None)

    def _run(self, call: _Call[Any]) -> None:
        """What comes of a call that was given up meanwhile is dropped."""
        try:
            result = call.function()
        except BaseException as error:  # it is the caller's, whatever it is
            if self._ended(call):
                call.future.set_exception(error)
        else:
            if self._ended(call):
                call.future.set_result(result)
        finally:
            del call  # the error holds this frame, and the call the error

    def _next(self, thread: _Thread) -> _Call[Any] | None:
        with self._changed:
            while self.thread is thread:
                while self._calls:
                    call = self._calls.popleft()
                    if call.future.set_running_or_notify_cancel():
                        self._running = call
                        return call
                if self._closed:
                    break
                self._changed.wait()
        return None

    def _ended(self, call: _Call[Any]) -> bool:
        """Whether somebody waits for what came of it: of a call that was given up nobody does."""
        with self._changed:
            wanted = self._running is call
            if wanted:
                self._running = None
        return wanted


_lines: "weakref.WeakSet[_Line]" = weakref.WeakSet()


@atexit.register
def _leave() -> None:
    """When the process ends, native code is not torn from under a call that runs, unless that call hangs."""
    begun = time.monotonic()
    lines = list(_lines)
    for line in lines:
        line.close()
    for line in lines:
        if line.thread is not None:
            line.thread.join(None if line.patience is None else max(0.0, line.patience - (time.monotonic() - begun)))


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
