"""`assistant devices`: the microphones, loudspeakers and cameras that `assistant talk` can use."""

import sys

import click

from multimodal_assistant.transports.devices import Kind


@click.command()
def command() -> None:
    """List microphones, loudspeakers and cameras with the numbers and names that --microphone, --speaker and --camera of `talk` take."""
    from multimodal_assistant.transports.camera import cameras
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
    click.echo("Cameras")
    known = cameras()
    for camera in known:
        click.echo(f"  {camera.index:>3}  {camera.name}")
    if not known:
        click.echo("       none" if sys.platform == "linux" else "       not listed on this system; the first is --camera 0")
