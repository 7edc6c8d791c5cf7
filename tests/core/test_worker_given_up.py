"""A call that hangs in native code: it is given up some time after its cancel, and holds up nothing that comes after it."""

import logging
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest
from anyio import wait_all_tasks_blocked
from anyio.to_thread import run_sync

from leaks import nothing_left
from multimodal_assistant.core.worker import Emit, Worker, workers

pytestmark = pytest.mark.anyio

PATIENCE = 10
"""Seconds after which something that should have happened on a thread never will."""
SOON = 0.02
"""Seconds that a cancelled call gets here."""


class Hang:
    """Native code that does not come back before the test is over."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self) -> str:
        """From the thread."""
        self.threads.append(threading.current_thread())
        self.reached.set()
        assert self.released.wait(PATIENCE)
        return "late"

    async def begun(self) -> None:
        assert await run_sync(self.reached.wait, PATIENCE)

    def end(self) -> None:
        """And wait until its threads are gone."""
        self.released.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def hang() -> Generator[Hang]:
    hang = Hang()
    yield hang
    hang.end()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test")]


@asynccontextmanager
async def running(patience: float | None = SOON) -> AsyncGenerator[Worker]:
    worker = Worker("test", patience=patience)
    try:
        yield worker
    finally:
        await worker.aclose()


async def cancelled(worker: Worker, hang: Hang) -> None:
    """A call that hangs, cancelled and given up."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.call, hang)
        await hang.begun()
        tasks.cancel_scope.cancel()


async def test_a_call_that_hangs_is_given_up_with_one_warning_and_the_next_is_served(hang: Hang, caplog: pytest.LogCaptureFixture) -> None:
    async with nothing_left(), running() as worker:
        await cancelled(worker, hang)
        assert (worker.given_up, worker.waiting) == (1, 0)
        assert await worker.call(threading.current_thread) not in hang.threads
        assert worker.waiting == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["test: a call that was cancelled has not ended in 0.02 s: its thread is left behind"]


async def test_what_waited_behind_it_runs_on_the_new_thread_in_order(hang: Hang) -> None:
    order: list[int] = []
    threads: set[threading.Thread] = set()
    scope = anyio.CancelScope()

    async def first() -> None:
        with scope:
            await worker.call(hang)

    def work(number: int) -> None:
        order.append(number)
        threads.add(threading.current_thread())

    async with running() as worker:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await hang.begun()
            for number in range(10):
                tasks.start_soon(worker.call, lambda number=number: work(number))
            await wait_all_tasks_blocked()
            assert worker.waiting == 11
            scope.cancel()
        await wait_all_tasks_blocked()
        assert worker.waiting == 0
    assert order == list(range(10))
    assert len(threads) == 1
    assert threads.isdisjoint(hang.threads)


@pytest.mark.parametrize("fails", [False, True])
async def test_what_comes_late_of_it_harms_nobody(fails: bool, hang: Hang, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def work() -> str:
        hang()
        if fails:
            raise ValueError("late")
        return "late"

    async with nothing_left(), running() as worker:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: worker.call(work, on_cancel=lambda: told.append("stop")))
            await hang.begun()
            tasks.cancel_scope.cancel()
        between = await worker.call(lambda: "between")
        await run_sync(hang.end)  # it comes back now, while another thread serves
        assert (between, await worker.call(lambda: "after")) == ("between", "after")
        assert (worker.waiting, worker.given_up, told) == (0, 1, ["stop"])
    assert len(caplog.records) == 1


async def test_a_stream_that_hangs_is_given_up_and_its_emit_says_no(hang: Hang) -> None:
    answers: list[bool] = []

    def produce(emit: Emit[int]) -> None:
        emit(1)
        hang()
        answers.extend(emit(number) for number in range(3))

    async with nothing_left(), running() as worker:
        async with aclosing(worker.stream(produce, ahead=1)) as items:
            assert await anext(items) == 1
            await hang.begun()
        assert worker.given_up == 1

        def again(emit: Emit[int]) -> None:
            for number in range(5):
                assert emit(number)

        async with aclosing(worker.stream(again, ahead=2)) as items:
            assert [item async for item in items] == list(range(5))
        await run_sync(hang.end)
        assert answers == [False, False, False]


async def test_every_call_that_hangs_is_counted(hang: Hang) -> None:
    async with running() as worker:
        for number in range(3):
            hang.reached.clear()
            await cancelled(worker, hang)
            assert worker.given_up == number + 1
    assert len(set(hang.threads)) == 3


async def test_a_call_that_nobody_cancelled_may_take_as_long_as_it_likes(hang: Hang) -> None:
    """Nor does the cancel of another that waits behind it end it."""
    results: list[str] = []
    behind = anyio.CancelScope()

    async def ask() -> None:
        results.append(await worker.call(hang))

    async def wait() -> None:
        with behind:
            await worker.call(lambda: "never")

    async with running(patience=0.0) as worker:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await hang.begun()
            tasks.start_soon(wait)
            await wait_all_tasks_blocked()
            behind.cancel()
            await wait_all_tasks_blocked()
            hang.released.set()
        assert worker.given_up == 0
    assert results == ["late"]


async def test_without_a_limit_a_cancelled_call_is_waited_for(hang: Hang) -> None:
    left = anyio.Event()
    scope = anyio.CancelScope()

    async def ask() -> None:
        with scope:
            await worker.call(hang)
        left.set()

    async with running(patience=None) as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await hang.begun()
        scope.cancel()
        await wait_all_tasks_blocked()
        assert not left.is_set()
        hang.released.set()
        await left.wait()
        assert worker.given_up == 0


async def test_closing_does_not_wait_for_what_was_given_up(hang: Hang) -> None:
    worker = Worker("test", patience=SOON)
    await cancelled(worker, hang)
    with anyio.fail_after(PATIENCE):
        await worker.aclose()
        await worker.aclose()
    assert hang.threads[0].is_alive()


async def test_closing_while_it_hangs_ends_when_it_is_given_up(hang: Hang) -> None:
    worker = Worker("test", patience=SOON)
    closed = anyio.Event()
    scope = anyio.CancelScope()

    async def ask() -> None:
        with scope:
            await worker.call(hang)

    async def close() -> None:
        await worker.aclose()
        closed.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await hang.begun()
        tasks.start_soon(close)
        await wait_all_tasks_blocked()
        assert not closed.is_set()
        scope.cancel()
        with anyio.fail_after(PATIENCE):
            await closed.wait()
    with pytest.raises(RuntimeError, match="closed"):
        await worker.call(int)


async def test_a_worker_that_is_forgotten_ends_its_thread() -> None:
    worker = Worker("test")
    thread = await worker.call(threading.current_thread)
    await wait_all_tasks_blocked()
    assert worker in workers()
    del worker
    assert await run_sync(lambda: thread.join(PATIENCE) or not thread.is_alive())


_ENDS = """
import asyncio, atexit, sys, threading
import anyio
from multimodal_assistant.core.worker import Worker

worker = Worker("engine", patience=float(sys.argv[2]))
begun, go = threading.Event(), threading.Event()
calls = []

def work():
    begun.set()
    go.wait()
    print("whole", flush=True)

async def cancelled():
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.call, work)
        await anyio.to_thread.run_sync(begun.wait)
        tasks.cancel_scope.cancel()

async def left():
    calls.append(worker.call(work))
    calls[0].send(None)
    begun.wait()

loop = asyncio.new_event_loop()
loop.run_until_complete(cancelled() if sys.argv[1] == "cancelled" else left())
if sys.argv[1] == "ends":
    atexit.register(go.set)
print(worker.given_up, flush=True)
"""
"""A call on a thread that hangs until the process is over, or ends while the process does."""


@pytest.mark.parametrize(
    ("how", "patience", "told"),
    [("cancelled", 0.05, b"1\n"), ("left", 0.05, b"0\n"), ("ends", 60.0, b"0\nwhole\n")],
    ids=["given up", "nobody cancelled it", "it would end in a moment"],
)
async def test_a_process_ends_although_a_thread_hangs_and_waits_for_one_that_does_not(how: str, patience: float, told: bytes) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _ENDS, how, str(patience)]
    with anyio.fail_after(3 * PATIENCE):
        done = await anyio.run_process(command, check=False)
    assert (done.returncode, done.stdout) == (0, told), done.stderr
