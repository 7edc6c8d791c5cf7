"""Calls in the history: with their outcome, or not at all."""

from multimodal_assistant.core.types import Message, ToolCall
from multimodal_assistant.pipeline.history import History
from multimodal_assistant.pipeline.respond import conversation

CALL = ToolCall("1", "weather", "{}")
PAIR = (Message("assistant", "", calls=(CALL,)), Message("tool", "rain", answers="1"))


def asked() -> History:
    history = History()
    history.answered("Weather?", "")
    history.called([CALL])
    return history


def test_a_call_without_an_outcome_has_never_been() -> None:
    history = asked()
    assert history.messages == (Message("user", "Weather?"),)
    history.answered("Never mind.", "Fine.")
    assert history.messages == (Message("user", "Weather? Never mind."), Message("assistant", "Fine."))


def test_an_outcome_brings_its_call_and_is_what_is_answered_next() -> None:
    history = asked()
    assert history.returned("1", "rain")
    assert not history.returned("1", "rain")
    assert history.messages == (Message("user", "Weather?"), *PAIR)
    assert conversation("", system="Be brief.", history=history.messages)[-1] == PAIR[1]
    history.answered("", "It rains.")
    assert history.messages == (Message("user", "Weather?"), *PAIR, Message("assistant", "It rains."))


def test_what_is_too_old_goes_with_the_outcome_of_its_calls() -> None:
    history = History(budget=60)
    for number in range(20):
        history.answered(f"Weather in city {number}?", "")
        call = ToolCall(str(number), "weather", "{}")
        history.called([call])
        history.returned(str(number), "rain")
        history.answered("", "It rains.")
        assert history.messages[0].role == "user"
        assert not history.excess or history.messages[len(history.excess)].role == "user"


def test_what_is_unsaid_is_read_no_more() -> None:
    history = asked()
    history.returned("1", "rain")
    history.answered("", "It rains.")
    assert history.unsay("assistant", "It rains.")
    assert not history.unsay("assistant", "It snows.")
    history.uncall("1")
    assert history.messages == (Message("user", "Weather?"), Message("assistant", ""))
    history.clear()
    assert not history.returned("1", "rain")
