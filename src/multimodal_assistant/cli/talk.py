"""`assistant talk`: a hands-free conversation."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import click

from multimodal_assistant.core.connection import Connection
from multimodal_assistant.core.errors import UsageError
from multimodal_assistant.core.events import Event, EventBus, ReplyText

from .options import engine_flags, memory_flags, settings_flags
from .run import run

if TYPE_CHECKING:
    from multimodal_assistant.core.protocols import Sight, VideoSource
    from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner
    from multimodal_assistant.pipeline.session import Session
    from multimodal_assistant.visual_memory import Views

    from .talk_view import TalkView


@dataclass(frozen=True, slots=True)
class Options:
    """The flags."""

    input: Path | None
    output: Path | None
    paced: bool
    events: Path | None
    record: Path | None
    settings: dict[str, Any]
    camera: str | None
    video: Path | None

    @property
    def shows(self) -> bool:
        """Something is shown."""
        return self.camera is not None or self.video is not None


@click.command()
@click.option("--input", "source", type=click.Path(path_type=Path), help="A recording as the user's side, instead of the microphone.")
@click.option("--output", type=click.Path(path_type=Path), help="With --input: save what was played, on the recording's clock (WAV).")
@click.option("--paced/--no-paced", default=True, help="--no-paced: with --input, stretches in which nobody speaks pass at once.")
@click.option("--events", type=click.Path(path_type=Path), help="Write every event as a line of JSON.")
@click.option("--record", type=click.Path(path_type=Path), help="Keep what was heard, what was played and all events in this new folder.")
@click.option("--microphone", help="Number, name or a part of it (see `assistant devices`). Default: the system's.")
@click.option("--speaker", help="The same for the loudspeaker.")
@click.option("--camera", help="Show it what this camera sees: its number, its name or a part of it (see `assistant devices`).")
@click.option("--video", type=click.Path(path_type=Path), help="Show it this video, or picture, as if a camera saw it.")
@memory_flags
@engine_flags
def command(
    source: Path | None,
    output: Path | None,
    paced: bool,
    events: Path | None,
    record: Path | None,
    microphone: str | None,
    speaker: str | None,
    **flags: Any,
) -> None:
    """Hold a spoken conversation: it answers when you have finished, waits when you only paused, and stops when you interrupt.

    Keys while it runs: m mutes the microphone, r (or /reset) forgets the conversation so far, q (or Ctrl-C) ends it.
    """
    if output is not None and source is None:
        raise UsageError("--output goes with --input.", "To keep a conversation at the microphone use --record FOLDER.")
    settings = settings_flags(flags) | {"audio": {"microphone": microphone, "speaker": speaker}}
    camera, video = flags.pop("camera"), flags.pop("video")
    if camera is not None and video is not None:
        raise UsageError("--camera and --video cannot go together.", "Give one of them.")
    options = Options(source, output, paced, events, record, settings, camera, video)
    silent = source is None or camera is not None or video is not None
    run(lambda: _talk_along(source, options) if source is not None else _talk_here(options), silent=silent)


async def _talk_along(source: Path, options: Options) -> None:
    """With a recording."""
    from multimodal_assistant.transports.file import check_writable, read_audio, write_wav
    from multimodal_assistant.transports.replay import ReplayConnection

    if options.output is not None:
        check_writable(options.output)
    recording = await anyio.to_thread.run_sync(read_audio, source)
    async with _ready(options) as talk:
        connection = ReplayConnection(recording, quiet=lambda: session.quiet, paced=options.paced)
        session = talk.session(connection)
        with talk.view.live():
            await session.run()
    if options.output is not None:
        await anyio.to_thread.run_sync(write_wav, options.output, connection.output, connection.rate)
    talk.view.end(connection.late)


async def _talk_here(options: Options) -> None:
    """With the microphone and the loudspeaker."""
    from multimodal_assistant.app import settings_from
    from multimodal_assistant.transports.local import local_connection
    from multimodal_assistant.transports.portaudio import found, opener

    from .desk import at_the_keyboard

    audio = settings_from(**options.settings).audio
    devices = await anyio.to_thread.run_sync(found)
    devices.choose("microphone", audio.microphone)  # before anybody waits for models
    devices.choose("speaker", audio.speaker)
    async with _ready(options) as talk:
        open_stream = opener(audio.microphone, audio.speaker)
        async with local_connection(open_stream, cancels_echo=audio.echo_cancellation, notice=talk.view.notice) as connection:
            session = talk.session(connection)
            talk.view.notes([f"Listening: {connection.devices}."])
            async with at_the_keyboard(talk.view, connection, session.history.clear):
                await session.run()


@dataclass(slots=True)
class _Talk:
    """All that a conversation needs but its connection."""

    engines: "Engines"
    manner: "Manner"
    detector: "EndOfTurn"
    view: "TalkView"
    bus: EventBus
    record: Path | None
    begun: "Session | None" = None

    @property
    def quiet(self) -> bool:
        """Nobody has the floor."""
        return self.begun is not None and self.begun.quiet

    @property
    def making(self) -> bool:
        """An answer is being made."""
        return self.begun is not None and self.begun.making

    def session(self, connection: Connection) -> "Session":
        """A conversation over this connection, recorded if that is wanted."""
        from multimodal_assistant.pipeline.session import Session
        from multimodal_assistant.transports.recorded import RecordedConnection

        if self.record is not None:
            connection = RecordedConnection(connection, self.record)
        self.begun = Session(connection, self.engines, self.detector, manner=self.manner, bus=self.bus)
        return self.begun


@asynccontextmanager
async def _ready(options: Options) -> AsyncGenerator[_Talk]:
    """Engines loaded, files open, the view watching."""
    from multimodal_assistant.app import assemble, settings_from, turn_detector
    from multimodal_assistant.remembering import remembered
    from multimodal_assistant.seeing import check_source, practised
    from multimodal_assistant.transports.recorded import recording_folder
    from multimodal_assistant.visual_memory import remembered_views

    from .event_file import EventFile
    from .talk_view import TalkView

    if options.video is not None:
        await check_source(options.video)  # before anybody waits for models
    settings = settings_from(**options.settings)
    view, bus = TalkView(options.settings["memory"]["user"]), EventBus()
    bus.subscribe(Event, view.show)
    with ExitStack() as files:
        record = None if options.record is None else recording_folder(options.record)
        for path in (options.events, record and record / "events.jsonl"):
            if path is not None:
                bus.subscribe(Event, files.enter_context(EventFile(path)).write)
        talk: _Talk | None = None

        def quiet() -> bool:
            return talk is not None and talk.quiet

        def making() -> bool:
            return talk is not None and talk.making

        async with (
            await assemble(settings, tell=view.remark) as assistant,
            turn_detector(settings) as detector,
            remembered(settings, assistant.engines.llm, quiet=quiet, notice=view.remark) as memories,
            remembered_views(
                settings, assistant.engines.llm, quiet=quiet, notice=view.remark, texts=memories and memories.store.embedder
            ) as views,
        ):
            view.notes(assistant.notes)
            with view.loading():
                await assistant.warm()
                await detector.warm()
                manner = await assistant.patient()
            # A video begins with the conversation.
            async with _sight(options, settings, assistant.engines.llm, bus, view, making, views) as sight:
                if options.shows:
                    manner = await practised(assistant.engines.llm, manner)
                manner = replace(manner, sight=sight, memory=None if memories is None else memories.conversation())
                talk = _Talk(assistant.engines, manner, detector, view, bus, record)
                yield talk


@asynccontextmanager
async def _sight(
    options: Options, settings: Any, llm: Any, bus: EventBus, view: "TalkView", busy: Callable[[], bool], views: "Views | None"
) -> "AsyncGenerator[Sight]":
    """What is shown, if anything is, and what was seen before, if that is remembered."""
    from multimodal_assistant.pipeline.sight import NoSight
    from multimodal_assistant.seeing import live_sight, source_of, viewer_of
    from multimodal_assistant.transports.camera import Camera

    source: VideoSource | None = None
    if options.camera is not None:
        source = Camera(options.camera)
    elif options.video is not None:
        source = source_of(options.video)
    async with AsyncExitStack() as stack:
        sight: Sight = NoSight()
        if source is not None:
            keep = None if views is None else views.keep(source.name)
            opened = live_sight(settings, llm, source, bus, busy=busy, notice=view.notice, keep=keep)
            sight = await stack.enter_async_context(opened)
        if views is not None:
            sight = remembering = views.sight(sight, await viewer_of(llm), llm)

            def answering(_: ReplyText) -> None:
                remembering.answering()

            bus.subscribe(ReplyText, answering)
            if source is not None:
                view.remark(views.notice)
        yield sight
