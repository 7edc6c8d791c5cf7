"""The page as it is opened, without anybody speaking: what it loads, how it looks on a phone, who can use it, and what it says
where something is missing."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect
from visiting import Visit, needs_browser, visiting

from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(120)]

KEY = "a-long-enough-secret"


async def test_it_loads_and_complains_of_nothing() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.status("Ready")
        await expect(visit.page.locator("#sight")).to_be_hidden()  # this server does not look at pictures
        assert visit.complaints == []


async def test_a_microphone_that_may_not_be_used() -> None:
    async with serving() as server, visiting(server.address, allowed=False) as visit:
        await visit.page.get_by_role("button", name="Talk").click()
        await visit.notice("The browser may not use the microphone: click the icon beside the address and allow it.")
        await visit.state("idle")


async def test_no_microphone() -> None:
    async with serving() as server, visiting(server.address, bare=True) as visit:
        await visit.page.get_by_role("button", name="Talk").click()
        await visit.notice("No microphone was found: plug one in or type.")
        await visit.type("What time is it?")
        await visit.said("assistant", "It is nine.")


async def test_a_key_is_asked_for_and_not_kept() -> None:
    async with serving(key=KEY) as server, visiting(server.address) as visit:
        await visit.status("This server asks for a key")
        await visit.page.get_by_label("Key").fill("a-key-that-is-wrong")
        await visit.page.get_by_role("button", name="Enter").click()
        await expect(visit.page.locator("#key-trouble")).to_have_text("The server does not know that key.")
        await visit.page.get_by_label("Key").fill(KEY)
        await visit.page.get_by_role("button", name="Enter").click()
        await visit.status("Ready")
        await visit.type("What time is it?")
        await visit.said("assistant", "It is nine.")
        kept = await visit.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert KEY not in kept


async def test_all_of_it_fits_on_a_phone() -> None:
    async with serving() as server, visiting(server.address, viewport={"width": 360, "height": 640}, has_touch=True) as visit:
        await visit.type("What time is it?")
        await visit.said("assistant", "It is nine.")
        await visit.page.locator("summary").last.click()
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= 360
        for name in ("Talk", "Send", "Settings", "Hang up"):
            await expect(visit.page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)


async def opened(_: Visit) -> None:
    """As it is."""


async def talking(visit: Visit) -> None:
    await visit.type("What time is it?")
    await visit.said("assistant", "It is nine.")
    await visit.page.locator("summary").last.click()


async def choosing(visit: Visit) -> None:
    await talking(visit)
    await visit.page.get_by_role("button", name="Settings").click()
    await expect(visit.page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("prepare", [opened, talking, choosing])
async def test_everybody_can_use_it(colours: str, prepare: Callable[[Visit], Awaitable[None]]) -> None:
    async with serving() as server, visiting(server.address, color_scheme=colours) as visit:
        await prepare(visit)
        axe: Any = Axe()  # it comes without types
        found = await axe.run(visit.page)
        assert found.violations_count == 0, found.generate_report()


async def test_dark_and_light_by_choice_and_kept() -> None:
    async with serving() as server, visiting(server.address, color_scheme="light") as visit:
        switch = visit.page.get_by_role("button", name="Dark colours")
        await switch.click()
        await expect(switch).to_have_attribute("aria-pressed", "true")
        await visit.page.reload()
        assert await visit.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
