"""`assistant talk`: a hands-free conversation."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
import click

from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.events import Event, EventBus

from .options import engine_flags, settings_flags
from .run import run


@dataclass(frozen=True, slots=True)
class Options:
    """The flags."""

    input: Path | None
    output: Path | None
    events: Path | None
    settings: dict[str, Any]


@click.command()
@click.option("--input", "source", type=click.Path(path_type=Path), help="A recording as the user's side of the conversation.")
@click.option("--output", type=click.Path(path_type=Path), help="Save what the assistant played, on the recording's clock (WAV).")
@click.option("--events", type=click.Path(path_type=Path), help="Write every event as a line of JSON.")
@engine_flags
def command(source: Path | None, output: Path | None, events: Path | None, **flags: Any) -> None:
    """Hold a spoken conversation: it answers when you have finished, waits when you only paused, and stops when you interrupt.

    So far it talks with a recording (--input); for a single question there is `assistant ask`.
    """
    if source is None:
        raise DeviceError(
            "Talking through a microphone is not in this version yet.",
            "Use --input FILE.wav for a conversation from a recording, or `assistant ask` for one question.",
        )
    options = Options(source, output, events, settings_flags(flags))
    run(lambda: _talk(source, options))


async def _talk(source: Path, options: Options) -> None:
    from multimodal_assistant.app import assemble, settings_from, turn_detector
    from multimodal_assistant.pipeline.session import Session
    from multimodal_assistant.transports.file import check_writable, read_audio, write_wav
    from multimodal_assistant.transports.replay import ReplayConnection

    from .event_file import EventFile
    from .talk_view import TalkView

    if options.output is not None:
        check_writable(options.output)
    settings = settings_from(**options.settings)
    recording = await anyio.to_thread.run_sync(read_audio, source)
    view, bus = TalkView(), EventBus()
    bus.subscribe(Event, view.show)
    with ExitStack() as files:
        if options.events is not None:
            bus.subscribe(Event, files.enter_context(EventFile(options.events)).write)
        async with await assemble(settings) as assistant, turn_detector(settings) as detector:
            view.notes(assistant.notes)
            with view.loading():
                await assistant.warm()
                await detector.warm()
            connection = ReplayConnection(recording, quiet=lambda: session.quiet)
            session = Session(connection, assistant.engines, detector, manner=assistant.manner, bus=bus)
            await session.run()
        if options.output is not None:
            await anyio.to_thread.run_sync(write_wav, options.output, connection.output, connection.rate)
    view.end(connection.late)
