"""Voice over voice: before the first sound, again and again, and words that are understood late."""

from dataclasses import replace

import numpy as np
import pytest
from cast import HaltingLlm, PatientStt
from stage import hush, on_stage, voice

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.events import AudioPaused, AudioResumed, AudioStarted, AudioStopped, DraftRetracted
from multimodal_assistant.core.types import AudioChunk, Transcript
from multimodal_assistant.engines.scripted import Script, ScriptedLlm, ScriptedStt
from multimodal_assistant.pipeline.overlap import TOO_SHORT

pytestmark = pytest.mark.anyio

LONG = "One two three four five six seven eight nine ten eleven twelve."
OTHER = "Ten eleven twelve thirteen fourteen fifteen sixteen."


async def test_an_answer_is_interrupted_before_its_first_sound() -> None:
    """Nothing was heard: both halves of what the user said stand together, without an answer between them."""
    llm = HaltingLlm("", "Here it is.")
    async with on_stage(says=("Tell me a story.", "no, a joke", "no, a joke"), llm=llm) as stage:
        await stage.hear(voice(0.6), hush(1.2), voice(0.5))
        (stopped,) = stage.told(AudioStopped)
        assert stopped.heard_text == ""
        assert dbfs(stage.connection.played) < -100
        llm.go_on.set()
        await stage.hear(hush(2.0))
    assert stage.memory == [("user", "Tell me a story. no, a joke"), ("assistant", "Here it is.")]


async def test_two_interruptions_in_a_row() -> None:
    async with on_stage(says=("Count.", "no, from ten", "no, from ten", "stop it", "stop it"), replies=(LONG, OTHER, "Fine.")) as stage:
        await stage.hear(voice(0.6), hush(1.25), voice(0.6), hush(1.05), voice(0.6), hush(2.0))
        first, second = stage.told(AudioStopped)
        assert first.heard_text == "One two three four"
        assert second.heard_text == "Ten eleven twelve thirteen"
        assert first.turn != second.turn
    assert stage.memory == [
        ("user", "Count."),
        ("assistant", "One two three four —"),
        ("user", "no, from ten"),
        ("assistant", "Ten eleven twelve thirteen —"),
        ("user", "stop it"),
        ("assistant", "Fine."),
    ]


async def test_a_backchannel_and_then_an_interruption() -> None:
    async with on_stage(says=("Count.", "mm-hm", "mm-hm", "stop", "Stop counting."), replies=(LONG, "Fine.")) as stage:
        await stage.hear(voice(0.6), hush(0.8), voice(0.28), hush(0.8), voice(0.6), hush(2.0))
        assert stage.named("audio.resumed")
        (stopped,) = stage.told(AudioStopped)
        assert stopped.reason == "asked to stop"
        heard = stopped.heard_text.split()
        assert heard == LONG.split()[: len(heard)]
        assert 3 <= len(heard) <= 7


async def test_nothing_sounds_while_it_is_paused_and_it_goes_on_without_a_click() -> None:
    async with on_stage(says=("Count.", "mm-hm"), replies=(LONG,)) as stage:
        await stage.hear(voice(0.6), hush(0.8), voice(0.4), hush(3.0))
        (paused,), (resumed,) = stage.told(AudioPaused), stage.told(AudioResumed)
        played, rate = stage.connection.played, stage.connection.rate
        silent = played[round((paused.t + 0.04) * rate) : round((resumed.t - 0.04) * rate)]
        assert len(silent) > 0.1 * rate
        assert not silent.any()
        assert np.abs(np.diff(played)).max() <= 0.2 * (2 * np.pi * 220 / rate + 1 / (0.01 * rate)) + 1e-5


async def test_a_click_or_a_knock_does_not_pause_it() -> None:
    async with on_stage(replies=(LONG,)) as stage:
        await stage.hear(voice(0.6), hush(0.8))
        for _ in range(5):
            await stage.hear(voice(0.02), hush(0.15))
        await stage.hear(hush(3.0))
        assert "audio.paused" not in stage.names
    assert stage.memory[-1] == ("assistant", LONG)


async def test_the_words_of_the_whole_overlap_decide_even_when_its_beginning_is_understood_late() -> None:
    """A slow recognizer says "yeah" when the user has long said "yeah, but I actually wanted …"."""
    stt = PatientStt(texts=("Count.", "Yeah, but I actually wanted tea."))
    async with on_stage(stt=stt, replies=(LONG, "Tea it is.")) as stage:
        await stage.hear(voice(0.6), hush(0.8))
        stt.patient = True
        await stage.hear(voice(0.9), hush(0.4))
        assert len(stt.waiting) == 1
        stt.answer("Yeah.")
        await stage.stall()
        assert not stage.named("audio.resumed")
        assert len(stt.waiting) == 1
        whole = stt.waiting[0].audio.seconds
        assert whole >= 0.9
        stt.patient = False
        stt.answer("Yeah, but I actually wanted")
        await stage.hear(hush(2.0))
        assert stage.named("audio.stopped")
    assert stage.memory[-2:] == [("user", "Yeah, but I actually wanted tea."), ("assistant", "Tea it is.")]


async def test_words_that_come_after_the_reply_went_on_do_not_stop_the_next_one() -> None:
    stt = PatientStt(texts=("Count.",))
    async with on_stage(stt=stt, replies=(LONG,)) as stage:
        await stage.hear(voice(0.6), hush(0.8))
        stt.patient = True
        await stage.hear(voice(0.4), hush(1.3))
        (resumed,) = stage.told(AudioResumed)
        assert resumed.reason == "no words in time"
        stt.answer("stop it")
        await stage.hear(hush(3.0))
        assert not stage.named("audio.stopped")
    assert stage.memory[-1] == ("assistant", LONG)


async def test_an_answer_is_dated_after_the_turn_it_answers() -> None:
    async with on_stage(says=("Count.", "stop it", "stop it"), replies=(LONG, "Fine.")) as stage:
        await stage.hear(voice(0.6), hush(1.2), voice(0.6), hush(2.0))
        times = [event.t for event in stage.events]
        assert times == sorted(times)
        turns = [int(event.turn) for event in stage.events]
        assert turns == sorted(turns)
        assert [event.turn for event in stage.told(AudioStarted)] == ["1", "2"]


async def test_a_voice_that_goes_on_when_the_reply_ends_is_the_next_turn() -> None:
    async with on_stage(says=("Count.", "What about Rome?"), replies=("One two.", "Rome is old.")) as stage:
        await stage.hear(voice(0.6), hush(0.7), voice(0.8), hush(2.0))
        assert "audio.paused" not in stage.names
        assert stage.asked == ["Count.", "What about Rome?"]
    assert stage.memory[1:] == [("assistant", "One two."), ("user", "What about Rome?"), ("assistant", "Rome is old.")]


async def test_what_is_taken_back_right_after_the_commit_fades_and_does_not_click() -> None:
    async with on_stage(says=("Count", "Count slowly."), replies=(LONG,)) as stage:
        await stage.hear(voice(0.6), hush(0.46), voice(0.3))
        assert stage.named("audio.started")
        (retracted,) = stage.told(DraftRetracted)
        assert "after the commit" in retracted.reason
        played, rate = stage.connection.played, stage.connection.rate
        assert np.abs(played).max() > 0.1
        assert played[round(retracted.t * rate) :][: rate // 200].any()
        assert not played[round((retracted.t + 0.03) * rate) :].any()
        assert np.abs(np.diff(played)).max() <= 0.2 * (2 * np.pi * 220 / rate + 1 / (0.01 * rate)) + 1e-5


async def test_engines_are_told_to_stop_when_a_draft_is_retracted_or_a_reply_interrupted() -> None:
    """Long before the conversation ends: the next draft needs them."""
    llm = ScriptedLlm(replies=(LONG,), script=Script(delay=600.0))
    async with on_stage(says=("Tell me", "Tell me more.", "no wait"), llm=llm, scores=(0.05, 0.95)) as stage:
        await stage.hear(voice(0.6), hush(0.16), voice(0.6))
        assert stage.named("draft.retracted")
        assert (len(llm.ledger.requests), llm.ledger.cancelled) == (1, 1)
        await stage.hear(hush(1.2), voice(0.6))
        assert stage.named("audio.stopped")
        assert (len(llm.ledger.requests), llm.ledger.cancelled) == (2, 2)


async def test_certain_words_over_an_answer_that_goes_on_are_kept_for_the_next_turn() -> None:
    llm = ScriptedLlm(replies=(LONG, "In spring."))
    async with on_stage(says=("Count.", "Plums", "Plums", "Plums", "When do they bloom?"), llm=llm) as stage:
        await stage.hear(voice(0.6), hush(1.0), voice(0.5), hush(4.5))
        (resumed,) = stage.told(AudioResumed)
        assert resumed.reason == TOO_SHORT
        assert stage.memory == [("user", "Count."), ("assistant", LONG), ("user", "Plums")]
        await stage.hear(voice(0.6), hush(2.0))
    assert llm.ledger.requests == ["Count.", "Plums When do they bloom?"]
    assert stage.memory[2:] == [("user", "Plums When do they bloom?"), ("assistant", "In spring.")]


async def test_doubtful_words_over_an_answer_are_not_kept() -> None:
    class Doubtful(ScriptedStt):
        async def transcribe(
            self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
        ) -> Transcript:
            transcript = await super().transcribe(audio, language=language, words=words)
            return replace(transcript, average_log_probability=0.0 if transcript.text == "Count." else -0.9)

    async with on_stage(stt=Doubtful(texts=("Count.", "Yafin", "Yafin")), replies=(LONG,)) as stage:
        await stage.hear(voice(0.6), hush(1.0), voice(0.5), hush(4.5))
        assert stage.told(AudioResumed)
    assert stage.memory == [("user", "Count."), ("assistant", LONG)]
