"""Asynchronous tests run on asyncio; those of the conversation itself fail when our code blocks the event loop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

_NEVER_BLOCKS = ("core", "pipeline", "docs")
"""Folders whose subjects run on the event loop."""


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
