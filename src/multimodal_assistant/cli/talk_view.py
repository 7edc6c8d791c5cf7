"""What `assistant talk` shows a person."""

from rich.text import Text

from multimodal_assistant.core import events as ev

from .view import View


class TalkView(View):
    """Captions as they come, and a line of times for every turn."""

    def __init__(self) -> None:
        super().__init__()
        self._replying = False

    def show(self, event: ev.Event) -> None:
        """One event, if it is for people."""
        match event:
            case ev.TranscriptFinal():
                self._line(("You        ", "bold cyan"), event.transcript.text)
            case ev.ReplyText():
                self._reply(event.delta)
            case ev.AudioStopped():
                self._line(("           ", ""), f"— interrupted; you heard: “{event.heard_text}”", style="yellow")
            case ev.AudioResumed():
                self._line(("           ", ""), f"(went on: {event.reason})", style="dim")
            case ev.TurnMetrics():
                self._times(event.stages)
            case ev.Failure():
                self._line(("Problem    ", "bold red"), f"{event.problem} {event.remedy}")
            case _:
                return

    def end(self, late: int) -> None:
        """The conversation is over."""
        self._break()
        if late:
            self.err.print(Text(f"{late} blocks of 20 ms were late: this machine could not keep up with real time.", style="yellow"))

    def _reply(self, delta: str) -> None:
        if not self._replying:
            self.out.print(Text("Assistant  ", style="bold green"), end="")
            delta = delta.lstrip()
            self._replying = True
        self.out.print(Text(delta), end="")

    def _times(self, stages: dict[str, float | None]) -> None:
        named = " · ".join(f"{name} {value:.0f}" for name, value in stages.items() if value is not None and name != "first_audio")
        self._line(("           ", ""), f"[{stages['first_audio']:.0f} ms to the first sound: {named}]", style="dim")

    def _line(self, label: tuple[str, str], text: str, *, style: str = "") -> None:
        self._break()
        self.out.print(Text.assemble(label, (text, style)))

    def _break(self) -> None:
        if self._replying:
            self.out.print()
            self._replying = False
