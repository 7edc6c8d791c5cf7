"""What `assistant ask` shows a person."""

import sys
from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from multimodal_assistant.core.events import ReplyText, TranscriptFinal

from .view import View

_WIDTH = 46
"""Characters of the longest bar."""


class AskView(View):
    """Prints the question, the reply as it is written, and where the time went."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._replying = False

    def heard(self, event: TranscriptFinal) -> None:
        """The question."""
        transcript = event.transcript
        about = f"  ({transcript.language}, {transcript.seconds:.1f} s)" if transcript.seconds else ""
        self.out.print(Text.assemble(("You        ", "bold cyan"), transcript.text, (about, "dim")))

    def reply(self, event: ReplyText) -> None:
        """The answer, as it is written."""
        if not self._replying:
            self._replying = True
            self.out.print(Text("Assistant  ", style="bold green"), end="")
            event = ReplyText(event.turn, event.delta.lstrip())
        self.out.print(Text(event.delta), end="")
        sys.stdout.flush()

    def done(self, audio: Path, seconds: float, timings: Mapping[str, float | None], peak_mb: float) -> None:
        """Where the answer is and how long each stage took."""
        self.out.print()
        self.out.print(Text.assemble(("Saved      ", "bold"), f"{audio}  ", (f"({seconds:.1f} s of speech)", "dim")))
        self.out.print()
        for line in waterfall(timings):
            self.out.print(line)
        self.out.print(Text(f"models loaded in {(timings['load'] or 0) / 1000:.1f} s, peak memory {peak_mb:.0f} MB", style="dim"))


def waterfall(timings: Mapping[str, float | None]) -> list[Text]:
    """The stages as bars on one time line, from the end of the question to the first sound; milliseconds."""
    stt = timings["stt"] or 0.0
    first_token = timings["llm_first_token"] or 0.0
    first_audio = timings["first_audio"] or 0.0
    voice = min(timings["tts_first_audio"] or 0.0, first_audio)
    stages = [
        ("speech to text", 0.0, stt, "cyan"),
        ("first token", stt, first_token, "magenta"),
        ("first clause", stt + first_token, max(first_audio - voice - first_token, 0.0), "magenta"),
        ("first sound", stt + first_audio - voice, voice, "green"),
    ]
    whole = max(stt + first_audio, 1.0)
    lines: list[Text] = []
    for name, begin, length, style in stages:
        offset = round(begin / whole * _WIDTH)
        size = max(round(length / whole * _WIDTH), 1)
        lines.append(Text.assemble((f"{name:>15} ", "dim"), " " * offset, ("█" * size, style), f" {length:.0f} ms"))
    lines.append(Text.assemble((f"{'answer begins':>15} ", "dim"), (f"{whole:.0f} ms after the question was read", "bold")))
    return lines
