"""What a client may wish for at any time, and the kinds of conversation that come of it, with the stock OpenAI SDK."""

import base64
from typing import Any

import numpy as np
import pytest
from test_realtime import RATE, sound, tone, until

from choir import Choir
from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.types import ToolCall
from multimodal_assistant.engines.scripted import Script, ScriptedLlm, ScriptedTts
from multimodal_assistant.transports.realtime_formats import Format
from running import Running, serving

pytestmark = pytest.mark.anyio

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
ASKED = ToolCall("call_7", "weather", '{"city": "Rome"}')


def asked_of(server: Running) -> list[str]:
    """What the language model was asked."""
    llm = server.host.engines.llm
    assert isinstance(llm, ScriptedLlm)
    return llm.ledger.requests


def said_by(server: Running) -> list[str]:
    """What the voice was asked for."""
    tts = server.host.engines.tts
    assert isinstance(tts, ScriptedTts)
    return tts.ledger.requests


def asked(text: str) -> Any:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


async def test_wishes_hold_from_the_next_answer_on() -> None:
    llm = ScriptedLlm(replies=("One two three four.",))
    async with serving(llm=llm) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.response.create()
        await until(connection, "response.done")
        await connection.session.update(session={"type": "realtime", "max_output_tokens": 2})
        (*_, updated) = await until(connection, "session.updated")
        assert updated.session.max_output_tokens == 2
        assert updated.session.instructions.startswith("You are a friendly")
        await connection.response.create()
        events = await until(connection, "response.done")
    assert events[-1].response.output[0].content[0].transcript == "One two"
    assert events[-1].response.usage.output_tokens == 2


async def test_what_cannot_be_had_is_told_and_the_rest_holds() -> None:
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"voice": "ash"}}})
        (*_, updated) = await until(connection, "session.updated")
        assert updated.session.instructions == "Be brief."
        (error,) = await until(connection, "error")
        assert (error.error.code, "no other" in error.error.message) == ("unsupported_value", True)
        nonsense: Any = {"type": "realtime", "instructions": "No.", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}}
        await connection.session.update(session=nonsense)
        (error,) = await until(connection, "error")
        assert error.error.message.startswith("session.update: session.audio.input.format.rate")
        await connection.session.update(session={"type": "realtime"})
        (updated,) = await until(connection, "session.updated")
        assert updated.session.instructions == "Be brief."


async def test_a_voice_is_chosen_from_those_there_are() -> None:
    choir = Choir()
    async with serving(tts=choir.voice) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        (created,) = await until(connection, "session.created")
        assert created.session.audio.output.voice == "anna"
        assert created.session.assistant == {"voices": {"ada": "en", "anna": "en", "dora": "es", "siwis": "fr"}}
        await connection.session.update(session={"type": "realtime", "audio": {"output": {"voice": "dora"}}})
        (updated,) = await until(connection, "session.updated")
        assert updated.session.audio.output.voice == "dora"
        unknown: Any = ("ash", {"id": "voice_1"})
        for voice in unknown:
            await connection.session.update(session={"type": "realtime", "audio": {"output": {"voice": voice}}})
            (*_, error) = await until(connection, "error")
            assert error.error.message == "There is no such voice. Voices: ada, anna, dora, siwis."
        await connection.response.create()
        await until(connection, "response.done")
        speech = await client.audio.speech.create(model="local", voice="siwis", input="Bonjour.", response_format="wav")
        assert speech.content.startswith(b"RIFF")
    assert choir.said("dora") == ["It is nine."]
    assert choir.said("siwis") == ["Bonjour."]
    assert choir.main.ledger.requests == []


async def test_the_client_ends_the_turns() -> None:
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
        await connection.input_audio_buffer.commit()
        (*_, error) = await until(connection, "error")
        assert error.error.code == "input_audio_buffer_commit_empty"
        await connection.input_audio_buffer.append(audio=tone(0.4))
        await connection.input_audio_buffer.clear()
        await until(connection, "input_audio_buffer.cleared")
        await connection.input_audio_buffer.commit()
        await until(connection, "error")
        await connection.input_audio_buffer.append(audio=tone(0.6))
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        events = await until(connection, "response.done")
    kinds = [event.type for event in events if not event.type.endswith(".delta")]
    assert kinds[:3] == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert {"response.created", "conversation.item.input_audio_transcription.completed"} <= set(kinds)
    assert not any("speech" in kind for kind in kinds)
    assert asked_of(server) == ["What time is it?"]
    assert len(sound(events)) / RATE > 0.5


async def test_turns_are_detected_and_answered_when_an_answer_is_asked_for() -> None:
    detection: Any = {"type": "server_vad", "silence_duration_ms": 200, "create_response": False}
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
        await connection.input_audio_buffer.append(audio=tone(0.6))
        events = await until(connection, "conversation.item.input_audio_transcription.completed")
        assert not any(event.type == "response.created" for event in events)
        await connection.response.create()
        events = await until(connection, "response.done")
    assert events[-1].response.output[0].content[0].transcript == "It is nine."


async def test_an_answer_that_must_not_be_interrupted_is_given_to_its_end() -> None:
    story = " ".join(f"word{number}" for number in range(8)) + "."
    detection: Any = {"type": "semantic_vad", "interrupt_response": False}
    async with serving(replies=(story,)) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
        await connection.response.create()
        await until(connection, "response.output_audio.delta")
        await connection.input_audio_buffer.append(audio=tone(1.2))
        events = await until(connection, "response.done")
    assert events[-1].response.status == "completed"


async def test_an_answer_in_writing_alone() -> None:
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.conversation.item.create(item=asked("And in Rome?"))
        await connection.response.create(response={"output_modalities": ["text"], "metadata": {"mine": "1"}})
        events = await until(connection, "response.done")
        assert said_by(server) == []
        await connection.response.create()
        spoken = await until(connection, "response.done")
    kinds = [event.type for event in events]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "It is nine."
    assert not any("audio" in kind for kind in kinds)
    assert kinds[-5:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    response = events[-1].response
    assert (response.output[0].content[0].type, response.output[0].content[0].text) == ("output_text", "It is nine.")
    assert (response.output_modalities, response.metadata) == (["text"], {"mine": "1"})
    assert response.usage.total_tokens == response.usage.input_tokens + 3
    assert sound(spoken).size


async def test_a_response_reads_what_it_is_given_instead_of_the_conversation() -> None:
    llm = ScriptedLlm(replies=("Yes.",))
    async with serving(llm=llm) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.conversation.item.create(item=asked("I am in Rome."))
        await connection.response.create(response={"output_modalities": ["text"], "input": [asked("Is four even?")]})
        await until(connection, "response.done")
    assert llm.ledger.requests == ["Is four even?"]


async def test_items_are_asked_for_again_and_taken_out() -> None:
    llm = ScriptedLlm(replies=("Yes.",))
    async with serving(llm=llm) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.conversation.item.create(item=asked("My name is Ada.") | {"id": "one"})
        await connection.conversation.item.create(item=asked("Is four even?") | {"id": "two"})
        await connection.conversation.item.retrieve(item_id="one")
        (*_, retrieved) = await until(connection, "conversation.item.retrieved")
        assert retrieved.item.content[0].text == "My name is Ada."
        await connection.conversation.item.delete(item_id="one")
        await until(connection, "conversation.item.deleted")
        for refused in (connection.conversation.item.delete, connection.conversation.item.retrieve):
            await refused(item_id="one")
            (error,) = await until(connection, "error")
            assert error.error.code == "item_not_found"
        await connection.response.create()
        await until(connection, "response.done")
    assert llm.ledger.requests == ["Is four even?"]


async def test_sound_as_an_item_is_a_turn_and_a_picture_is_refused() -> None:
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        spoken: Any = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": tone(0.5)}]}
        await connection.conversation.item.create(item=spoken)
        await connection.response.create()
        events = await until(connection, "response.done")
        assert not any(event.type.startswith("input_audio_buffer") for event in events)
        assert asked_of(server) == ["What time is it?"]
        picture: Any = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]}
        await connection.conversation.item.create(item=picture)
        (error,) = await until(connection, "error")
        assert "cannot see" in error.error.message


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
async def test_the_formats_of_telephony_both_ways(kind: Any) -> None:
    samples = (0.3 * np.sin(2 * np.pi * 220 * np.arange(4800) / 8000)).astype(np.float32)
    form = Format(kind)
    async with serving() as server, server.client() as client, client.realtime.connect(model="local") as connection:
        sides: Any = {"input": {"format": {"type": kind}}, "output": {"format": {"type": kind}}}
        await connection.session.update(session={"type": "realtime", "audio": sides})
        await connection.input_audio_buffer.append(audio=base64.b64encode(form.data(samples)).decode())
        events = await until(connection, "response.done")
    data = b"".join(base64.b64decode(event.delta) for event in events if event.type == "response.output_audio.delta")
    spoken = form.samples(data)
    assert len(spoken) / 8000 == pytest.approx(0.75, abs=0.25)
    assert dbfs(spoken) > -30


async def test_a_function_is_called_and_its_outcome_spoken_about() -> None:
    llm = ScriptedLlm(replies=(ASKED, "It rains in Rome."))
    async with serving(llm=llm) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.session.update(session={"type": "realtime", "tools": [WEATHER]})
        await connection.input_audio_buffer.append(audio=tone(0.6))
        events = await until(connection, "response.done")
        done = next(event for event in events if event.type == "response.function_call_arguments.done")
        assert (done.name, done.call_id, done.arguments) == ("weather", "call_7", '{"city": "Rome"}')
        assert not any("audio" in event.type for event in events if event.type.startswith("response"))
        assert [item.type for item in events[-1].response.output] == ["function_call"]
        await connection.conversation.item.create(item={"type": "function_call_output", "call_id": "call_7", "output": "rain"})
        await connection.response.create()
        events = await until(connection, "response.done")
        await connection.conversation.item.create(item={"type": "function_call_output", "call_id": "call_7", "output": "again"})
        (error,) = await until(connection, "error")
        assert error.error.code == "invalid_call_id"
    assert events[-1].response.output[0].content[0].transcript == "It rains in Rome."
    assert llm.ledger.requests == ["What time is it?", "rain"]
    assert llm.offered == [("weather",), ("weather",)]


async def test_functions_of_one_response_and_the_choice_among_them() -> None:
    llm = ScriptedLlm(replies=("No.",))
    other: Any = {**WEATHER, "name": "clock"}
    async with serving(llm=llm) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        await connection.session.update(session={"type": "realtime", "tools": [WEATHER, other]})
        wishes: list[Any] = [{"tool_choice": "none"}, {"tool_choice": {"type": "function", "name": "clock"}}, {"tools": [other]}, {}]
        for wish in wishes:
            await connection.response.create(response=wish | {"output_modalities": ["text"]})
            await until(connection, "response.done")
        await connection.response.create(response={"tool_choice": {"type": "function", "name": "nobody"}})
        (error,) = await until(connection, "error")
        assert "nobody" in error.error.message
    assert llm.offered == [(), ("clock",), ("clock",), ("weather", "clock")]


async def test_a_call_that_the_user_spoke_over_was_never_made() -> None:
    llm = ScriptedLlm(replies=(ASKED, "Fine."), script=Script(delay=1.0))
    async with serving(llm=llm, says=("Weather?", "no wait, something else")) as server:
        async with server.client() as client, client.realtime.connect(model="local") as connection:
            await connection.session.update(session={"type": "realtime", "tools": [WEATHER]})
            await connection.input_audio_buffer.append(audio=tone(0.6))
            await until(connection, "response.created")
            await connection.input_audio_buffer.append(audio=tone(1.2))
            events = await until(connection, "response.done")
            assert events[-1].response.status == "cancelled"
            later = await until(connection, "response.done")
            await connection.conversation.item.create(item={"type": "function_call_output", "call_id": "call_7", "output": "rain"})
            await until(connection, "error")
    assert not any(event.type.startswith("response.function_call") for event in [*events, *later])
    assert later[-1].response.output[0].content[0].transcript == "Fine."


async def test_a_failing_engine_ends_the_response_and_not_the_conversation() -> None:
    llm = ScriptedLlm(replies=("Fine.",), script=Script(fail_after=0))
    async with serving(llm=llm) as server, server.client() as client, client.realtime.connect(model="local") as connection:
        modalities: list[Any] = [["audio"], ["text"]]
        for wanted in modalities:
            await connection.response.create(response={"output_modalities": wanted})
            events = await until(connection, "response.done")
            assert events[-1].response.status == "failed"
        llm.script = Script()
        await connection.response.create(response={"output_modalities": ["text"]})
        events = await until(connection, "response.done")
    assert events[-1].response.status == "completed"
