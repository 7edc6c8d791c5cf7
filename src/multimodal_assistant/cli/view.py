"""What every command that loads models shows while it gets ready."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


class View:
    """Two consoles: results go to stdout, remarks to stderr. `quiet` prints nothing."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.out = Console(quiet=quiet, highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    def notes(self, notes: Sequence[str]) -> None:
        """Which engines were chosen, and why."""
        for note in notes:
            self.remark(note)

    def remark(self, line: str) -> None:
        """One line about what happens before the conversation."""
        self.err.print(Text(line, style="dim"))

    @contextmanager
    def loading(self) -> Generator[None]:
        """While the models are being loaded."""
        if self.err.is_terminal and not self.err.quiet:
            with self.err.status("Loading models"):
                yield
        else:
            yield
