"""A line that loses or holds up what is said."""

import numpy as np
import pytest
from cast import WORDS, EchoLlm, HearingStt, say
from stage import hush, on_stage

from multimodal_assistant.core.types import Samples

pytestmark = pytest.mark.anyio

LINES = {"2 %": 0.02, "5 %": 0.05}


def conversation(*words: str) -> list[Samples]:
    """Every word is a turn."""
    return [sound for word in words for sound in (say(word, 0.8), hush(3.0))]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("line", LINES)
async def test_scattered_loss_is_not_noticed(line: str, seed: int) -> None:
    lost = np.random.default_rng(seed).random(5000) < LINES[line]
    async with on_stage(stt=HearingStt(), llm=EchoLlm(), loss=lambda index: bool(lost[index])) as stage:
        await stage.hear(*conversation(*WORDS[:2]))
        assert stage.asked == list(WORDS[:2])
    assert stage.memory == [pair for word in WORDS[:2] for pair in (("user", word), ("assistant", f"You said {word}."))]


@pytest.mark.parametrize("length", [2, 4, 8])
@pytest.mark.parametrize("at", [3, 10, 20])
async def test_a_gap_within_speech_is_a_pause_and_no_end(at: int, length: int) -> None:
    """Up to 160 ms of lost sound: whatever was drafted in it is taken back."""
    async with on_stage(stt=HearingStt(), llm=EchoLlm(), loss=lambda index: at <= index < at + length) as stage:
        await stage.hear(*conversation(WORDS[5]))
        assert len(stage.named("turn.committed")) == 1
        assert stage.names.count("draft.started") == stage.names.count("draft.retracted") + 1
    assert stage.memory == [("user", WORDS[5]), ("assistant", f"You said {WORDS[5]}.")]


async def test_bursts_of_loss_cost_no_turn() -> None:
    """Every half second 100 ms are lost."""
    async with on_stage(stt=HearingStt(), llm=EchoLlm(), loss=lambda index: index % 25 >= 20) as stage:
        await stage.hear(*conversation(*WORDS[:3]))
        assert stage.asked == list(WORDS[:3])
        assert stage.session.quiet


async def test_a_line_that_loses_everything_is_silence() -> None:
    async with on_stage(stt=HearingStt(), llm=EchoLlm(), loss=lambda _: True) as stage:
        await stage.hear(*conversation(*WORDS[:2]))
        assert stage.names == []
        assert stage.session.quiet


@pytest.mark.parametrize("after", [10, 40, 44, 50, 60, 90])
async def test_a_line_that_stalls_goes_on_where_it_was(after: int) -> None:
    """The clock is that of the sound: nothing is decided while nothing comes."""
    sound = np.concatenate(conversation(WORDS[7]))
    async with on_stage(stt=HearingStt(), llm=EchoLlm()) as straight:
        await straight.hear(sound)
    async with on_stage(stt=HearingStt(), llm=EchoLlm()) as stage:
        await stage.hear(sound[: after * 320])
        told = len(stage.events)
        for _ in range(20):
            await stage.stall()
        assert len(stage.events) == told
        await stage.hear(sound[after * 320 :])
    assert stage.names == straight.names
    assert stage.memory == straight.memory
    np.testing.assert_array_equal(stage.connection.played, straight.connection.played)
