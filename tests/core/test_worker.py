"""The worker thread: order, cancellation, and how far a producer may run ahead."""

import os
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest
from anyio import wait_all_tasks_blocked
from anyio.to_thread import run_sync
from blockbuster import BlockingError

from multimodal_assistant.core.timing import Stopwatch
from multimodal_assistant.core.worker import Emit, Worker, workers

pytestmark = pytest.mark.anyio

PATIENCE = 10
"""Seconds after which something that should have happened on a thread never will."""


class Gate:
    """Where a thread waits until the test lets it through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self.passed = False

    def wait(self) -> None:
        """From the thread."""
        self.reached.set()
        assert self._open.wait(PATIENCE)
        self.passed = True

    def open(self) -> None:
        self._open.set()


async def happens(event: threading.Event) -> None:
    assert await run_sync(event.wait, PATIENCE)


@asynccontextmanager
async def running() -> AsyncGenerator[Worker]:
    worker = Worker("test")
    try:
        yield worker
    finally:
        await worker.aclose()


async def test_a_blocking_call_on_the_loop_fails_a_test() -> None:
    with pytest.raises(BlockingError):
        Stopwatch(clock=lambda: os.stat(os.curdir).st_mtime)


async def test_calls_run_in_order_one_at_a_time_on_one_thread() -> None:
    gate, order, threads = Gate(), list[int](), set[int]()

    def work(number: int) -> int:
        if number == 0:
            gate.wait()
        order.append(number)
        threads.add(threading.get_ident())
        return number * number

    results: dict[int, int] = {}

    async def ask(number: int) -> None:
        results[number] = await worker.call(lambda: work(number))

    async with running() as worker:
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(ask, number)
            await happens(gate.reached)
            await wait_all_tasks_blocked()
            assert order == []  # the first has not finished, so no other has begun
            gate.open()
    assert order == list(range(20))
    assert results == {number: number * number for number in range(20)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


async def test_an_exception_comes_back_and_the_worker_goes_on() -> None:
    failure = ValueError("no")

    def fail() -> None:
        raise failure

    async with running() as worker:
        with pytest.raises(ValueError, match="no") as caught:
            await worker.call(fail)
        assert caught.value is failure
        assert await worker.call(lambda: "next") == "next"


async def test_a_cancelled_call_that_has_not_begun_is_dropped() -> None:
    gate, begun, told = Gate(), list[str](), list[str]()
    scope = anyio.CancelScope()
    left = anyio.Event()

    async def second() -> None:
        with scope:
            await worker.call(lambda: begun.append("second"), on_cancel=lambda: told.append("second"))
        left.set()

    async with running() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(worker.call, gate.wait)
        await happens(gate.reached)
        tasks.start_soon(second)
        await wait_all_tasks_blocked()
        scope.cancel()
        await left.wait()
        assert not gate.passed  # it did not wait for the one before it
        gate.open()
        assert await worker.call(lambda: list(begun)) == []
    assert told == []
    assert scope.cancelled_caught


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_call_that_runs_is_told_and_waited_for(fails: bool) -> None:
    gate, told = Gate(), list[str]()
    scope = anyio.CancelScope()
    left = anyio.Event()

    def work() -> None:
        gate.wait()
        if fails:
            raise ValueError("cut short")

    async def ask() -> None:
        with scope:
            await worker.call(work, on_cancel=lambda: told.append("stop"))
        assert gate.passed
        left.set()

    async with running() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await happens(gate.reached)
        scope.cancel()
        await wait_all_tasks_blocked()
        assert told == ["stop"]
        assert not left.is_set()
        gate.open()
        await left.wait()
        assert await worker.call(lambda: "next") == "next"
    assert scope.cancelled_caught


async def test_a_stream_gives_all_items_in_order() -> None:
    def produce(emit: Emit[int]) -> None:
        for number in range(500):
            assert emit(number)

    async with running() as worker, aclosing(worker.stream(produce)) as items:
        assert [item async for item in items] == list(range(500))


async def test_an_empty_stream_ends() -> None:
    def produce(emit: Emit[int]) -> None:
        pass

    async with running() as worker, aclosing(worker.stream(produce)) as items:
        assert [item async for item in items] == []


async def test_the_end_of_a_stream_never_blocks_the_loop() -> None:
    """The guard against blocking calls is on: many short streams, so that the thread is often caught before its last step."""

    def produce(emit: Emit[int]) -> None:
        emit(1)

    async with running() as worker:
        for _ in range(300):
            async with aclosing(worker.stream(produce)) as items:
                assert [item async for item in items] == [1]


async def test_an_exception_in_a_stream_comes_after_the_items_before_it() -> None:
    failure = ValueError("no")

    def produce(emit: Emit[int]) -> None:
        emit(1)
        emit(2)
        raise failure

    seen: list[int] = []

    async def consume() -> None:
        async with aclosing(worker.stream(produce)) as items:
            async for item in items:
                seen.append(item)  # noqa: PERF401

    async with running() as worker:
        with pytest.raises(ValueError, match="no") as caught:
            await consume()
        assert await worker.call(lambda: "next") == "next"
    assert seen == [1, 2]
    assert caught.value is failure


async def test_leaving_a_stream_early_ends_its_thread_work_before_it_returns() -> None:
    told: list[str] = []
    answers: list[bool] = []
    ended = threading.Event()

    def produce(emit: Emit[int]) -> None:
        number = 0
        while emit(number):
            number += 1
        answers.append(False)
        ended.set()

    async with running() as worker:
        async with aclosing(worker.stream(produce, ahead=3, on_cancel=lambda: told.append("stop"))) as items:
            async for item in items:
                if item == 1:
                    break
        assert ended.is_set()
        assert answers == [False]
        assert told == ["stop"]
        assert await worker.call(lambda: "next") == "next"


async def test_emit_says_false_as_often_as_it_is_asked_after_the_consumer_left() -> None:
    """A backend that emits its totals after it was told to stop must not wait for a reader that is gone."""
    full = threading.Event()
    answers: list[bool] = []

    def produce(emit: Emit[int]) -> None:
        emit(1)
        emit(2)
        full.set()
        rest = threading.Thread(target=lambda: answers.extend(emit(number) for number in range(3, 6)), daemon=True)
        rest.start()
        rest.join(2)  # a call that waits for ever fails this test and holds up no other

    async with running() as worker:
        async with aclosing(worker.stream(produce, ahead=1)) as items:
            assert await anext(items) == 1
            await happens(full)
    assert answers == [False, False, False]


@pytest.mark.parametrize("ahead", [1, 2, 5])
async def test_a_producer_never_runs_more_than_ahead_items_ahead(ahead: int) -> None:
    emitted: list[int] = []
    entered = threading.Semaphore(0)

    def produce(emit: Emit[int]) -> None:
        for number in range(20):
            entered.release()
            if not emit(number):
                return
            emitted.append(number)

    def as_far_as_it_goes(target: int) -> bool:
        """Wait until item number `target` has been tried."""
        while target >= 0:
            if not entered.acquire(timeout=PATIENCE):
                return False
            target -= 1
        return True

    async with running() as worker, aclosing(worker.stream(produce, ahead=ahead)) as items:
        read = 0
        async for item in items:
            assert item == read
            read += 1
            # It may now have tried one item more than may wait; give it the time to go wrong.
            if read == 1:
                assert await run_sync(as_far_as_it_goes, min(ahead + 1, 19))
            elif read + ahead < 20:
                assert await run_sync(as_far_as_it_goes, 0)
            await wait_all_tasks_blocked()
            assert len(emitted) <= read + ahead
    assert emitted == list(range(20))


async def test_a_consumer_that_stops_reading_pauses_the_producer() -> None:
    tried = threading.Semaphore(0)
    tries: list[int] = []

    def produce(emit: Emit[int]) -> None:
        for number in range(10):
            tries.append(number)
            tried.release()
            if not emit(number):
                return

    async with running() as worker:
        async with aclosing(worker.stream(produce, ahead=2)) as items:
            assert await anext(items) == 0
            for _ in range(4):  # 0 is read, 1 and 2 wait, 3 stands at the door
                assert await run_sync(lambda: tried.acquire(timeout=PATIENCE))
            await wait_all_tasks_blocked()
        assert tries == [0, 1, 2, 3]


async def test_a_consumer_cancelled_while_it_waits_leaves_nothing_running() -> None:
    gate = Gate()
    answers: list[bool] = []
    seen: list[int] = []
    scope = anyio.CancelScope()
    left = anyio.Event()

    def produce(emit: Emit[int]) -> None:
        emit(1)
        gate.wait()
        answers.append(emit(2))

    async def consume() -> None:
        with scope:
            async with aclosing(worker.stream(produce, on_cancel=gate.open)) as items:
                async for item in items:
                    seen.append(item)  # noqa: PERF401
        assert answers == [False]
        left.set()

    async with running() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(consume)
        await happens(gate.reached)
        await wait_all_tasks_blocked()
        scope.cancel()
        await left.wait()
    assert seen == [1]
    assert scope.cancelled_caught


async def test_a_stream_cancelled_in_the_queue_is_never_produced() -> None:
    gate, begun = Gate(), list[str]()
    scope = anyio.CancelScope()

    def produce(emit: Emit[int]) -> None:
        begun.append("begun")

    async def consume() -> None:
        with scope:
            async with aclosing(worker.stream(produce)) as items:
                async for _ in items:
                    pass

    async with running() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(worker.call, gate.wait)
        await happens(gate.reached)
        tasks.start_soon(consume)
        await wait_all_tasks_blocked()
        scope.cancel()
        await wait_all_tasks_blocked()
        gate.open()
    assert begun == []
    assert scope.cancelled_caught


async def test_on_cancel_is_not_called_when_all_went_well() -> None:
    told: list[str] = []

    def produce(emit: Emit[int]) -> None:
        emit(1)

    async with running() as worker:
        assert await worker.call(lambda: 1, on_cancel=lambda: told.append("call")) == 1
        async with aclosing(worker.stream(produce, on_cancel=lambda: told.append("stream"))) as items:
            assert [item async for item in items] == [1]
    assert told == []


async def test_closing_waits_for_the_running_call_and_may_be_repeated() -> None:
    gate, closed = Gate(), anyio.Event()
    worker = Worker("test")

    async def close() -> None:
        await worker.aclose()
        assert gate.passed
        closed.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.call, gate.wait)
        await happens(gate.reached)
        tasks.start_soon(close)
        await wait_all_tasks_blocked()
        assert not closed.is_set()
        gate.open()
    await worker.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test")]


async def test_closing_a_worker_that_never_worked_starts_no_thread() -> None:
    worker = Worker("idle")
    await worker.aclose()
    await worker.aclose()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("idle")]


async def test_what_runs_and_what_waits_is_counted() -> None:
    gate = Gate()
    worker = Worker("counted")
    assert worker in workers()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.call, gate.wait)
        tasks.start_soon(worker.call, int)
        await happens(gate.reached)
        assert worker.waiting == 2
        gate.open()
    await wait_all_tasks_blocked()
    assert worker.waiting == 0
    await worker.aclose()
