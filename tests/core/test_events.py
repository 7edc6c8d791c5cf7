"""The bus: who hears what, in which order, and what a failing observer does."""

import logging

import pytest

from multimodal_assistant.core.events import AudioStarted, Event, EventBus, ReplyFinished, ReplyText


def test_observers_hear_their_kind_in_the_order_of_publication() -> None:
    bus, heard = EventBus(), list[str]()
    bus.subscribe(ReplyText, lambda event: heard.append(event.delta))
    for delta in ("one", "two", "three"):
        bus.publish(ReplyText("1", delta))
        bus.publish(AudioStarted("1"))
    assert heard == ["one", "two", "three"]


def test_observers_of_one_kind_are_told_in_the_order_they_came() -> None:
    bus, heard = EventBus(), list[str]()
    bus.subscribe(AudioStarted, lambda event: heard.append(f"first {event.turn}"))
    bus.subscribe(AudioStarted, lambda event: heard.append(f"second {event.turn}"))
    bus.publish(AudioStarted("7"))
    assert heard == ["first 7", "second 7"]


def test_event_stands_for_all_kinds() -> None:
    bus, heard = EventBus(), list[Event]()
    bus.subscribe(Event, heard.append)
    events = [ReplyText("1", "a"), AudioStarted("1"), ReplyFinished("2", None)]
    for event in events:
        bus.publish(event)
    assert heard == events


def test_each_event_is_heard_once() -> None:
    bus, heard = EventBus(), list[Event]()
    bus.subscribe(Event, heard.append)
    bus.publish(Event("1"))
    assert heard == [Event("1")]


def test_a_failing_observer_is_logged_and_keeps_nobody_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), list[str]()

    def fail(event: ReplyText) -> None:
        raise ValueError("observer trouble")

    bus.subscribe(ReplyText, fail)
    bus.subscribe(ReplyText, lambda event: heard.append("after"))
    bus.subscribe(Event, lambda event: heard.append("all"))
    with caplog.at_level(logging.ERROR):
        bus.publish(ReplyText("1", "x"))
    assert heard == ["after", "all"]
    (record,) = caplog.records
    assert record.name == "multimodal_assistant.core.events"
    assert record.getMessage() == "an observer of ReplyText failed"
    assert record.exc_info is not None
    assert "observer trouble" in caplog.text


def test_an_observer_that_interrupts_the_program_is_not_swallowed() -> None:
    bus = EventBus()

    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    bus.subscribe(Event, interrupt)
    with pytest.raises(KeyboardInterrupt):
        bus.publish(AudioStarted("1"))


def test_an_event_nobody_observes_is_no_error() -> None:
    EventBus().publish(AudioStarted("1"))
