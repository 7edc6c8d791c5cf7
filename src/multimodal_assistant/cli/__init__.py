"""The commands. Each lives in a module of its own that is imported only when it is called, so that `--help` is instant."""

import importlib
import os
import sys

import click

from multimodal_assistant.core.errors import AssistantError

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells have it."""

PROGRAM_ERROR = 70
"""Exit code of a bug (EX_SOFTWARE of sysexits.h)."""

COMMANDS = {
    "ask": ("ask", "Answer one spoken or written question by voice."),
    "talk": ("talk", "Hold a spoken conversation."),
    "see": ("see", "Say what is in a picture."),
    "serve": ("serve", "Answer programs that speak the OpenAI Realtime API."),
    "keys": ("keys", "Say who may come in to `serve`."),
    "memory": ("memory", "Show, correct and forget what is remembered."),
    "devices": ("devices", "List microphones and loudspeakers."),
    "doctor": ("doctor", "Check this machine and measure what latency to expect."),
    "models": ("models", "List, fetch and verify model weights."),
}
"""Command → (module of this package, one line of help)."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and loads them on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[cmd_name][0]}", __name__)
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="multimodal-assistant", prog_name="assistant")
def assistant() -> None:
    """A private assistant that you talk to, running on your own machine."""


def main() -> None:
    """Entry point of `assistant`: every known failure becomes one message and its exit code, never a traceback."""
    try:
        code = assistant.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except AssistantError as error:
        click.echo(f"assistant: {error.problem}", err=True)
        if error.remedy:
            click.echo(f"  {error.remedy}", err=True)
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if os.environ.get("ASSISTANT_DEBUG"):
            raise
        click.echo(f"assistant: a mistake in the program: {type(error).__name__}: {error}", err=True)
        click.echo("  Please report it with the output of the same command under ASSISTANT_DEBUG=1.", err=True)
        code = PROGRAM_ERROR
    sys.exit(code if isinstance(code, int) else 0)
