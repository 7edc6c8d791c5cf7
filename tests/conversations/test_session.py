"""The conversation end to end, scripted: drafts, commits, interruptions, and what history keeps."""

import numpy as np
import pytest
from stage import hush, on_stage, voice

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.events import AudioStarted, AudioStopped, DraftRetracted, ReplySpoken, TranscriptFinal, TurnMetrics
from multimodal_assistant.core.types import Message
from multimodal_assistant.pipeline.history import INTERRUPTED

pytestmark = pytest.mark.anyio

LONG = "One two three four five six seven eight nine ten eleven twelve."


async def test_a_question_is_answered_and_both_are_remembered() -> None:
    async with on_stage() as stage:
        await stage.hear(np.concatenate([hush(0.5), voice(0.7), hush(3.0)]))
        assert stage.names == [
            "speech.started",
            "speech.stopped",
            "draft.started",
            "turn.committed",
            "transcript.final",
            "answer.begun",
            "audio.started",
            "turn.metrics",
            "audio.finished",
            "answer.finished",
        ]
        assert stage.session.quiet
    assert stage.session.history.messages == (Message("user", "What time is it?"), Message("assistant", "It is nine."))


async def test_the_answer_begins_within_the_commit_silence() -> None:
    """With engines that take no time, the first sound waits for the turn rules alone: 0.25 s of silence and a window or two."""
    async with on_stage() as stage:
        await stage.hear(np.concatenate([hush(0.5), voice(1.0), hush(1.0)]))
        (started,) = stage.named("audio.started")
        assert isinstance(started, AudioStarted)
        assert 1.5 + 0.25 <= started.t <= 1.5 + 0.35


async def test_a_pause_within_the_turn_leaves_no_trace_of_the_draft() -> None:
    async with on_stage(says=("Tell me", "Tell me a story."), scores=(0.05, 0.95)) as stage:
        await stage.hear(np.concatenate([voice(0.8), hush(0.15), voice(0.8), hush(3.0)]))
        (retracted,) = stage.named("draft.retracted")
        assert isinstance(retracted, DraftRetracted)
        (final,) = stage.named("transcript.final")
        assert isinstance(final, TranscriptFinal)
        assert final.transcript.text == "Tell me a story."
        assert len(stage.named("audio.started")) == 1
    assert stage.session.history.messages == (Message("user", "Tell me a story."), Message("assistant", "It is nine."))


async def test_an_uncommitted_draft_says_nothing() -> None:
    async with on_stage(scores=(0.1,)) as stage:
        await stage.hear(np.concatenate([voice(1.0), hush(0.6)]))
        assert "turn.committed" not in stage.names
        assert "transcript.final" not in stage.names
        assert not stage.named("reply.text")
        assert dbfs(stage.connection.played) < -100


async def test_real_words_stop_the_assistant_and_history_keeps_what_was_heard() -> None:
    async with on_stage(says=("Count.", "no wait, something else"), replies=(LONG, "All right.")) as stage:
        await stage.hear(np.concatenate([voice(0.7), hush(0.4)]))
        await stage.hear(hush(1.0))  # four words and a bit of a quarter second each are out
        await stage.hear(np.concatenate([voice(0.7), hush(2.0)]))
        (stopped,) = stage.named("audio.stopped")
        assert isinstance(stopped, AudioStopped)
        assert stopped.heard_text == "One two three four five"
        assert len(stage.named("audio.started")) == 2
    first, second, *rest = stage.session.history.messages
    assert (first.text, second.text) == ("Count.", "One two three four five —")
    assert [message.text for message in rest] == ["no wait, something else", "All right."]


async def test_captions_come_with_the_voice_and_history_has_the_written_words_of_what_was_heard() -> None:
    dates = "Rome fell in 1453 I think and then there was nothing but the quiet of the hills for years."
    async with on_stage(says=("Tell me.", "no wait, something else"), replies=(dates, "All right.")) as stage:
        await stage.hear(np.concatenate([voice(0.7), hush(0.4)]))
        first = [event.delta for event in stage.told(ReplySpoken)]
        await stage.hear(hush(1.6))
        later = [event.delta for event in stage.told(ReplySpoken)]
        await stage.hear(np.concatenate([voice(0.7), hush(2.5)]))
        (stopped,) = stage.told(AudioStopped)
        assert len(first) < len(later)
        assert "".join(later).startswith("Rome fell in 1453 I")
        assert stopped.heard_text.startswith("Rome fell in fourteen fifty-three I")
        assert "".join(event.delta for event in stage.told(ReplySpoken)).endswith("All right.")
    assert stage.memory[1][1].startswith("Rome fell in 1453 I")
    assert stage.memory[1][1].endswith(INTERRUPTED)


async def test_a_backchannel_pauses_and_resumes_at_the_same_sample() -> None:
    async with on_stage(says=("Count.", "mm-hm"), replies=(LONG,)) as stage:
        await stage.hear(np.concatenate([voice(1.0), hush(1.0), voice(0.35), hush(4.0)]))
        assert stage.named("audio.paused")
        assert stage.named("audio.resumed")
        assert not stage.named("audio.stopped")
        assert stage.named("audio.finished")
        loud = np.abs(stage.connection.played) > 1e-4
        spoken = 12 * 0.25
        assert abs(loud.sum() / stage.connection.rate - spoken) < 0.1
    assert stage.session.history.messages[-1].text == LONG


async def test_going_on_right_after_the_commit_makes_one_turn_of_the_two_halves() -> None:
    async with on_stage(says=("I drink", "I drink some tea."), scores=(0.95,)) as stage:
        await stage.hear(np.concatenate([voice(1.0), hush(0.36), voice(0.8), hush(3.0)]))
        (retracted,) = stage.named("draft.retracted")
        assert isinstance(retracted, DraftRetracted)
        assert "after the commit" in retracted.reason
        assert not stage.named("audio.stopped")
    assert stage.session.history.messages[0].text == "I drink some tea."


async def test_noise_without_words_is_no_turn() -> None:
    async with on_stage(says=("",)) as stage:
        await stage.hear(np.concatenate([voice(0.5), hush(3.0)]))
        assert "turn.committed" not in stage.names
        assert stage.session.quiet
    assert stage.session.history.messages == ()


async def test_stages_are_told_with_every_answer() -> None:
    async with on_stage() as stage:
        await stage.hear(np.concatenate([voice(1.0), hush(2.0)]))
        (metrics,) = stage.named("turn.metrics")
        assert isinstance(metrics, TurnMetrics)
        assert set(metrics.stages) == {
            *("stt", "end_of_sentence", "recall", "look", "llm_first_token", "llm_first_clause", "tts_first_audio"),
            *("draft", "committed", "first_audio"),
        }  # fmt: skip


async def test_hanging_up_in_the_middle_of_an_answer_ends_everything() -> None:
    async with on_stage(replies=(LONG,)) as stage:
        await stage.hear(np.concatenate([voice(1.0), hush(0.6)]))
        assert stage.named("audio.started")
    assert stage.tts.ledger.cancelled + stage.tts.ledger.completed == len(stage.tts.ledger.requests)
