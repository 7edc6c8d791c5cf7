"""Keys pressed while talking → what is wanted: m, r, q at once, and commands that begin with a slash at the Enter key."""

import os
import sys
import termios
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any, Literal

import anyio

Wish = Literal["mute", "forget", "quit"]

_KEYS: dict[str, Wish] = {"m": "mute", "r": "forget", "q": "quit", "\x04": "quit"}  # Ctrl-D ends what is typed
_COMMANDS: dict[str, Wish] = {"/mute": "mute", "/reset": "forget", "/quit": "quit"}
_SHOW_CURSOR = "\x1b[?25h"

_changed: dict[int, list[Any]] = {}
"""File descriptor of a terminal that is set to give single keys → how it was before."""


class Keys:
    """Turns what a terminal sends into wishes."""

    def __init__(self) -> None:
        self.typed = ""
        """The command that is being typed, or empty."""
        self._sequence = ""

    def press(self, text: str) -> list[Wish]:
        """The next characters → what they ask for. Arrow and function keys (escape sequences) and other letters ask for nothing."""
        wishes: list[Wish] = []
        for letter in text:
            if self._sequence or letter == "\x1b":
                self._follow(letter)
            elif self.typed or letter == "/":
                wishes += self._type(letter)
            elif letter.lower() in _KEYS:
                wishes.append(_KEYS[letter.lower()])
        self._sequence = ""  # a sequence comes in one piece: what is not complete was the Escape key alone
        return wishes

    def _follow(self, letter: str) -> None:
        """Escape, an optional [ or O, parameters, and a final letter (ECMA-48)."""
        self._sequence += letter
        if len(self._sequence) > 2 and "@" <= letter <= "~" or len(self._sequence) == 2 and letter not in "[O":
            self._sequence = ""

    def _type(self, letter: str) -> list[Wish]:
        typed, self.typed = self.typed, ""
        if letter in "\r\n":
            wish = _COMMANDS.get(typed.strip().lower())
            return [wish] if wish else []
        if letter in "\x7f\b":
            self.typed = typed[:-1]
        elif letter.isprintable():
            self.typed = typed + letter
        else:
            self.typed = typed
        return []


async def typed(descriptor: int) -> AsyncGenerator[str]:
    """What comes from a terminal, until its end."""
    while True:
        await anyio.wait_readable(descriptor)
        data = os.read(descriptor, 1024)
        if not data:
            return
        yield data.decode(errors="ignore")


@contextmanager
def single_keys(descriptor: int) -> Generator[None]:
    """Inside, a terminal gives every key at once and does not show it; Ctrl-C still interrupts. Afterwards it is as it was."""
    before = termios.tcgetattr(descriptor)
    _changed[descriptor] = before
    attributes = termios.tcgetattr(descriptor)
    attributes[3] &= ~(termios.ICANON | termios.ECHO)
    attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
    for key in (termios.VSUSP, termios.VQUIT):  # they would leave the terminal as it is now
        attributes[6][key] = b"\0"
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, attributes)
        yield
    finally:
        restore()


def restore() -> None:
    """Set every terminal back; for an end that unwinds no stack, too."""
    while _changed:
        descriptor, before = _changed.popitem()
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        if sys.stdout.isatty():
            os.write(sys.stdout.fileno(), _SHOW_CURSOR.encode())
