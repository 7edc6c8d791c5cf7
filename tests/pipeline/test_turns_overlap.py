"""The user's voice over the assistant's: tables of timings."""

import pytest
from floor import WINDOW, answering

from multimodal_assistant.pipeline.overlap import TOO_SHORT
from multimodal_assistant.pipeline.rules import Kind, Phase


@pytest.mark.parametrize(("voiced", "steps"), [(0.064, []), (0.096, []), (0.128, ["duck"]), (0.16, ["duck", "pause", "overhear"])])
def test_voice_ducks_after_100_ms_and_pauses_after_160(voiced: float, steps: list[Kind]) -> None:
    floor = answering()
    assert floor.voice(voiced) == steps


def test_an_overlap_shorter_than_the_pause_unducks() -> None:
    floor = answering()
    floor.voice(0.128)
    floor.hush(0.6)
    assert floor.kinds == ["duck", "unduck"]
    assert 0.25 - 1e-6 <= floor.silence_at("unduck") < 0.25 + WINDOW


def test_a_click_over_the_assistant_changes_nothing() -> None:
    floor = answering()
    for _ in range(6):
        floor.voice(WINDOW)
        floor.hush(0.1)
    assert floor.kinds == []


BACKCHANNELS = ["mm-hm", "Mm-hmm.", "uh-huh", "Yeah.", "Right, right.", "Oh, okay.", "I see.", "Got it.", "Wow!", "- Yeah."]


@pytest.mark.parametrize("text", BACKCHANNELS)
def test_a_backchannel_resumes(text: str) -> None:
    floor = answering(overheard=text)
    floor.voice(0.4)
    floor.hush(1.0)
    assert floor.kinds == ["duck", "pause", "overhear", "overhear", "resume"]
    assert floor.turns.phase is Phase.ASSISTANT


@pytest.mark.parametrize("text", ["", "[cough]", "(coughs)", "..."])
def test_a_cough_resumes(text: str) -> None:
    floor = answering(overheard=text)
    floor.voice(0.4)
    floor.hush(1.0)
    assert floor.kinds[-1] == "resume"


STOPPING = [
    "Stop.",
    "stop",
    "Umm, okay, stop.",
    "wait",
    "No.",
    "- No.",
    "Hold on.",
    "hang on a second",
    "Never mind.",
    "quiet please",
    "yeah but I actually wanted",
    "Tell me about Rome",
    "No, from ten.",
]


@pytest.mark.parametrize("text", STOPPING)
def test_real_words_stop_it_at_once_while_the_voice_goes_on(text: str) -> None:
    floor = answering(overheard=text)
    assert floor.voice(0.224) == ["duck", "pause", "overhear", "stop"]
    assert floor.turns.phase is Phase.USER


@pytest.mark.parametrize("text", ["Rome", "Actually", "I’m done", "What about Rome"])
def test_one_real_word_stops_it_when_the_voice_goes_on(text: str) -> None:
    floor = answering(overheard=text)
    floor.voice(0.864)
    assert "stop" not in floor.kinds
    floor.voice(0.096)
    assert floor.kinds[-1] == "stop"


@pytest.mark.parametrize("text", ["Rome", "Yafin.", "Yeah, I think."])
def test_a_few_words_in_less_than_a_second_do_not_stop_it(text: str) -> None:
    """Recognizers make such words of "yeah" and "uh-huh"."""
    floor = answering(overheard=text)
    floor.voice(0.8)
    floor.hush(1.0)
    assert floor.kinds[-1] == "resume"
    assert floor.last("resume")[1].reason == TOO_SHORT


def test_many_words_in_less_than_a_second_stop_it() -> None:
    floor = answering(overheard="I meant the other one")
    assert floor.voice(0.5)[-1] == "stop"


def test_a_backchannel_never_stops_it_however_long() -> None:
    floor = answering(overheard="yeah, right, okay")
    floor.voice(1.5)
    floor.hush(0.5)
    assert floor.kinds[-1] == "resume"


def test_a_backchannel_that_becomes_a_sentence_stops_it() -> None:
    floor = answering()
    floor.voice(0.3)
    assert floor.overhear("yeah") == []
    floor.voice(0.3)
    assert floor.overhear("yeah but I actually") == ["stop"]


def test_words_understood_before_the_overlap_ended_are_no_verdict() -> None:
    """ "Yeah" of "yeah, but …" may come back only after the voice has ended: the words of the whole overlap decide."""
    floor = answering()
    floor.voice(0.3)
    asked = floor.now
    floor.voice(0.4)
    floor.hush(0.32)
    assert floor.kinds[-1] == "overhear"
    assert floor.carry_out(floor.turns.overheard(asked, "Yeah.")) == []
    assert floor.overhear("Yeah, but I actually wanted") == ["stop"]


def test_a_backchannel_heard_so_far_is_no_verdict_when_the_voice_has_ended() -> None:
    floor = answering()
    floor.voice(0.3)
    assert floor.overhear("Yeah.") == []
    floor.voice(0.4)
    floor.hush(0.5)
    assert floor.kinds[-1] == "overhear"
    assert floor.overhear("Yeah, but I actually wanted") == ["stop"]


def test_words_of_an_earlier_overlap_are_not_taken_for_those_of_the_present_one() -> None:
    floor = answering()
    floor.voice(0.3)
    asked = floor.now
    floor.hush(1.4)
    assert floor.kinds[-1] == "resume"
    floor.voice(0.3)
    assert floor.carry_out(floor.turns.overheard(asked, "stop it now")) == []


def test_without_a_verdict_in_time_it_goes_on() -> None:
    floor = answering()
    floor.voice(0.3)
    floor.hush(2.0)
    assert floor.kinds[-1] == "resume"
    assert 0.9 - 1e-6 <= floor.silence_at("resume") < 0.9 + WINDOW
    assert floor.last("resume")[1].reason == "no words in time"


def test_two_voices_with_a_short_gap_are_one_overlap() -> None:
    floor = answering()
    floor.voice(0.3)
    floor.hush(0.16)
    floor.voice(0.3)
    assert floor.kinds == ["duck", "pause", "overhear"]
    assert floor.overhear("yeah I was wondering") == ["stop"]


def test_the_overlap_is_dated_from_its_first_window() -> None:
    floor = answering()
    begun = floor.now
    floor.voice(0.3)
    assert floor.last("overhear")[1].since == pytest.approx(begun)
    assert floor.turns.overlap_since == pytest.approx(begun)
    floor.overhear("please stop")
    assert floor.last("stop")[1].since == pytest.approx(begun)
    assert floor.turns.overlap_since is None


def test_after_an_interruption_the_user_is_answered() -> None:
    floor = answering(overheard="what about Rome")
    floor.voice(1.0)
    floor.hush(0.5)
    assert floor.kinds == ["duck", "pause", "overhear", "stop", "speech_stopped", "start_draft", "commit"]
