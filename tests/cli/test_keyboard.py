"""Keys while talking: what they ask for, and that a terminal is afterwards as it was."""

import os
import pty
import termios
from collections.abc import Iterator
from contextlib import aclosing

import anyio
import pytest

from multimodal_assistant.cli.keyboard import Keys, restore, single_keys, typed


@pytest.mark.parametrize(
    ("pressed", "wishes"),
    [
        ("m", ["mute"]),
        ("M", ["mute"]),
        ("r", ["forget"]),
        ("q", ["quit"]),
        ("\x04", ["quit"]),
        ("mm", ["mute", "mute"]),
        ("xyz \n\t", []),
        ("/reset\n", ["forget"]),
        ("/RESET \r", ["forget"]),
        ("/mute\n/quit\n", ["mute", "quit"]),
        ("/rm -q\n", []),
        ("/\x7fm", ["mute"]),
        ("/resx\x7fet\n", ["forget"]),
        ("\x1b[A\x1b[1;5C\x1bOP\x1bm", []),
        ("\x1b[Aq", ["quit"]),
    ],
)
def test_what_keys_ask_for(pressed: str, wishes: list[str]) -> None:
    assert Keys().press(pressed) == wishes
    keys = Keys()
    if "\x1b" not in pressed:
        assert [wish for letter in pressed for wish in keys.press(letter)] == wishes


def test_a_command_is_seen_while_it_is_typed() -> None:
    keys = Keys()
    keys.press("/res")
    assert keys.typed == "/res"
    keys.press("\x7f\x7f")
    assert keys.typed == "/r"
    keys.press("eset\n")
    assert keys.typed == ""


def test_escape_alone_does_not_swallow_the_next_key() -> None:
    keys = Keys()
    assert keys.press("\x1b") == []
    assert keys.press("m") == ["mute"]


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends: the person's, the program's."""
    person, program = pty.openpty()
    yield person, program
    os.close(person)
    os.close(program)


def test_single_keys_come_at_once_and_the_terminal_is_afterwards_as_before(terminal: tuple[int, int]) -> None:
    person, program = terminal
    before = termios.tcgetattr(program)
    with single_keys(program):
        flags = termios.tcgetattr(program)[3]
        assert not flags & (termios.ICANON | termios.ECHO)
        assert flags & termios.ISIG  # Ctrl-C is still Ctrl-C
        os.write(person, b"m")
        assert os.read(program, 10) == b"m"
    assert termios.tcgetattr(program) == before


def test_also_after_a_failure(terminal: tuple[int, int]) -> None:
    _, program = terminal
    before = termios.tcgetattr(program)
    with pytest.raises(KeyboardInterrupt), single_keys(program):
        raise KeyboardInterrupt
    assert termios.tcgetattr(program) == before


def test_and_where_the_stack_is_not_unwound(terminal: tuple[int, int]) -> None:
    _, program = terminal
    before = termios.tcgetattr(program)
    with single_keys(program):
        restore()
        assert termios.tcgetattr(program) == before
    restore()


@pytest.mark.anyio
async def test_keys_are_read_as_they_are_pressed(terminal: tuple[int, int]) -> None:
    person, program = terminal
    with single_keys(program):
        async with aclosing(typed(program)) as pieces:
            with anyio.fail_after(5):
                for key in "mé":
                    os.write(person, key.encode())
                    assert await anext(pieces) == key
