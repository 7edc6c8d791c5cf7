"""`assistant models`: list, fetch and verify model weights."""

import json
import sys
from pathlib import Path

import click

from multimodal_assistant.core.errors import ModelFetchFailed, ModelMismatch, ModelMissing
from multimodal_assistant.models import Model, ModelStore, Status, open_store
from multimodal_assistant.models.progress import BarProgress, PlainProgress, Progress, megabytes

_OLLAMA = "ollama:"


@click.group()
def command() -> None:
    """List, fetch and verify model weights."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_models(as_json: bool) -> None:
    """Show every model there is, and which are here."""
    store = _store()
    rows = [(model, store.status(model.name)) for model in store.manifest.models.values()]
    if as_json:
        click.echo(json.dumps([_facts(model, status) for model, status in rows], indent=2))
    else:
        _print_table(rows, store.home)


def _facts(model: Model, status: Status) -> dict[str, object]:
    return {
        "name": model.name,
        "kind": model.kind,
        "bytes": model.bytes,
        "licence": model.licence,
        "state": status.state,
        "groups": list(model.groups),
        "purpose": model.purpose,
    }


def _print_table(rows: list[tuple[Model, Status]], home: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "kind"):
        table.add_column(title, no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    for title in ("state", "licence", "what for"):
        table.add_column(title, no_wrap=title == "state")
    for model, status in rows:
        state = status.state if status.state != "partial" else f"{status.files} of {status.total} files"
        table.add_row(model.name, model.kind, megabytes(model.bytes), state, model.licence, model.purpose)
    # A pipe has no width: give the lines room, so that each model stays on one.
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)
    console.print(table)
    console.print(f"\nin {home}", soft_wrap=True)


@command.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--group", "groups", metavar="GROUP", multiple=True, help="All models of a group: default, fast, test.")
def pull(names: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """Fetch what is missing of the named models; without a name, of the default ones.

    ollama:NAME has the running Ollama fetch a model of its own.
    """
    store = _store()
    progress = _progress()
    served = [name.removeprefix(_OLLAMA) for name in names if name.startswith(_OLLAMA)]
    for name in served:
        _pull_through_ollama(name, progress)
    names = tuple(name for name in names if not name.startswith(_OLLAMA))
    failures: list[ModelFetchFailed | ModelMismatch] = []
    for name in _chosen(store, names, groups) if names or groups or not served else ():
        try:
            fetched = store.pull(name, progress)
        except (ModelFetchFailed, ModelMismatch) as failure:
            failures.append(failure)
        else:
            progress.note(f"{name}: ready" if fetched else f"{name}: already here")
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise ModelFetchFailed("\n".join(f"{failure.problem}\n  {failure.remedy}" for failure in failures))


@command.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Hash the named models again; without a name, all that are here."""
    store = _store()
    progress = _progress()
    chosen = _chosen(store, names, ()) if names else [name for name in store.manifest.models if store.status(name).state != "missing"]
    damaged: list[tuple[str, str]] = []
    for name in chosen:
        damage = store.verify(name, progress)
        damaged += [(name, f"{one.path} of {name} has sha256 {one.actual} instead of {one.expected}") for one in damage]
        if not damage:
            state = store.status(name)
            progress.note(f"{name}: {state.files} of {state.total} files, all of them right")
    if damaged:
        owners = " ".join(dict.fromkeys(name for name, _ in damaged))
        lines = "\n  ".join(line for _, line in damaged)
        raise ModelMismatch(f"Damaged files were found and removed:\n  {lines}", f"To fetch them again: assistant models pull {owners}")
    absent = [name for name in names if store.status(name).state != "ready"]
    if absent:
        raise ModelMissing(f"Not complete in the store: {', '.join(absent)}.", f"Run: assistant models pull {' '.join(absent)}")


@command.command()
@click.argument("name")
def path(name: str) -> None:
    """Print the folder of a model."""
    click.echo(_store().path(name))


def _store() -> ModelStore:
    """The store of the user's settings."""
    from multimodal_assistant.config import load

    settings = load()
    return open_store(settings.home, settings.models_dir)


def _pull_through_ollama(name: str, progress: Progress) -> None:
    from multimodal_assistant.config import load
    from multimodal_assistant.engines.llm import ollama

    from .run import run

    host = load().llm.ollama_host
    with progress.step(f"{name}: Ollama at {host}") as step:
        run(lambda: ollama.pull(host, name, lambda _status, done, total: step.update(done, total or None)))
    progress.note(f"{name}: ready on Ollama")


def _chosen(store: ModelStore, names: tuple[str, ...], groups: tuple[str, ...]) -> list[str]:
    """The models that are meant, once each; unknown names fail before anything is fetched."""
    chosen = [store.manifest.model(name).name for name in names]
    for group in groups:
        chosen += store.manifest.group(group)
    return list(dict.fromkeys(chosen)) or list(store.default_names())


def _progress() -> Progress:
    if sys.stderr.isatty():
        return BarProgress()
    return PlainProgress(lambda line: click.echo(line, err=True))
