"""Many conversations on one event loop and the same engines."""

import anyio
import pytest
from anyio.lowlevel import checkpoint
from cast import WORDS, EchoLlm, HearingStt, say
from stage import Stage, hush

from multimodal_assistant.core.events import Event, EventBus
from multimodal_assistant.engines.scripted import ScriptedSentenceEnd, ScriptedTts, ScriptedTurn, ScriptedVad
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines
from multimodal_assistant.pipeline.session import Session
from multimodal_assistant.transports.loopback import BLOCK, LoopbackConnection

pytestmark = pytest.mark.anyio

MANY = 50


def stages(count: int) -> list[Stage]:
    """Sessions that share their engines and nothing else."""
    stt, llm, tts, vad = HearingStt(), EchoLlm(), ScriptedTts(word_seconds=0.1), ScriptedVad()
    turn, sentence = ScriptedTurn(), ScriptedSentenceEnd()
    made: list[Stage] = []
    for _ in range(count):
        bus, connection = EventBus(), LoopbackConnection()
        session = Session(connection, Engines(vad, stt, llm, tts), EndOfTurn(turn, sentence), bus=bus)
        stage = Stage(session, connection, stt, llm, tts, turn, sentence)
        bus.subscribe(Event, stage.events.append)
        made.append(stage)
    return made


async def talk(stage: Stage, index: int) -> None:
    """Two turns, not quite in step with the others."""
    own = [WORDS[index % len(WORDS)], WORDS[(index + 7) % len(WORDS)]]
    await stage.connection.push(hush(0.02 * (index % 10)))
    for word in own:
        for sound in (say(word, 0.3), hush(1.1)):
            for begin in range(0, len(sound), BLOCK):
                await stage.connection.push(sound[begin : begin + BLOCK])
                for _ in range(8):
                    await checkpoint()
    await stage.connection.hang_up()
    assert stage.asked == own
    assert stage.memory == [pair for word in own for pair in (("user", word), ("assistant", f"You said {word}."))]


async def test_fifty_conversations_at_once_finish_and_do_not_mix() -> None:
    async with anyio.create_task_group() as tasks:
        for index, stage in enumerate(stages(MANY)):
            tasks.start_soon(stage.session.run)
            tasks.start_soon(talk, stage, index)


async def test_one_that_breaks_off_does_not_disturb_the_others() -> None:
    async with anyio.create_task_group() as tasks:
        for index, stage in enumerate(stages(10)):
            if index % 2:
                tasks.start_soon(stage.session.run)
                tasks.start_soon(talk, stage, index)
            else:
                tasks.start_soon(_break_off, stage, index)


async def _break_off(stage: Stage, index: int) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.session.run)
        await stage.connection.push(say(WORDS[index], 0.3))
        await stage.connection.push(hush(0.02 * index))
        tasks.cancel_scope.cancel()
    await stage.connection.hang_up()
