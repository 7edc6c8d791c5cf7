"""Asynchronous tests run on asyncio; those of the conversation itself fail when our code blocks the event loop."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

_NEVER_BLOCKS = ("core", "pipeline", "conversations", "docs")
"""Folders whose subjects run on the event loop."""


@pytest.fixture(scope="session", autouse=True)
def no_memory_of_ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Programs that the tests start remember nothing, unless a test wants it, and never where the user's own memories are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSISTANT_MEMORY__ENABLED", "false")
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def blocking_fails(request: pytest.FixtureRequest) -> Iterator[None]:
    """A file, socket, lock or sleep that our code waits for on the loop raises `blockbuster.BlockingError`."""
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    if folder not in _NEVER_BLOCKS or request.node.get_closest_marker("anyio") is None:
        yield
        return
    with blockbuster_ctx("multimodal_assistant"):
        yield


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Mapping[str, str]], Path]:
    """Installs a package for one test: `install(entry points as in entry_points.txt, {module file: source})` → its folder."""

    def make(entry_points: str, modules: Mapping[str, str]) -> Path:
        folder = tmp_path / "site"
        about = folder / "plugin_of_a_test-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-of-a-test\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(entry_points)
        for name, source in modules.items():
            (folder / name).write_text(source)
        monkeypatch.syspath_prepend(folder)  # pyright: ignore[reportUnknownMemberType]
        return folder

    return make
