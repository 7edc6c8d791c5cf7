"""Profile auto: what is picked for given times, and that a machine is timed only once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedStt, ScriptedTts
from multimodal_assistant.pipeline.gauge import voice_to_voice
from multimodal_assistant.tuning import Candidates, Choice, Times, explained, measured, pick

TIMES = Times(
    stt={"base@1": 0.16, "base@2": 0.10, "tiny@1": 0.05, "tiny@2": 0.048},
    llm={"large@3": 0.40, "large@2": 0.34, "small@3": 0.10, "small@2": 0.08},
    voice={"fine": 0.20, "plain": 0.05},
)


@pytest.mark.parametrize(
    ("goal", "llm", "words", "voice", "stt"),
    [
        (2.0, "large", 3, "fine", "base"),
        (0.88, "large", 2, "fine", "base"),
        (0.80, "large", 2, "fine", "tiny"),
        (0.74, "large", 3, "plain", "base"),
        (0.70, "large", 2, "plain", "base"),
        (0.60, "small", 3, "fine", "base"),
    ],
)
def test_the_best_set_within_the_goal_is_taken(goal: float, llm: str, words: int, voice: str, stt: str) -> None:
    choice = pick(TIMES, goal)
    assert (choice.llm, choice.first_words, choice.voice, choice.stt) == (llm, words, voice, stt)
    assert choice.seconds <= goal


def test_where_nothing_is_fast_enough_the_fastest_is_taken() -> None:
    assert pick(TIMES, 0.1) == Choice("tiny", 1, "small", 2, "plain", voice_to_voice(0.05, 0.08, 0.05))


def test_a_thread_that_gains_nothing_is_left_to_others() -> None:
    assert pick(TIMES, 2.0).stt_threads == 2
    assert pick(Times({"base@1": 0.10, "base@2": 0.095}, TIMES.llm, TIMES.voice), 2.0).stt_threads == 1


SECONDS = st.floats(0.01, 5.0)


@given(st.lists(SECONDS, min_size=2, max_size=2), st.lists(SECONDS, min_size=2, max_size=2), SECONDS, SECONDS)
def test_a_looser_goal_never_gives_a_worse_set(llm: list[float], voice: list[float], stt: float, goal: float) -> None:
    times = Times(
        {"base@2": stt},
        {f"{name}@{words}": llm[index] for index, name in enumerate(("large", "small")) for words in (3, 2)},
        {"fine": voice[0], "plain": voice[1]},
    )
    tight, loose = pick(times, goal), pick(times, goal + 1.0)
    if tight.seconds <= goal:
        assert (loose.llm, loose.voice) <= (tight.llm, tight.voice), "alphabetical order is the order of quality here"


def test_the_silence_that_commits_is_the_least_there_is() -> None:
    assert voice_to_voice(0.0, 0.0, 0.0) == pytest.approx(0.34)
    assert voice_to_voice(0.2, 0.3, 0.1) == pytest.approx(0.784)


def test_the_choice_is_one_line_and_says_whether_the_goal_is_met() -> None:
    choice = pick(TIMES, 0.8)
    assert "within the goal of 0.8 s" in explained(choice, 0.8)
    assert "over the goal of 0.3 s" in explained(choice, 0.3)
    assert "\n" not in explained(choice, 0.8)
    assert "beginning with 2 words" in explained(choice, 0.8)
    assert "beginning" not in explained(pick(TIMES, 2.0), 2.0)


@pytest.mark.anyio
async def test_a_machine_is_timed_once(tmp_path: Path) -> None:
    stts, llms = list[ScriptedStt](), list[ScriptedLlm]()

    def stt(_threads: int) -> ScriptedStt:
        stts.append(ScriptedStt())
        return stts[-1]

    def llm() -> ScriptedLlm:
        llms.append(ScriptedLlm())
        return llms[-1]

    told = list[str]()
    candidates = Candidates({"base": stt}, {"large": llm, "small": llm}, {"fine": ScriptedTts}, threads=2)
    times = await measured(candidates, tmp_path / "measured", told.append)
    assert set(times.stt) == {"base@1", "base@2"}
    assert set(times.llm) == {"large@3", "large@2", "small@3", "small@2"}
    assert all(engine.ledger.warmed == engine.ledger.closed == 1 for engine in (*stts, *llms))
    assert len(told) == 8
    assert await measured(candidates, tmp_path / "measured", told.append) == times
    assert len(stts) == 2
    assert len(told) == 8
    (kept,) = (tmp_path / "measured").iterdir()
    kept.write_text("damaged")
    assert set((await measured(candidates, tmp_path / "measured", told.append)).llm) == set(times.llm)
