"""A microphone that gives not even noise is told of; a browser that does not let the page listen along to it is not taken for one."""

from pathlib import Path

import pytest
from playwright.async_api import expect
from visiting import Visit, needs_browser, recorded, visiting

from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]

QUIET = "Nothing comes from the microphone."
_SUSPENDED = """
  const Running = AudioContext;
  window.AudioContext = class extends Running {
    constructor(...given) { super(...given); void this.suspend(); }
    resume() { return Promise.reject(new Error("not by this page")); }
  };
"""


async def listen_for_six_seconds(visit: Visit, *, before: str = "") -> None:
    """They pass at once. before: a script."""
    await visit.page.clock.install()
    await visit.page.add_init_script(before)
    await visit.page.reload()
    await visit.page.get_by_role("button", name="Talk").click()
    await visit.status("Listening")
    await visit.page.clock.run_for(6000)


async def test_a_microphone_that_gives_nothing_is_told_of(tmp_path: Path) -> None:
    silence = recorded(tmp_path / "silence.wav", 60.0)
    async with serving() as server, visiting(server.address, microphone=silence) as visit:
        await listen_for_six_seconds(visit)
        await visit.notice(QUIET)


async def test_one_that_cannot_be_listened_along_to_is_not(tmp_path: Path) -> None:
    silence = recorded(tmp_path / "silence.wav", 60.0)
    async with serving() as server, visiting(server.address, microphone=silence) as visit:
        await listen_for_six_seconds(visit, before=_SUSPENDED)
        await expect(visit.page.locator("#notice")).to_be_hidden()
        await visit.status("Listening")
        assert visit.complaints == []
