"""`assistant memory visual`: what the camera saw, and everything one can do with it."""

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread
import click

from multimodal_assistant.core.errors import UsageError

from .run import run

if TYPE_CHECKING:
    from multimodal_assistant.memory.visual.store import VisualMemory
    from multimodal_assistant.memory.visual.view import KeptView, Recalled

F = TypeVar("F", bound=Callable[..., Any])
_ALL = 1 << 30
_ID = click.IntRange(1, 1 << 60)


@click.group(name="visual")
def command() -> None:
    """Show, find and forget what the camera saw. It is kept only where the setting [vision] remember is on."""


def _flags(function: F) -> F:
    """What all of them share."""
    for flag in (
        click.option("--json", "as_json", is_flag=True, help="For programs."),
        click.option("--user", help="Whose views. Default: those of the settings."),
    ):
        function = flag(function)
    return function


def _with(user: str | None, work: "Callable[[VisualMemory, str], Awaitable[Any]]", *, looks: bool = False) -> Any:
    """Open what was seen, and do something with that of the user. looks: pictures or texts have to be encoded for it."""
    from multimodal_assistant.app import quiet_threads, settings_from
    from multimodal_assistant.visual_memory import kept_views, open_views

    quiet_threads()

    async def main() -> Any:
        settings = settings_from(memory={"user": user})
        if not looks:
            async with kept_views(settings) as memory:
                return await work(memory, settings.memory.user)
        async with open_views(settings) as views:
            return await work(views.memory, settings.memory.user)

    return run(main)


@command.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@click.option("--time", "seen_at", help="When it was seen, as 2026-05-07T12:00 (local time). Default: now.")
@click.option("--caption", default="", help="What is in it, in your words.")
@click.option("--read", "reads", is_flag=True, help="Read the writing in it too; it takes a second or more.")
@_flags
def add(images: tuple[Path, ...], seen_at: str | None, caption: str, reads: bool, user: str | None, as_json: bool) -> None:
    """Keep each IMAGE as if a camera had seen it."""
    moment = _moment(seen_at) if seen_at else datetime.now(UTC)
    if moment > datetime.now(UTC):
        raise UsageError(f"{seen_at} is yet to come.", "Give the time at which it was seen.")

    async def work(memory: "VisualMemory", user: str) -> "list[KeptView]":
        from multimodal_assistant.app import settings_from
        from multimodal_assistant.memory.visual.view import Shot
        from multimodal_assistant.pipeline.views import settled
        from multimodal_assistant.seeing import eyes_of
        from multimodal_assistant.transports.pictures import read_picture

        pictures = [await anyio.to_thread.run_sync(read_picture, image) for image in images]
        ids: list[int] = []
        async with aclosing(eyes_of(settings_from())) as eyes:
            for image, pixels in zip(images, pictures, strict=True):
                seen = settled(await eyes.describe(pixels, reading=reads))
                id = await memory.keep(user, Shot(pixels, moment.timestamp(), image.name, seen, caption=caption))
                if id is None:
                    raise UsageError(f"{image} shows nothing but darkness.", "It is not kept; give another picture.")
                ids.append(id)
        views = await memory.views(user, ids)
        if not views:
            raise UsageError(
                f"{seen_at} is longer ago than anything is kept: {memory.limits.days:g} days.", "See ASSISTANT_VISION__KEEP_DAYS."
            )
        return views

    _show_all(_with(user, work, looks=True), as_json)


@command.command(name="list")
@click.option("-n", "most", type=click.IntRange(1), default=20, show_default=True, help="Views at most.")
@click.option("--since", help="As 2026-05-07T12:00 (local time).")
@_flags
def list_views(most: int, since: str | None, user: str | None, as_json: bool) -> None:
    """The newest views first."""
    start = _seconds(since)
    _show_all(_with(user, lambda memory, user: memory.latest(user, most, since=start)), as_json)


@command.command()
@click.argument("query")
@click.option("-k", "most", type=click.IntRange(1, 100), default=5, show_default=True, help="Views at most.")
@click.option("--since", help="As 2026-05-07T12:00 (local time).")
@click.option("--all", "everything", is_flag=True, help="What is only a little like it too.")
@_flags
def search(query: str, most: int, since: str | None, everything: bool, user: str | None, as_json: bool) -> None:
    """Where and when QUERY was seen: a thing (the newest first), or words (the nearest first)."""
    start = _seconds(since)

    async def work(memory: "VisualMemory", user: str) -> "list[Recalled]":
        while await memory.mend_next():
            pass
        return await memory.recall_visual(user, query, since=start, most=most, sure=not everything)

    found: list[Recalled] = _with(user, work, looks=True)
    if as_json:
        hits = [_facts(one.view) | {"why": one.why, "likeness": round(one.likeness, 4)} for one in found]
        click.echo(json.dumps(hits, ensure_ascii=False, indent=2))
        return
    for one in found:
        click.echo(f"{one.why:<8}  {_line(one.view)}")
    if not found:
        click.echo("It has not been seen.")


@command.command()
@click.argument("id", type=_ID)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the picture: FILE.jpg.")
@_flags
def show(id: int, out: Path | None, user: str | None, as_json: bool) -> None:
    """One view with all that is known of it."""

    async def work(memory: "VisualMemory", user: str) -> "tuple[KeptView, bytes]":
        (view,) = await memory.views(user, [id]) or (None,)
        picture = await memory.picture(user, id)
        if view is None or picture is None:
            raise _no_view(id)
        return view, picture.data

    view, data = _with(user, work)
    if out is not None:
        try:
            out.write_bytes(data)
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}.", "Give another file with --out.") from error
    if as_json:
        click.echo(json.dumps(_facts(view) | {"out": None if out is None else str(out)}, ensure_ascii=False, indent=2))
        return
    click.echo(_line(view))
    for thing in view.seen.sightings:
        click.echo(f"  {thing.probability:4.0%}  {thing.label}")
    if out is not None:
        click.echo(f"  saved: {out}")


@command.command()
@click.argument("ids", nargs=-1, type=_ID, metavar="[ID...]")
@click.option("--all", "everything", is_flag=True, help="All of this user's.")
@click.option("--since", help="What was seen since then, as 2026-05-07T12:00 (local time).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_flags
def forget(ids: tuple[int, ...], everything: bool, since: str | None, yes: bool, user: str | None, as_json: bool) -> None:
    """Delete views for good, with their pictures."""
    if (len(ids) > 0) + everything + (since is not None) != 1:
        raise UsageError("Say what is to be forgotten: ids, --all, or --since.", "For example: assistant memory visual forget --all.")
    start = _seconds(since)

    async def work(memory: "VisualMemory", user: str) -> int:
        views = await memory.views(user, ids) if ids else await memory.latest(user, _ALL, since=start)
        for id in ids:
            if id not in {view.id for view in views}:
                raise _no_view(id)
        if not views or not (yes or _agreed(views)):
            return 0
        return await memory.forget(user, [view.id for view in views])

    count = _with(user, work)
    _say({"forgotten": count}, as_json, f"{count} {'view is' if count == 1 else 'views are'} gone.")


@command.command()
@_flags
def stats(user: str | None, as_json: bool) -> None:
    """How much is kept, and since when."""

    async def work(memory: "VisualMemory", user: str) -> dict[str, Any]:
        found = await memory.stats(user)
        times = {name: None if found[name] is None else _iso(found[name]) for name in ("first", "last")}
        return {"user": user, **found, **times, "keep_days": memory.limits.days, "most_views": memory.limits.most}

    found = _with(user, work)
    _say(found, as_json, "\n".join(f"{name.replace('_', ' '):<12} {value}" for name, value in found.items()))


def _no_view(id: int) -> UsageError:
    return UsageError(f"There is no view {id}.", "`assistant memory visual list` shows their numbers.")


def _agreed(views: "list[KeptView]") -> bool:
    for view in views[:20]:
        click.echo(_line(view), err=True)
    if len(views) > 20:
        click.echo(f"… and {len(views) - 20} more", err=True)
    return click.confirm(f"Forget {'this' if len(views) == 1 else f'these {len(views)}'} for good?", err=True)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{text!r} is no time.", "Write it as 2026-05-07T12:00.") from error


def _seconds(text: str | None) -> float | None:
    return None if text is None else _moment(text).timestamp()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _line(view: "KeptView") -> str:
    until = "" if view.last_seen_at - view.seen_at < 60 else f" to {_iso(view.last_seen_at)[11:16]}"
    return f"{view.id:>5}  {_iso(view.seen_at)[:16].replace('T', ' ')}{until}  {view.source}: {view.caption or view.words}"


def _facts(view: "KeptView") -> dict[str, Any]:
    return {
        "id": view.id,
        "source": view.source,
        "seen_at": _iso(view.seen_at),
        "last_seen_at": _iso(view.last_seen_at),
        "words": view.words,
        "caption": view.caption,
        "things": [
            {
                "label": one.label,
                "probability": round(one.probability, 3),
                "box": [round(value, 4) for value in (one.box.left, one.box.top, one.box.width, one.box.height)],
            }
            for one in view.seen.sightings
        ],
        "writing": [line.text for line in view.seen.lines],
    }


def _show_all(views: "list[KeptView]", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_facts(view) for view in views], ensure_ascii=False, indent=2))
        return
    for view in views:
        click.echo(_line(view))
    if not views:
        click.echo("There is none.")


def _say(facts: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else text)
