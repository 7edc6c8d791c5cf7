"""What a person sees while talking: captions, who has the floor, how the microphone is."""

import io
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from multimodal_assistant.cli.event_file import plain
from multimodal_assistant.cli.talk_view import Status, TalkView
from multimodal_assistant.core import events as ev
from multimodal_assistant.core.types import Picture, RememberedView, Transcript

QUESTION = Transcript("What is the capital of France?", "en", 1.0, -0.1, 0.0, 1.9)
TURN: tuple[ev.Event, ...] = (
    ev.SpeechStarted("1", 0.0),
    ev.TranscriptPartial("1", "What is the"),
    ev.SpeechStopped("1", 1.9),
    ev.TurnCommitted("1", "score"),
    ev.TranscriptFinal("1", QUESTION),
    ev.ReplySpoken("1", " It is"),
    ev.AudioStarted("1"),
    ev.ReplySpoken("1", " Paris."),
    ev.TurnMetrics("1", {"stt": 54.2, "draft": None, "first_audio": 462.0}),
    ev.AudioFinished("1"),
)


SEEN = RememberedView(12, 1_778_164_320.0, "the camera", "A cup.", Picture(b"a picture", "image/jpeg"))


class Screen:
    """A view whose terminal, or file, can be read."""

    def __init__(self, *, terminal: bool, user: str | None = None) -> None:
        self.view = TalkView(user)
        self._text = io.StringIO()
        self.view.out = Console(file=self._text, force_terminal=terminal, width=100, color_system=None, highlight=False)
        self.status = Status(level=-120.0, muted=False, typed="", gaps=0, lost=0)

    def written(self) -> str:
        """What was written since the last time."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


@pytest.fixture
def screen() -> Iterator[Screen]:
    screen = Screen(terminal=True)
    with screen.view.live(lambda: screen.status):
        yield screen


def test_in_a_file_there_is_what_was_said_and_nothing_that_passes() -> None:
    screen = Screen(terminal=False)
    with screen.view.live():
        for event in TURN:
            screen.view.show(event)
            screen.view.refresh()
    assert screen.written() == (
        "You        What is the capital of France?\nAssistant  It is Paris.\n           [462 ms to the first sound: stt 54]\n"
    )


@pytest.mark.parametrize(("user", "flag"), [(None, ""), ("anna", " --user anna"), ("a b", " --user 'a b'")])
def test_where_the_picture_is_that_an_answer_tells_of(user: str | None, flag: str) -> None:
    screen = Screen(terminal=False, user=user)
    with screen.view.live():
        for event in (*TURN[:7], ev.ViewShown("1", SEEN), *TURN[7:], *TURN):
            screen.view.show(event)
    picture = f"[its picture, afterwards: assistant memory visual show 12 --out seen.jpg{flag}]"
    written = screen.written()
    assert written.count(picture) == 1
    assert written.count(f"ms to the first sound: stt 54]\n           {picture}\nYou  ") == 1


def test_a_file_of_events_has_no_picture() -> None:
    assert plain(ev.ViewShown("1", SEEN, t=2.0)) == {"t": 2.0, "type": "view.shown", "turn": "1", "view": 12, "seen_at": 1_778_164_320.0}


def test_on_a_terminal_the_words_are_seen_while_they_come(screen: Screen) -> None:
    seen: list[str] = []
    for event in TURN:
        screen.view.show(event)
        seen.append(screen.written())
    assert "What is the" in seen[1]
    assert "You        What is the capital of France?\n" in seen[4]
    assert "Assistant  It is" in seen[5]
    assert "Assistant  It is Paris." in seen[7]
    assert "           [462 ms to the first sound: stt 54]\n" in seen[9]


def test_it_says_who_has_the_floor(screen: Screen) -> None:
    floors: list[str] = []
    for event in TURN:
        screen.view.show(event)
        line = screen.written()
        floors.append(next(word for word in ("listening", "thinking", "speaking") if word in line))
    assert floors == ["listening"] * 3 + ["thinking"] * 3 + ["speaking"] * 3 + ["listening"]


@pytest.mark.parametrize(
    ("event", "floor"),
    [
        (ev.AudioPaused("1"), "listening"),
        (ev.AudioResumed("1", "backchannel"), "speaking"),
        (ev.AudioStopped("1", "It is", "stop word"), "listening"),
        (ev.Failure("1", "The model failed.", "Try again."), "listening"),
        (ev.DraftRetracted("1", 1, "went on"), "listening"),
    ],
)
def test_an_interruption_takes_the_floor(screen: Screen, event: ev.Event, floor: str) -> None:
    for before in TURN[:8]:
        screen.view.show(before)
    screen.written()
    screen.view.show(event)
    assert floor in screen.written()


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Status(-120.0, False, "", 0, 0), "▯▯▯▯▯▯▯▯▯▯  m mute · r forget · q quit"),
        (Status(-30.0, False, "", 0, 0), "▮▮▮▮▮▯▯▯▯▯  m mute"),
        (Status(0.0, False, "", 0, 0), "▮▮▮▮▮▮▮▮▮▮  m mute"),
        (Status(0.0, True, "", 0, 0), "microphone muted"),
        (Status(0.0, False, "/res", 0, 0), "▮  /res"),
        (Status(0.0, False, "", 3, 7), "gaps 3, lost 7"),
    ],
)
def test_the_status_line_tells_how_the_microphone_is(screen: Screen, status: Status, shown: str) -> None:
    screen.status = status
    screen.view.refresh()
    assert shown in screen.written()


def test_a_notice_does_not_tear_the_reply(screen: Screen) -> None:
    for event in TURN[:8]:
        screen.view.show(event)
    screen.written()
    screen.view.notice("The microphone is gone.")
    shown = _plain(screen.written())
    assert shown.count("Assistant  It is Paris.\n") == 1
    assert shown.index("It is Paris.") < shown.index("           The microphone is gone.\n")


def test_what_was_not_finished_stays_on_the_screen() -> None:
    screen = Screen(terminal=True)
    with screen.view.live():
        screen.view.show(TURN[5])
        screen.written()
    assert "Assistant  It is\n" in _plain(screen.written())


def _plain(text: str) -> str:
    """Without the sequences that move the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)
