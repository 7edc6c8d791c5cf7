"""`assistant keys`: who may come in to `assistant serve`."""

import re
from typing import TYPE_CHECKING

import click

from multimodal_assistant.core.errors import UsageError

if TYPE_CHECKING:
    from multimodal_assistant.server.keys import KeyFile

_NAME = re.compile(r"[\w.@ -]{1,64}")


@click.group()
def command() -> None:
    """Make, list and revoke keys of `assistant serve`. Without any, only this machine can reach it."""


@command.command()
@click.argument("name")
def add(name: str) -> None:
    """Make a key for NAME (a person, a program), and show it once."""
    if not _NAME.fullmatch(name):
        raise UsageError("A name has 1 to 64 letters, digits, spaces or any of . @ _ -", "Choose another.")
    click.echo(_file().add(name))
    click.echo("This is the only time it is shown. It holds at once.", err=True)


@command.command(name="list")
def list_keys() -> None:
    """Show the names of all keys, and when they were made."""
    keys = _file().keys
    for key in keys:
        click.echo(f"{key.made}  {key.name}")
    if not keys:
        click.echo("There are no keys. `assistant keys add NAME` makes one.", err=True)


@command.command()
@click.argument("name")
def revoke(name: str) -> None:
    """NAME does not come in any more; conversations that are going on are not ended."""
    _file().revoke(name)


def _file() -> "KeyFile":
    from multimodal_assistant.config import config_file
    from multimodal_assistant.server.keys import KeyFile

    return KeyFile(config_file().with_name("keys.json"))
