"""What `assistant talk` shows a person."""

import shlex
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Group
from rich.live import Live
from rich.text import Text

from multimodal_assistant.core import events as ev

from .view import View

_FLOOR_DBFS, _CELLS = -60.0, 10
_HINT = "m mute · r forget · q quit"
_LISTENING, _THINKING, _SPEAKING = ("listening", "cyan"), ("thinking", "yellow"), ("speaking", "green")


@dataclass(frozen=True, slots=True)
class Status:
    """How the microphone is, for the line at the bottom."""

    level: float
    """dBFS."""
    muted: bool
    typed: str
    """A command that is being typed."""
    gaps: int
    """Gaps in what was played."""
    lost: int
    """Blocks of 10 ms of the microphone that were dropped."""


class TalkView(View):
    """Captions and a line of times for every turn; on a terminal also captions while they come, who has the floor, and a status line.

    user: who talks, where that is said by a flag.
    """

    def __init__(self, user: str | None = None) -> None:
        super().__init__()
        self._user = user
        self._reply = ""
        self._times = ""
        self._picture = ""
        self._partial = ""
        self._floor = _LISTENING
        self._live: Live | None = None
        self._status: Callable[[], Status] | None = None

    @contextmanager
    def live(self, status: Callable[[], Status] | None = None) -> Generator[None]:
        """For the time of the conversation. `status`: of a microphone, where there is one."""
        self._status = status
        if not self.out.is_terminal:
            yield
            self._break()
            return
        with Live(console=self.out, auto_refresh=False, transient=True) as self._live:
            try:
                yield
            finally:
                self._break()
        self._live = None

    def refresh(self) -> None:
        """Show how things are now."""
        if self._live is not None:
            self._live.update(self._below(), refresh=True)

    def show(self, event: ev.Event) -> None:
        """One event, if it is for people."""
        match event:
            case ev.TranscriptPartial():
                self._partial = event.text
            case ev.TranscriptFinal():
                self._partial = ""
                self._line(("You        ", "bold cyan"), event.transcript.text)
            case ev.ReplySpoken():
                self._replied(event.delta)
            case ev.AudioStopped():
                self._line(("           ", ""), f"— interrupted; you heard: “{event.heard_text}”", style="yellow")
            case ev.AudioResumed():
                self._line(("           ", ""), f"(went on: {event.reason})", style="dim")
            case ev.TurnMetrics():
                self._times = _times(event.stages)
            case ev.ViewShown():
                self._picture = _picture(event.view.id, self._user)
            case ev.AudioFinished():
                self._break()
            case ev.Failure():
                self._line(("Problem    ", "bold red"), f"{event.problem} {event.remedy}")
            case _:
                pass
        self._floor = _floor(event) or self._floor
        self.refresh()

    def notice(self, text: str) -> None:
        """Something that is not part of the conversation."""
        self._line(("           ", ""), text, style="bold yellow")
        self.refresh()

    def end(self, late: int) -> None:
        """The recording is over; so many of its blocks were late."""
        if late:
            self.err.print(Text(f"{late} blocks of 20 ms were late: this machine could not keep up with real time.", style="yellow"))

    def devices_end(self, status: Status) -> None:
        """The conversation is over."""
        if status.gaps or status.lost:
            what = f"{status.gaps} gaps in the sound, {status.lost} blocks of 10 ms from the microphone lost"
            self.err.print(Text(f"This machine could not always keep up: {what}.", style="yellow"))

    def _replied(self, delta: str) -> None:
        if not self._reply:
            delta = delta.lstrip()
            if self._live is None:
                self.out.print(Text("Assistant  ", style="bold green"), end="")
        self._reply += delta
        if self._live is None:
            self.out.print(Text(delta), end="")

    def _line(self, label: tuple[str, str], text: str, *, style: str = "") -> None:
        self._break()
        self._print(Text.assemble(label, (text, style)))

    def _break(self) -> None:
        """The reply as far as it has come stays where it is, with its times below; what follows begins a new line."""
        (reply, self._reply), (times, self._times), (picture, self._picture) = (self._reply, ""), (self._times, ""), (self._picture, "")
        if reply and self._live is not None:
            self._print(Text.assemble(("Assistant  ", "bold green"), reply))
        elif reply:
            self.out.print()
        if times:
            self._print(Text(f"           {times}", style="dim"))
        if picture:
            self._print(Text(f"           {picture}", style="dim"))

    def _print(self, line: Text) -> None:
        """Above what is still changing, which is drawn again below every line."""
        self.refresh()
        self.out.print(line)

    def _below(self) -> Group:
        lines: list[Text] = []
        if self._partial:
            lines.append(Text.assemble(("You        ", "cyan"), (self._partial, "dim")))
        if self._reply:
            lines.append(Text.assemble(("Assistant  ", "bold green"), self._reply))
        lines.append(self._status_line())
        return Group(*lines)

    def _status_line(self) -> Text:
        name, style = self._floor
        line = Text.assemble(("● ", style), f"{name:<10} ")
        if self._status is None:
            return line
        status = self._status()
        if status.muted:
            line.append("microphone muted", style="bold red")
        else:
            cells = round(_CELLS * (1 - max(status.level, _FLOOR_DBFS) / _FLOOR_DBFS))
            line.append("▮" * cells, style="cyan").append("▯" * (_CELLS - cells), style="dim")
        if status.gaps or status.lost:
            line.append(f"  gaps {status.gaps}, lost {status.lost}", style="yellow")
        return line.append(f"  {status.typed or _HINT}", style="" if status.typed else "dim")


def _times(stages: dict[str, float | None]) -> str:
    """Where the time of a turn went, in milliseconds."""
    named = " · ".join(f"{name} {value:.0f}" for name, value in stages.items() if value is not None and name != "first_audio")
    return f"[{stages['first_audio']:.0f} ms to the first sound: {named}]"


def _picture(view: int, user: str | None) -> str:
    """Where the picture is that the answer tells of. It is in no file, so that it can be forgotten; one is written by who wants it."""
    whose = "" if user is None else f" --user {shlex.quote(user)}"
    return f"[its picture, afterwards: assistant memory visual show {view} --out seen.jpg{whose}]"


def _floor(event: ev.Event) -> tuple[str, str] | None:
    """Who has the floor after this event, if it says so."""
    match event:
        case ev.TurnCommitted():
            return _THINKING
        case ev.AudioStarted() | ev.AudioResumed():
            return _SPEAKING
        case ev.SpeechStarted() | ev.AudioPaused() | ev.AudioFinished() | ev.AudioStopped() | ev.DraftRetracted() | ev.Failure():
            return _LISTENING
        case _:
            return None
