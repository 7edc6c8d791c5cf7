"""The device's thread and the event loop meet: nothing is waited for, nothing is reordered, and what is missing is counted."""

import threading

import numpy as np

from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports.handover import Handover, Troubles

BLOCK = 480


def ramp(start: int, count: int = BLOCK) -> Samples:
    return np.arange(start, start + count, dtype=np.float32)


class Meeting:
    """A handover with what it counts."""

    def __init__(self) -> None:
        self.troubles = Troubles()
        self.woken = 0
        self.handover = Handover(self._wake, self.troubles)

    def _wake(self) -> None:
        self.woken += 1

    def exchange(self, heard: Samples | None = None, *, broken: bool = False) -> Samples:
        return self.handover.exchange(np.zeros(BLOCK, np.float32) if heard is None else heard, broken)


def test_what_is_heard_is_paired_with_what_is_played_meanwhile() -> None:
    meeting = Meeting()
    meeting.handover.feed(ramp(0, 700))
    meeting.handover.feed(ramp(700, 700))
    for index in range(2):
        np.testing.assert_array_equal(meeting.exchange(ramp(-index)), ramp(index * BLOCK))
    for index in range(2):
        taken = meeting.handover.take()
        assert taken is not None
        passed, lost = taken
        np.testing.assert_array_equal(passed.heard, ramp(-index))
        np.testing.assert_array_equal(passed.played, ramp(index * BLOCK))
        assert (passed.start, lost) == (index * BLOCK, 0)
    assert meeting.handover.take() is None
    assert meeting.woken == 2


def test_it_knows_how_far_ahead_it_is() -> None:
    meeting = Meeting()
    meeting.handover.feed(ramp(0, 1000))
    assert meeting.handover.ahead == 1000
    meeting.exchange()
    assert meeting.handover.ahead == 520


def test_what_is_missing_is_silence_and_counted() -> None:
    meeting = Meeting()
    assert not meeting.exchange().any()
    assert meeting.troubles.starved == 0  # nothing was to be played yet
    meeting.handover.feed(ramp(1, 300))
    played = meeting.exchange()
    np.testing.assert_array_equal(played[:300], ramp(1, 300))
    assert not played[300:].any()
    assert (meeting.troubles.starved, meeting.handover.ahead) == (1, 0)
    meeting.exchange()
    assert meeting.troubles.starved == 1  # it is silent already
    meeting.handover.feed(ramp(1, 300))
    meeting.handover.leave()
    meeting.exchange()
    assert meeting.troubles.starved == 1


def test_the_device_own_troubles_are_counted() -> None:
    meeting = Meeting()
    meeting.exchange(broken=True)
    assert meeting.troubles.device == 1


def test_a_loop_that_is_late_for_seconds_loses_the_oldest_and_knows_how_much() -> None:
    meeting = Meeting()
    for index in range(250):
        meeting.exchange(ramp(index))
    taken = meeting.handover.take()
    assert taken is not None
    passed, lost = taken
    assert lost == passed.start == 50 * BLOCK
    np.testing.assert_array_equal(passed.heard, ramp(50))
    assert meeting.troubles.lost == 50
    following = meeting.handover.take()
    assert following is not None
    assert following[1] == 0


def test_what_came_before_anybody_listened_is_no_loss() -> None:
    meeting = Meeting()
    meeting.exchange()
    meeting.handover.forget()
    assert not meeting.handover.pending
    meeting.exchange(ramp(7))
    taken = meeting.handover.take()
    assert taken is not None
    assert taken[1] == meeting.troubles.lost == 0


def test_two_threads_at_once_lose_and_reorder_nothing() -> None:
    meeting = Meeting()
    blocks = 3000
    played: list[Samples] = []
    fed = threading.Event()

    def device() -> None:
        fed.wait(10)
        played.extend(meeting.exchange(ramp(index * BLOCK)) for index in range(blocks))

    thread = threading.Thread(target=device)
    thread.start()
    for index in range(blocks):
        meeting.handover.feed(ramp(index * BLOCK))
        if index == 100:
            fed.set()
    heard: list[Samples] = []
    while thread.is_alive() or meeting.handover.pending:
        taken = meeting.handover.take()
        if taken is not None:
            passed, lost = taken
            heard += [np.zeros(lost, np.float32), passed.heard]
    thread.join()
    gone = meeting.troubles.lost
    whole = np.concatenate(heard)
    assert len(whole) == blocks * BLOCK
    kept = np.concatenate([piece for piece in heard if piece.any()])
    assert len(kept) >= (blocks - gone) * BLOCK - 1
    sounded = np.concatenate(played)
    np.testing.assert_array_equal(sounded[sounded > 0], np.arange(1, len(sounded[sounded > 0]) + 1, dtype=np.float32))
