"""`assistant memory`: what is remembered, and everything one can do with it."""

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread
import click

from multimodal_assistant.core.errors import UsageError

from .memory_bench import bench
from .run import run
from .visual import command as visual

if TYPE_CHECKING:
    from multimodal_assistant.memory.note import MemoryNote, Scope
    from multimodal_assistant.memory.records import Imported
    from multimodal_assistant.memory.system import AgenticMemorySystem
    from multimodal_assistant.remembering import Memories

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """Show, correct and forget what is remembered."""


def _flags(function: F) -> F:
    """What all of them share."""
    for flag in (
        click.option("--json", "as_json", is_flag=True, help="For programs."),
        click.option("--user", help="Whose memories. Default: those of the settings."),
    ):
        function = flag(function)
    return function


def _with(user: str | None, work: Callable[["Memories", "AgenticMemorySystem"], Any]) -> Any:
    """Open the memories, and do something with those of the user."""
    from multimodal_assistant.app import settings_from
    from multimodal_assistant.remembering import open_memories

    async def main() -> Any:
        settings = settings_from(memory={"user": user})
        async with open_memories(settings) as memories:
            return await work(memories, memories.of(settings.memory.user))

    return run(main)


@command.command()
@click.argument("text")
@click.option("--time", "said_at", help="When it was said, as 2026-05-07T12:00 (local time). Default: now.")
@_flags
def add(text: str, said_at: str | None, user: str | None, as_json: bool) -> None:
    """Remember TEXT, word for word."""
    from multimodal_assistant.memory.upkeep import Upkeep

    moment = _moment(said_at) if said_at else None

    async def work(_: Any, memory: "AgenticMemorySystem") -> "MemoryNote | None":
        id = await memory.add_note(text, moment)
        await Upkeep(memory.store).drain()
        return await memory.read(id)

    note = _with(user, work)
    _show(note, as_json, lambda: f"Remembered as {note.id}.")


@command.command()
@click.argument("query")
@click.option("-k", "most", type=click.IntRange(1, 100), default=5, show_default=True, help="Memories at most.")
@_flags
def search(query: str, most: int, user: str | None, as_json: bool) -> None:
    """What bears on QUERY, the best first."""

    async def work(_: Any, memory: "AgenticMemorySystem") -> Any:
        await memory.store.settle()
        return await memory.recall(query, most)

    found = _with(user, work)
    if as_json:
        hits = [_facts(hit.note) | {"score": hit.score, "neighbors": [one.id for one in hit.neighbors]} for hit in found.hits]
        click.echo(json.dumps({"confidence": round(found.confidence, 4), "hits": hits}, ensure_ascii=False, indent=2))
        return
    for hit in found.hits:
        click.echo(f"{hit.score:6.2f}  {_line(hit.note)}")
        for other in hit.neighbors:
            click.echo(f"        ↳ {_line(other)}")
    click.echo(f"Confidence that the answer is among them: {found.confidence:.0%}." if found.hits else "Nothing is remembered yet.")


@command.command()
@click.argument("id")
@_flags
def show(id: str, user: str | None, as_json: bool) -> None:
    """One memory, with all that is derived from it."""
    note = _one(user, id)
    _show(note, as_json, lambda: _whole(note))


@command.command(name="list")
@click.option("-n", "most", type=click.IntRange(1), default=20, show_default=True, help="Memories at most.")
@_flags
def list_notes(most: int, user: str | None, as_json: bool) -> None:
    """The newest memories first."""
    notes = _with(user, lambda _, memory: memory.latest(most))
    _show_all(notes, as_json)


@command.command()
@click.argument("id")
@_flags
def links(id: str, user: str | None, as_json: bool) -> None:
    """What a memory is linked to."""
    note = _one(user, id)
    _show_all(_with(user, lambda _, memory: memory.read_multiple(note.links)), as_json)


@command.command()
@click.argument("id")
@_flags
def history(id: str, user: str | None, as_json: bool) -> None:
    """What has been changed of what is derived from a memory, by whom and why."""
    note = _one(user, id)
    if as_json:
        click.echo(json.dumps(_facts(note)["evolution_history"], ensure_ascii=False, indent=2))
        return
    for step in note.evolution_history:
        click.echo(
            f"{_when(step.at)}  {step.by}: {step.field} {step.old!r} → {step.new!r}{f' (because of {step.cause})' if step.cause else ''}"
        )
    if not note.evolution_history:
        click.echo("Nothing has been changed.")


@command.command()
@click.argument("id")
@click.option("--steps", type=click.IntRange(1), default=1, show_default=True, help="Changes to take back.")
@_flags
def revert(id: str, steps: int, user: str | None, as_json: bool) -> None:
    """Take back the latest changes of what is derived from a memory."""
    _one(user, id)
    count = _with(user, lambda _, memory: memory.revert(id, steps))
    _say({"reverted": count}, as_json, f"{count} {'change was' if count == 1 else 'changes were'} taken back.")


@command.command()
@click.argument("about", required=False, default="")
@click.option("--id", "ids", multiple=True, help="This memory; may be given again.")
@click.option("--last", metavar="MINUTES", type=click.FloatRange(min=0), help="What was said in the last minutes.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_flags
def forget(about: str, ids: tuple[str, ...], last: float | None, yes: bool, user: str | None, as_json: bool) -> None:
    """Delete for good what names all of ABOUT, and everything that came of it."""
    if not (about.strip() or ids or last is not None):
        raise UsageError("Say what is to be forgotten.", "For example: assistant memory forget 'xylophone', or --last 5.")
    since = None if last is None else datetime.now(UTC) - timedelta(minutes=last)

    async def work(_: Any, memory: "AgenticMemorySystem") -> Any:
        found = await memory.forget(about, ids=ids, since=since, preview=True)
        if not found or not (yes or _agreed(found)):
            return []
        return await memory.forget(ids=[note.id for note in found])

    gone = _with(user, work)
    _say({"forgotten": [note.id for note in gone]}, as_json, f"{len(gone)} {'memory is' if len(gone) == 1 else 'memories are'} gone.")


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default=Path("-"))
@click.option("--user", help="Whose memories. Default: those of the settings.")
def export(file: Path, user: str | None) -> None:
    """Write all memories as lines of JSON, to FILE or the standard output (-)."""
    aside = str(file) == "-"
    from multimodal_assistant.memory.exchange import to_lines

    async def work(_: Any, memory: "AgenticMemorySystem") -> int:
        count = 0
        with nullcontext(sys.stdout) if aside else file.open("w", encoding="utf-8") as out:
            async for note in memory.export():
                out.writelines(f"{line}\n" for line in to_lines([note]))
                count += 1
        return count

    try:
        count = _with(user, work)
    except BrokenPipeError:  # whoever read it has enough
        sys.stdout = None
        return
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Give another file.") from error
    if not aside:
        click.echo(f"{count} memories are in {file}.")


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@_flags
def import_notes(file: Path, user: str | None, as_json: bool) -> None:
    """Take over the memories of FILE: lines that `export` wrote, a mem0 export, or A-MEM's JSON or Chroma database.

    What is there already stays as it is; all of the file is taken, or nothing.
    """
    from multimodal_assistant.memory.upkeep import Upkeep

    async def work(_: Any, memory: "AgenticMemorySystem") -> tuple[int, dict[str, int]]:
        found = await anyio.to_thread.run_sync(_read, file, memory.scope)
        before = await memory.store.read(lambda log: log.counts(memory.scope.user)["notes"])
        await memory.add_notes(found.notes)
        await Upkeep(memory.store).drain()
        after = await memory.store.read(lambda log: log.counts(memory.scope.user)["notes"])
        return after - before, dict(found.ignored)

    count, ignored = _with(user, work)
    left = f" Left out, since notes have no place for it: {', '.join(ignored)}." if ignored else ""
    _say({"imported": count, "ignored": ignored}, as_json, f"{count} memories were taken over.{left}")


def _read(file: Path, scope: "Scope") -> "Imported":
    from multimodal_assistant.memory.exchange import from_chroma, read

    if file.is_dir() or file.suffix == ".sqlite3":
        return from_chroma(file, scope, now=datetime.now(UTC))
    try:
        return read(file.read_text("utf-8"), scope)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Give the path of a file.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not text in UTF-8.", "Export it again as JSON.") from error


@command.command()
@_flags
def stats(user: str | None, as_json: bool) -> None:
    """How much is remembered, and what still waits to be worked on."""

    async def work(memories: "Memories", memory: "AgenticMemorySystem") -> dict[str, Any]:
        await memory.store.settle()
        counts = await memory.store.read(lambda log: log.counts(memory.scope.user))
        return {"user": memory.scope.user, **counts, "indexed": await memories.store.indexed()}

    found = _with(user, work)
    _say(found, as_json, "\n".join(f"{name.replace('_', ' '):<18} {value}" for name, value in found.items()))


@command.command()
@_flags
def rebuild(user: str | None, as_json: bool) -> None:
    """Build the index anew from the words that are kept."""
    from rich.progress import Progress

    async def work(_: Any, memory: "AgenticMemorySystem") -> int:
        with Progress(transient=True, disable=as_json) as bar:
            task = bar.add_task("index", total=None)
            return await memory.consolidate_memories(lambda step: bar.update(task, completed=step.done, total=step.total))

    count = _with(user, work)
    _say({"indexed": count}, as_json, f"The index holds {count} memories.")


@command.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("memory.html"), show_default=True, help="HTML file.")
@click.option("-n", "most", type=click.IntRange(1, 5000), default=2000, show_default=True, help="The newest memories at most.")
@_flags
def graph(out: Path, most: int, user: str | None, as_json: bool) -> None:
    """Draw the memories and their links as a page that needs nothing else."""
    from multimodal_assistant.memory.graph import graph_html

    notes = _with(user, lambda _, memory: memory.latest(most))
    try:
        out.write_text(graph_html(notes), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.", "Give another file with --out.") from error
    _say({"file": str(out), "notes": len(notes)}, as_json, f"{len(notes)} memories are drawn in {out}.")


command.add_command(bench)
command.add_command(visual)


def _one(user: str | None, id: str) -> "MemoryNote":
    note = _with(user, lambda _, memory: memory.read(id))
    if note is None:
        raise UsageError(f"There is no memory {id!r}.", "`assistant memory list` shows their ids.")
    return note


def _agreed(found: "list[MemoryNote]") -> bool:
    for note in found[:20]:
        click.echo(_line(note), err=True)
    if len(found) > 20:
        click.echo(f"… and {len(found) - 20} more", err=True)
    return click.confirm(f"Forget {'this' if len(found) == 1 else f'these {len(found)}'} for good?", err=True)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise UsageError(f"{text!r} is no time.", "Write it as 2026-05-07T12:00.") from error


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _line(note: "MemoryNote") -> str:
    said = " ".join(note.content.split())
    who = note.speaker or note.source
    outdated = " (corrected since)" if note.superseded_by else ""
    return f"{note.id}  {_when(note.timestamp)}  {who}: {said[:200]}{'…' if len(said) > 200 else ''}{outdated}"


def _whole(note: "MemoryNote") -> str:
    facts = {name: value for name, value in _facts(note).items() if value not in ("", [], None) and name != "content"}
    return "\n".join([note.content, "", *(f"{name:<18} {value}" for name, value in facts.items())])


def _facts(note: "MemoryNote") -> dict[str, Any]:
    from multimodal_assistant.memory.exchange import to_lines

    (line,) = to_lines([note])
    return json.loads(line)


def _show(note: "MemoryNote", as_json: bool, text: Callable[[], str]) -> None:
    click.echo(json.dumps(_facts(note), ensure_ascii=False, indent=2) if as_json else text())


def _show_all(notes: "list[MemoryNote]", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_facts(note) for note in notes], ensure_ascii=False, indent=2))
        return
    for note in notes:
        click.echo(_line(note))
    if not notes:
        click.echo("There is none.")


def _say(facts: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else text)
