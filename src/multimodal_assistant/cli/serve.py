"""`assistant serve`: the assistant for other programs."""

from typing import Any

import anyio.to_thread
import click

from .options import engine_flags, settings_flags
from .run import run


@click.command()
@click.option("--host", help="Address to listen on. Default: 127.0.0.1, this machine only; others need a key (`assistant keys`).")
@click.option("--port", type=click.IntRange(0, 65535), help="Default: 8765. 0: any that is free.")
@engine_flags
def command(host: str | None, port: int | None, **flags: Any) -> None:
    """Let programs that speak the OpenAI Realtime API hold conversations over a WebSocket, at /v1/realtime."""
    settings = settings_flags(flags) | {"server": {"host": host, "port": port}}
    run(lambda: _serve(settings))


async def _serve(flags: dict[str, Any]) -> None:
    from multimodal_assistant.app import assemble, settings_from, turn_detector
    from multimodal_assistant.config import config_file
    from multimodal_assistant.pipeline.gauge import gauge_llm, gauge_stt, gauge_tts, spoken, voice_to_voice
    from multimodal_assistant.server.host import Host, check_certificate, check_exposure
    from multimodal_assistant.server.keys import KeyFile
    from multimodal_assistant.server.listen import address, listening, serve

    from .view import View

    settings = settings_from(**flags)
    keys = KeyFile(config_file().with_name("keys.json"))
    check_exposure(settings.server, keys)
    check_certificate(settings.server)
    view = View()
    with await anyio.to_thread.run_sync(listening, settings.server.host, settings.server.port) as bound:
        async with await assemble(settings, tell=view.remark) as assistant, turn_detector(settings) as detector:
            view.notes(assistant.notes)
            with view.loading():
                await assistant.warm()
                await detector.warm()
                manner = await assistant.patient()
                engines = assistant.engines
                stt = await gauge_stt(engines.stt, await spoken(engines.tts))
                _, clause = await gauge_llm(engines.llm, system=assistant.manner.system, first_words=assistant.manner.first_words)
                expected = voice_to_voice(stt, clause, await gauge_tts(engines.tts))
            here = address(bound, tls=settings.server.certificate is not None)
            view.out.print(f"Listening on {here}/v1 · about {expected:.2f} s to an answer · Ctrl-C ends it")
            await serve(Host(engines, detector, manner, settings.server, keys), bound)
