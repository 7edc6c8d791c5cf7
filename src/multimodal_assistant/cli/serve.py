"""`assistant serve`: the assistant in the browser, and for other programs."""

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import click

from .options import engine_flags, memory_flags, settings_flags
from .run import run

if TYPE_CHECKING:
    from .rehearsal import Rehearsal
    from .view import View

_GRACE_SECONDS = 6.0  # conversations are told goodbye first


@click.command()
@click.option("--host", help="Address to listen on. Default: 127.0.0.1, this machine only; others need a key (`assistant keys`).")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: 8765. 0: any that is free.")
@memory_flags
@engine_flags
def command(host: str | None, port: int | None, **flags: Any) -> None:
    """Talk in the browser; clients of the OpenAI API find theirs at /v1."""
    settings = settings_flags(flags) | {"server": {"host": host, "port": port}}
    run(lambda: _serve(settings), grace=_GRACE_SECONDS, silent=True)


async def _serve(flags: dict[str, Any]) -> None:
    from multimodal_assistant.app import assemble, other_models, settings_from, store_of, turn_detector
    from multimodal_assistant.config import config_file
    from multimodal_assistant.remembering import remembered
    from multimodal_assistant.seeing import eyes_for, practised, viewer_of
    from multimodal_assistant.server.host import Host, check_certificate, check_exposure
    from multimodal_assistant.server.ice import IceServers
    from multimodal_assistant.server.keys import KeyFile
    from multimodal_assistant.server.listen import address, listening, serve
    from multimodal_assistant.server.vision import Vision
    from multimodal_assistant.visual_memory import remembered_views

    from .rehearsal import rehearse
    from .view import View

    settings = settings_from(**flags)
    keys = KeyFile(config_file().with_name("keys.json"))
    check_exposure(settings.server, keys)
    check_certificate(settings.server)
    IceServers(settings.server)  # what is wrong there is said before models are loaded
    view = View()
    with await anyio.to_thread.run_sync(listening, settings.server.host, settings.server.port) as bound:
        host: Host | None = None
        async with (
            await assemble(settings, tell=view.remark) as assistant,
            turn_detector(settings) as detector,
            remembered(
                settings, assistant.engines.llm, quiet=lambda: host is not None and not host.live, notice=view.remark, alone=True
            ) as memories,
            remembered_views(
                settings,
                assistant.engines.llm,
                quiet=lambda: host is not None and host.quiet,
                notice=view.remark,
                texts=memories and memories.store.embedder,
            ) as views,
            eyes_for(settings, viewer := await viewer_of(assistant.engines.llm), view.remark, remembers=views is not None) as eyes,
        ):
            view.notes(assistant.notes)
            with view.loading():
                await assistant.warm()
                await detector.warm()
                manner = await assistant.patient()
                manner = await practised(assistant.engines.llm, manner)
                found = await rehearse(assistant.engines, detector, manner)
            _rehearsed(view, found)
            remembering = None if memories is None else memories.conversation
            models = await other_models(settings, store_of(settings))
            host = Host(assistant.engines, detector, manner, settings.server, keys, Vision(viewer, eyes, views), remembering, models)
            if views is not None:
                view.remark(views.notice)
            view.out.print(f"Talk at {address(bound, tls=settings.server.certificate is not None)}/ (Ctrl-C ends it)")
            async with aclosing(host.minds):
                await serve(host, bound)


def _rehearsed(view: "View", found: "Rehearsal") -> None:
    """What the question to itself came to."""
    if found.seconds is None:
        view.remark(f"A question to itself was not answered. {found.problem or 'See `assistant doctor`.'}")
    else:
        view.out.print(f"Asked itself “{found.heard}”, answered “{found.answer.strip()}” after {found.seconds:.2f} s")
