"""Conversations in the shapes that servers and models want."""

from multimodal_assistant.core.types import Message, ToolCall
from multimodal_assistant.engines.llm.lines import lines, told

CALL = ToolCall("call_1", "get_weather", '{"city": "Rome"}')
TALK = [
    Message("system", "Be brief."),
    Message("user", "What is the weather in Rome?"),
    Message("assistant", "", (CALL,)),
    Message("tool", "rain, 12 degrees", answers="call_1"),
    Message("assistant", "It rains."),
    Message("user", "And tomorrow?"),
]


def test_calls_and_outcomes_are_lines_of_their_own() -> None:
    call, outcome = lines(TALK)[2:4]
    assert call["tool_calls"] == [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": CALL.arguments}}]
    assert (outcome["role"], outcome["tool_call_id"], outcome["content"]) == ("tool", "call_1", "rain, 12 degrees")


def test_a_small_model_hears_of_an_outcome_from_the_user() -> None:
    assert [(message.role, message.text) for message in told(TALK)] == [
        ("system", "Be brief."),
        ("user", "What is the weather in Rome? (get_weather says: rain, 12 degrees)"),
        ("assistant", "It rains."),
        ("user", "And tomorrow?"),
    ]
    assert not any(message.calls for message in told(TALK))


def test_a_conversation_without_calls_stays_as_it_is() -> None:
    plain = [message for message in TALK if message.role != "tool" and not message.calls]
    assert told(plain) == plain
