"""`assistant ask`: one question, spoken or written, answered by voice."""

import json
import resource
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio.to_thread
import click

from multimodal_assistant.core.errors import NoSpeech, UsageError
from multimodal_assistant.core.events import EventBus, ReplyText, TranscriptFinal
from multimodal_assistant.core.timing import Stopwatch
from multimodal_assistant.core.types import AudioChunk, SpokenChunk

from .options import engine_flags, memory_flags, settings_flags
from .run import run

_DEFAULT_OUT = Path("answer.wav")


@dataclass(frozen=True, slots=True)
class Options:
    """The flags."""

    question: Path | None
    text: str | None
    out: Path | None
    as_json: bool
    image: Path | None
    settings: dict[str, Any]


@click.command()
@click.argument("question", type=click.Path(path_type=Path), required=False)
@click.option("--text", help="The question in writing, instead of a recording.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where to save the spoken answer (WAV). Default: answer.wav, and the loudspeaker."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--image", type=click.Path(path_type=Path), help="A picture that the question is about (JPEG, PNG, WebP, …).")
@memory_flags
@engine_flags
def command(question: Path | None, text: str | None, out: Path | None, as_json: bool, image: Path | None, **flags: Any) -> None:
    """Answer QUESTION, a recording (WAV, FLAC, OGG, MP3), or --text, by voice.

    Exit codes: 0 answered, 2 bad usage or unreadable input, 3 an engine or model is missing or failed.
    """
    if (question is None) == (text is None):
        raise UsageError(
            "Give either a recording or --text.", "For example: assistant ask question.wav, or assistant ask --text 'Who are you?'"
        )
    if text is not None and not text.strip():
        raise UsageError("The question in --text is empty.", "Write what you want to know.")
    if text is not None and not text.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError("The question in --text is not valid UTF-8.", "Check the encoding of your terminal or script.")
    options = Options(question, text, out, as_json, image, settings_flags(flags))
    run(lambda: _ask(options), silent=image is not None)


async def _ask(options: Options) -> None:
    from multimodal_assistant.app import assemble, settings_from
    from multimodal_assistant.pipeline.exchange import exchange
    from multimodal_assistant.remembering import remembered
    from multimodal_assistant.seeing import sight_for
    from multimodal_assistant.transports.file import WavSink, check_writable, read_audio
    from multimodal_assistant.transports.pictures import read_picture
    from multimodal_assistant.transports.speaker import loudspeaker

    from .ask_view import AskView

    out = options.out or _DEFAULT_OUT
    check_writable(out)
    settings = settings_from(**options.settings)
    pixels = None if options.image is None else await anyio.to_thread.run_sync(read_picture, options.image)
    question: AudioChunk | str = options.text or ""
    if options.question is not None:
        question = await anyio.to_thread.run_sync(read_audio, options.question)
    device = None
    if options.out is None and not options.as_json:
        device = await anyio.to_thread.run_sync(loudspeaker, settings.audio.speaker)
    view = AskView(quiet=options.as_json)
    watch = Stopwatch()
    bus = EventBus()
    bus.subscribe(TranscriptFinal, view.heard)
    bus.subscribe(ReplyText, view.reply)
    async with (
        await assemble(settings, hears=options.question is not None, tell=view.remark) as assistant,
        remembered(settings, assistant.engines.llm, quiet=lambda: False, notice=view.remark) as memories,
        sight_for(settings, assistant.engines.llm, pixels) as sight,
    ):
        view.notes(assistant.notes)
        with view.loading():
            await assistant.warm(hears=options.question is not None)
        watch.mark("loaded")
        sink = WavSink(out)
        async with _with_speaker(sink, assistant.engines.tts.rate, device) as ears:
            try:
                memory = None if memories is None else memories.conversation()
                manner = replace(assistant.manner, memory=memory, sight=sight)
                answer = await exchange(question, assistant.engines, ears, manner=manner, bus=bus, watch=watch)
            except NoSpeech as error:
                raise NoSpeech(f"{options.question}: {error.problem}", error.remedy) from error
        await sink.save()
        details = {kind: dict(getattr(assistant.engines, kind).details) for kind in ("stt", "llm", "tts", "vad")}
    timings = _timings(watch)
    if options.as_json:
        report = {
            "transcript": answer.transcript.text,
            "language": answer.transcript.language,
            "reply": answer.reply,
            "audio": str(out),
            "audio_seconds": round(answer.audio_seconds, 3),
            "engines": details,
            "timings_ms": timings,
            "peak_rss_mb": _peak_rss_mb(),
        }
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        view.done(out, answer.audio_seconds, timings, _peak_rss_mb())


class _Both:
    """The file, and the loudspeaker as the answer is made."""

    def __init__(self, *sinks: Any) -> None:
        self._sinks = sinks

    async def write(self, chunk: SpokenChunk) -> None:
        for sink in self._sinks:
            await sink.write(chunk)


@asynccontextmanager
async def _with_speaker(sink: Any, rate: int, device: int | None) -> AsyncGenerator[Any]:
    """`sink`, joined by a loudspeaker if one is given."""
    from multimodal_assistant.transports.speaker import Speaker

    async with AsyncExitStack() as stack:
        if device is not None:
            yield _Both(sink, await stack.enter_async_context(Speaker(rate, device)))
        else:
            yield sink


def _timings(watch: Stopwatch) -> dict[str, float | None]:
    """Milliseconds of every stage; None for a stage that did not happen."""

    def ms(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds * 1000, 1)

    return {
        "load": ms(watch.at("loaded")),
        "stt": ms(watch.between("begin", "heard")),
        "llm_first_token": ms(watch.between("heard", "first_token")),
        "tts_first_audio": ms(watch.between("first_clause", "first_audio")),
        "first_audio": ms(watch.between("heard", "first_audio")),
        "total": ms(watch.at("done")),
    }


def _peak_rss_mb() -> float:
    """Largest resident set of this process so far, in MB (10^6 bytes).

    Linux counts in `ru_maxrss` what a process was before it became this program, which is as large as the one that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
