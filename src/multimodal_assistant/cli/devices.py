"""`assistant devices`: the microphones and loudspeakers that `assistant talk` can use."""

import click

from multimodal_assistant.transports.devices import Kind


@click.command()
def command() -> None:
    """List microphones and loudspeakers with the numbers and names that --microphone and --speaker of `talk` take."""
    from multimodal_assistant.transports.portaudio import found

    devices = found()
    kinds: tuple[Kind, ...] = ("microphone", "speaker")
    for kind in kinds:
        default = devices.default(kind)
        click.echo(f"{kind.capitalize()}s")
        for device in devices.of(kind):
            mark = "  (default)" if device == default else ""
            click.echo(f"  {device.index:>3}  {device.name}, {device.system}{mark}")
        if default is None:
            click.echo("       none")
