"""Who has the floor: tables of timings."""

import pytest
from floor import HUSH, VOICE, WINDOW, Floor, answering

from multimodal_assistant.pipeline.rules import Phase, Rules


def after_speech(**answers: object) -> Floor:
    """The user has said something and falls silent now."""
    floor = Floor(**answers)  # pyright: ignore[reportArgumentType]
    floor.voice(1.024)
    return floor


def test_speech_a_pause_and_a_likely_end_make_a_turn() -> None:
    floor = after_speech(likely=0.95)
    floor.hush(0.5)
    assert floor.kinds == ["speech_started", "speech_stopped", "start_draft", "commit"]
    assert floor.turns.phase is Phase.ASSISTANT


# When a turn is over

TIERS = [
    *((1.0, 0.25), (0.90, 0.25), (0.89, 0.55), (0.85, 0.55), (0.84, 0.90), (0.55, 0.90)),
    *((0.54, 1.08), (0.20, 1.08), (0.19, 2.00), (0.01, 2.00), (None, 1.08)),
]
"""(likelihood of the end, silence after which the turn is taken)."""


@pytest.mark.parametrize(("likely", "wait"), TIERS)
def test_each_tier_commits_at_its_silence_and_not_before(likely: float | None, wait: float) -> None:
    floor = after_speech(likely=likely)
    floor.hush(3.0)
    assert wait - 1e-6 <= floor.silence_at("commit") < wait + WINDOW


@pytest.mark.parametrize("text", ["I would like some tea and", "I need um", "It was…", "I went to the shop,", "The", "Give me the -"])
def test_a_trailing_word_waits_whatever_the_likelihood(text: str) -> None:
    floor = after_speech(text=text, likely=1.0)
    floor.hush(3.0)
    assert 2.0 <= floor.silence_at("commit") < 2.0 + WINDOW
    assert "trailing" in floor.last("commit")[1].reason


@pytest.mark.parametrize("text", ["What is it like?", "What is it for?", "I want that!", "I would like some tea."])
def test_a_question_or_a_whole_sentence_does_not_wait(text: str) -> None:
    floor = after_speech(text=text, likely=0.95)
    floor.hush(1.0)
    assert floor.silence_at("commit") < 0.25 + WINDOW


def test_words_that_come_late_commit_the_moment_they_come() -> None:
    floor = after_speech(text=None, likely=0.95)
    floor.hush(0.8)
    assert "commit" not in floor.kinds
    assert floor.understand("What time is it?") == ["commit"]


def test_a_melody_that_comes_late_commits_the_moment_it_comes() -> None:
    floor = after_speech()
    floor.hush(0.4)
    assert floor.grade(0.999) == ["commit"]


def test_the_lowest_score_of_a_silence_counts() -> None:
    """The model's score rises with any silence it hears."""
    floor = after_speech()
    floor.hush(0.4)
    assert floor.grade(0.3) == []
    assert floor.grade(0.999) == []


@pytest.mark.parametrize("text", ["What time is it?", "and"])
def test_after_the_longest_wait_the_turn_is_taken_whatever_the_words(text: str) -> None:
    floor = after_speech(text=None, likely=0.0)
    floor.hush(2.4 + WINDOW)
    assert floor.understand(text) == ["commit"]
    assert floor.last("commit")[1].reason == "longest wait"


def test_a_score_is_asked_for_while_the_melody_says_something() -> None:
    floor = after_speech(likely=0.1)
    floor.hush(1.0)
    silences = [at - 1.024 for at, action in floor.log if action.kind == "score"]
    assert silences == pytest.approx([0.064])


def test_a_slower_pace_of_scores_can_be_had() -> None:
    floor = after_speech(likely=0.1, rules=Rules(score_until=0.3))
    floor.hush(1.0)
    silences = [at - 1.024 for at, action in floor.log if action.kind == "score"]
    assert silences == pytest.approx([0.064, 0.192])


# What is voice

HYSTERESIS: list[tuple[float, float, bool]] = [
    (0.4, VOICE, True),
    (0.35, VOICE, True),
    (0.34, VOICE, False),
    (0.45, HUSH, False),
    (0.5, HUSH, True),
]
"""(probability, what came before, whether it is voice)."""


@pytest.mark.parametrize(("probability", "before", "voiced"), HYSTERESIS)
def test_a_probability_between_the_thresholds_changes_nothing(probability: float, before: float, *, voiced: bool) -> None:
    floor = Floor(likely=0.95)
    floor.hear(0.32, before)
    floor.hear(0.32, probability)
    if before == VOICE:
        assert ("speech_stopped" not in floor.kinds) == voiced
    else:
        assert ("speech_started" in floor.kinds) == voiced


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_click_shorter_than_the_onset_starts_nothing(length: int) -> None:
    floor = Floor(likely=0.95, rules=Rules(onset=0.096))
    for _ in range(5):
        floor.hush(0.16)
        floor.voice(length * WINDOW)
    assert bool(floor.kinds) == (length == 3)


def test_speech_is_dated_from_its_first_window() -> None:
    floor = Floor()
    floor.hush(0.32)
    floor.voice(0.5)
    at, action = floor.last("speech_started")
    assert action.since == pytest.approx(0.32)
    assert at == pytest.approx(0.32 + 2 * WINDOW)


def test_the_end_of_speech_is_dated_from_its_first_silent_window() -> None:
    floor = after_speech()
    floor.hush(0.5)
    at, action = floor.last("speech_stopped")
    assert action.since == pytest.approx(1.024)
    assert at == pytest.approx(1.024 + 2 * WINDOW)


def test_a_click_in_the_silence_neither_retracts_nor_prolongs_it() -> None:
    floor = after_speech(likely=0.85)
    floor.hush(0.192)
    floor.hear(WINDOW, VOICE)
    floor.hush(1.0)
    assert floor.kinds == ["speech_started", "speech_stopped", "start_draft", "commit"]
    assert floor.silence_at("commit") < 0.6 + WINDOW


def test_a_dip_of_one_window_within_speech_is_no_pause() -> None:
    floor = Floor()
    for _ in range(8):
        floor.voice(0.16)
        floor.hush(WINDOW)
    assert floor.kinds == ["speech_started"]


# Drafts


def test_a_soft_pause_makes_one_draft() -> None:
    floor = after_speech(likely=0.1)
    floor.hush(1.0)
    assert floor.kinds == ["speech_started", "speech_stopped", "start_draft"]
    assert floor.silence_at("start_draft") == pytest.approx(2 * WINDOW)


def test_going_on_retracts_and_the_next_draft_has_a_higher_revision() -> None:
    floor = Floor(likely=0.1)
    for _ in range(3):
        floor.voice(0.5)
        floor.hush(0.2)
    assert floor.kinds == ["speech_started", *["speech_stopped", "start_draft", "retract"] * 2, "speech_stopped", "start_draft"]
    assert [action.revision for _, action in floor.log if action.kind == "start_draft"] == [1, 2, 3]
    assert [action.revision for _, action in floor.log if action.kind == "retract"] == [1, 2]


def test_results_for_a_retracted_draft_are_ignored() -> None:
    floor = Floor(text=None)
    floor.voice(0.5)
    floor.hush(0.2)
    stale = floor.revision
    floor.voice(0.5)
    floor.hush(0.32)
    assert floor.turns.scored(floor.now, stale, 1.0) == []
    assert floor.turns.understood(floor.now, stale, "") == []
    assert floor.turns.understood(floor.now, stale, "What time is it?") == []
    assert floor.turns.failed(floor.now, stale) == []
    assert floor.understand("What time is it now?") == []
    assert floor.grade(0.999) == ["commit"]
    assert floor.last("commit")[1].revision == stale + 1


def test_results_after_the_commit_are_ignored() -> None:
    floor = answering()
    assert floor.understand("") == []
    assert floor.grade(0.1) == []
    assert floor.carry_out(floor.turns.failed(floor.now, floor.revision)) == []


@pytest.mark.parametrize("text", ["", "   ", "...", "[BLANK_AUDIO]", "(coughs)", "*sighs*", "- "])
def test_a_turn_without_words_is_given_up(text: str) -> None:
    floor = after_speech(text=text)
    floor.hush(3.0)
    assert floor.kinds == ["speech_started", "speech_stopped", "start_draft", "give_up"]
    assert floor.turns.phase is Phase.IDLE
    floor.text = "Hello."
    floor.likely = 0.95
    floor.voice(0.5)
    floor.hush(0.5)
    assert floor.kinds[-1] == "commit"


def test_a_draft_that_failed_gives_the_turn_up_when_the_user_does_not_go_on() -> None:
    floor = after_speech(text=None)
    floor.hush(0.2)
    assert floor.carry_out(floor.turns.failed(floor.now, floor.revision)) == []
    floor.hush(2.0)
    assert floor.kinds[-1] == "give_up"
    assert 2.0 - 1e-6 <= floor.silence_at("give_up") < 2.0 + WINDOW
    floor.text, floor.likely = "Hello.", 0.95
    floor.voice(0.5)
    floor.hush(0.5)
    assert floor.kinds[-1] == "commit"


def test_a_draft_that_failed_in_a_pause_is_forgotten_when_the_user_goes_on() -> None:
    floor = after_speech(text=None)
    floor.hush(0.2)
    floor.carry_out(floor.turns.failed(floor.now, floor.revision))
    floor.text, floor.likely = "Hello there.", 0.95
    floor.voice(0.5)
    floor.hush(0.5)
    assert floor.kinds[-4:] == ["retract", "speech_stopped", "start_draft", "commit"]


# What is learnt


def test_tolerance_learns_from_pauses_within_turns() -> None:
    floor = Floor(likely=0.1)
    floor.voice(0.5)
    floor.hush(0.448)
    floor.voice(0.5)
    assert floor.turns.tolerance == pytest.approx(0.8 * 0.2 + 0.2 * 0.448)


@pytest.mark.parametrize(("pause", "least", "most"), [(0.064, 0.2, 0.2), (0.9, 0.85, 0.9), (1.056, 0.9, 0.9)])
def test_tolerance_stays_within_its_bounds(pause: float, least: float, most: float) -> None:
    floor = Floor(likely=0.1)
    for _ in range(40):
        floor.voice(0.32)
        floor.hush(pause)
        assert 0.2 <= floor.turns.tolerance <= 0.9
    assert least <= floor.turns.tolerance <= most


@pytest.mark.parametrize(("likely", "wait"), [(0.95, 0.25), (0.85, 0.7), (0.6, 0.9), (0.3, 1.08), (0.1, 2.0)])
def test_a_slow_speaker_is_given_time_unless_the_end_is_certain(likely: float, wait: float) -> None:
    floor = after_speech(likely=likely)
    floor.turns.tolerance = 0.7
    floor.hush(3.0)
    assert wait - 1e-6 <= floor.silence_at("commit") < wait + WINDOW


# Going on right after the commit

LATE = [(0.05, 0.0, True), (0.5, 0.0, True), (0.5, 0.29, True), (0.5, 0.31, False), (0.7, 0.0, False), (0.3, 0.4, False)]
"""(seconds after the commit, seconds heard, whether it continues the turn)."""


@pytest.mark.parametrize(("after", "heard", "revised"), LATE)
def test_speech_soon_after_the_commit_continues_the_turn_unless_much_was_heard(after: float, heard: float, *, revised: bool) -> None:
    floor = answering(0.0)
    floor.hush(after)
    floor.turns.played(heard)
    kinds = floor.voice(0.3)
    assert kinds == (["revise"] if revised else ["duck", "pause", "overhear"])
    assert (floor.turns.phase is Phase.USER) == revised


def test_a_revised_turn_is_drafted_and_committed_anew() -> None:
    floor = answering(0.0)
    before, tolerance = floor.revision, floor.turns.tolerance
    floor.hush(0.16)
    floor.voice(0.5)
    floor.hush(0.7)
    assert floor.kinds == ["revise", "speech_stopped", "start_draft", "commit"]
    assert floor.last("commit")[1].revision == before + 1
    assert floor.turns.tolerance > tolerance


def test_what_was_heard_of_an_earlier_reply_does_not_count() -> None:
    floor = answering(heard=1.0)
    floor.turns.reply_ended()
    floor.hush(0.5)
    floor.voice(0.5)
    floor.hush(0.352)
    assert floor.kinds[-1] == "commit"
    assert floor.voice(0.1) == ["revise"]


def test_a_reply_that_has_not_sounded_yet_can_be_interrupted() -> None:
    floor = answering(0.0)
    floor.hush(2.0)
    floor.overheard = "forget it, something else"
    assert floor.voice(0.3) == ["duck", "pause", "overhear", "stop"]
    floor.hush(0.5)
    assert floor.kinds[-1] == "commit"


# The end of a reply


def test_a_reply_that_ends_gives_the_floor_back() -> None:
    floor = answering()
    assert floor.carry_out(floor.turns.reply_ended()) == []
    assert floor.turns.phase is Phase.IDLE
    assert floor.voice(0.1) == ["speech_started"]


@pytest.mark.parametrize("voiced", [0.064, 0.16, 0.5])
def test_a_reply_that_ends_during_an_overlap_gives_the_user_the_floor(voiced: float) -> None:
    floor = answering()
    begun = floor.now
    floor.voice(voiced)
    assert floor.carry_out(floor.turns.reply_ended()) == ["speech_started"]
    assert floor.last("speech_started")[1].since == pytest.approx(begun)
    floor.voice(0.5)
    floor.hush(0.5)
    assert floor.kinds[-3:] == ["speech_stopped", "start_draft", "commit"]


def test_a_reply_that_ends_in_a_gap_of_an_overlap_leaves_the_user_the_floor() -> None:
    """What was said over the paused end of a reply, and not yet understood, is a turn like any other."""
    floor = answering()
    floor.voice(0.5)
    floor.hush(0.128)
    assert floor.carry_out(floor.turns.reply_ended()) == ["speech_started"]
    floor.hush(0.5)
    assert floor.kinds[-3:] == ["speech_stopped", "start_draft", "commit"]


def test_a_reply_that_ends_when_the_assistant_has_not_the_floor_changes_nothing() -> None:
    floor = after_speech()
    assert floor.carry_out(floor.turns.reply_ended()) == []
    assert floor.turns.phase is Phase.USER


# The end of the last word


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_short_sound_right_after_the_cut_is_heard_before_the_turn_is_taken(stop: int) -> None:
    floor = after_speech(likely=0.95)
    floor.hush(stop * WINDOW)  # "elephan"
    floor.voice(WINDOW)  # "-ts"
    floor.hush(1.0)
    assert floor.kinds == ["speech_started", "speech_stopped", "start_draft", "retract", "start_draft", "commit"]
    drafts = [at for at, action in floor.log if action.kind == "start_draft"]
    assert drafts[-1] == pytest.approx(1.024 + (stop + 3) * WINDOW)
    assert floor.log[-1][1].revision == 2


def test_what_is_understood_without_the_last_sound_commits_nothing() -> None:
    floor = after_speech(text=None, likely=1.0)
    floor.hush(10 * WINDOW)
    assert floor.kinds[-1] == "start_draft"
    floor = after_speech(text=None, likely=1.0)
    floor.hush(2 * WINDOW)
    floor.voice(WINDOW)
    for text in ("Tell me about an elephan", ""):
        assert floor.understand(text) == []
    floor.hush(WINDOW)
    assert floor.understand("Tell me about an elephan") == []
    assert floor.hush(WINDOW) == ["retract", "start_draft", "score"]


def test_a_later_click_changes_nothing() -> None:
    """So long after the cut it is no part of a word: whoever types while the assistant thinks does not keep it from answering."""
    floor = after_speech(likely=0.5)
    floor.hush(8 * WINDOW)
    for _ in range(10):
        floor.voice(WINDOW)
        floor.hush(3 * WINDOW)
    assert floor.kinds.count("start_draft") == 1
    assert "commit" in floor.kinds


def test_clicks_from_the_beginning_put_the_answer_off_for_a_moment_only() -> None:
    floor = after_speech(likely=0.95)
    for _ in range(12):
        floor.hush(2 * WINDOW)
        floor.voice(WINDOW)
    assert floor.kinds.count("start_draft") <= 3
    floor.hush(4 * WINDOW)
    assert floor.kinds[-1] == "commit"
