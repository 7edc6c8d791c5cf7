"""Work for idle moments: done in order, stopped for others, ended by failure and by closing."""

import threading

import pytest

from multimodal_assistant.engines.onnx import StoppableRun
from multimodal_assistant.engines.tts.background import Background

PATIENCE = 10.0  # seconds until a thread that should have moved counts as stuck


class Steps:
    """Counts to `total`; a step waits for `go`, or until its run is stopped."""

    def __init__(self, total: int, *, open_gate: bool = True) -> None:
        self.total = total
        self.done = 0
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.inside = False
        if open_gate:
            self.go.set()

    def __call__(self, run: StoppableRun) -> bool:
        self.inside = True
        self.begun.release()
        try:
            while not self.go.wait(0.001):
                if run.options.terminate:
                    raise RuntimeError("stopped in the middle")
            self.done += 1
            return self.done < self.total
        finally:
            self.inside = False


def test_all_steps_are_done_once() -> None:
    steps = Steps(5)
    background = Background(steps, name="test")
    background.start()
    background.start()
    background.finish()
    assert (steps.done, background.failed) == (5, None)
    background.close()
    background.close()


def test_a_step_is_stopped_for_others_and_done_later() -> None:
    steps = Steps(2, open_gate=False)
    background = Background(steps, name="test")
    background.start()
    assert steps.begun.acquire(timeout=PATIENCE)
    with background.held_off():
        assert not steps.inside
        steps.go.set()
        assert steps.done == 0
    background.finish()
    assert (steps.done, background.failed) == (2, None)


def test_it_waits_for_the_last_of_several() -> None:
    steps = Steps(1)
    background = Background(steps, name="test")
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with background.held_off():
            entered.set()
            leave.wait(PATIENCE)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(PATIENCE)
    background.start()
    assert not steps.begun.acquire(timeout=0.05)
    leave.set()
    thread.join()
    background.finish()
    assert steps.done == 1


def test_a_failure_ends_the_work_and_can_be_asked_for() -> None:
    def step(run: StoppableRun) -> bool:
        raise ValueError("no room")

    background = Background(step, name="test")
    background.start()
    background.finish()
    assert isinstance(background.failed, ValueError)
    with background.held_off():
        pass


def test_closing_stops_the_step_and_waits() -> None:
    steps = Steps(2, open_gate=False)
    background = Background(steps, name="test")
    background.start()
    assert steps.begun.acquire(timeout=PATIENCE)
    background.close()
    assert (steps.inside, steps.done, background.failed) == (False, 0, None)
    background.start()
    assert not steps.begun.acquire(timeout=0.05)


@pytest.mark.parametrize("end", ["finish", "close"])
def test_what_never_began_needs_no_end(end: str) -> None:
    background = Background(Steps(1), name="test")
    getattr(background, end)()
    with background.held_off():
        pass
