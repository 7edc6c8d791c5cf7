"""What history holds, whatever is said when."""

import anyio
from cast import WORDS, HearingStt, say
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Stage, hush, on_stage

from multimodal_assistant.core.events import AudioStopped, DraftRetracted, DraftStarted, TurnCommitted
from multimodal_assistant.pipeline.history import INTERRUPTED

REPLIES = tuple(" ".join(f"{first}{rest}" for rest in ("na", "ri", "so", "tu", "ve", "wi")) + "." for first in WORDS[:40])
"""No two have a word in common."""

STRETCHES = st.tuples(st.sampled_from([0.5, 0.7, 1.1]), st.sampled_from([0.1, 0.16, 0.24, 0.3, 0.5, 0.7, 0.9, 1.4, 2.0]))
"""(seconds of a word, seconds of silence after it): within a turn, after its commit, over the answer, after it."""
SCORES = st.sampled_from([(0.95,), (0.6,), (0.3, 0.95), (0.1, 0.1, 0.9)])


async def told(stretches: list[tuple[float, float]], scores: tuple[float, ...]) -> Stage:
    async with on_stage(stt=HearingStt(), replies=REPLIES, scores=scores) as stage:
        for word, (voiced, silent) in zip(WORDS, stretches, strict=False):
            await stage.hear(say(word, voiced), hush(silent))
        await stage.hear(hush(4.0))
    return stage


def check(stage: Stage, words: list[str]) -> None:
    history = stage.session.history.messages
    assert stage.session.quiet
    assert [message.role for message in history] == (["user", "assistant"] * len(history))[: len(history)], "an aside may be the last"
    said = " ".join(message.text for message in history if message.role == "user").split()
    assert said == words, "every word of the user, once, in order"
    for message in history[1::2]:
        heard = message.text.removesuffix(INTERRUPTED).strip()
        (reply,) = [reply for reply in REPLIES if reply.startswith(heard)]
        assert heard == reply or message.text.endswith(INTERRUPTED)


def check_events(stage: Stage) -> None:
    committed = len(stage.told(TurnCommitted))
    retracted = stage.told(DraftRetracted)
    afterwards = [event for event in retracted if "after the commit" in event.reason]
    assert len(stage.told(DraftStarted)) == len(retracted) - len(afterwards) + committed
    ends = len(stage.named("audio.finished")) + len([event for event in stage.told(AudioStopped) if event.heard_text])
    assert len(stage.named("audio.started")) >= ends
    shown = {word.strip(".") for word in stage.written.split()}
    replies = [reply for reply in REPLIES if shown & set(reply.strip(".").split())]
    assert len(replies) == committed, "of an answer that was not committed nothing is shown"


@settings(deadline=None, max_examples=15)
@given(st.lists(STRETCHES, min_size=1, max_size=5), SCORES)
def test_no_word_of_the_user_is_lost_and_none_of_a_retracted_answer_is_kept(
    stretches: list[tuple[float, float]], scores: tuple[float, ...]
) -> None:
    stage = anyio.run(told, stretches, scores)
    check(stage, list(WORDS[: len(stretches)]))
    check_events(stage)
