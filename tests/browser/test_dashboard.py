"""The dashboard, in a real browser: what it shows of a conversation, and that everybody can read it."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect
from visiting import needs_browser, visiting

from calling import calling
from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]

KEY = "a-long-enough-secret"


async def test_it_shows_a_conversation_and_what_became_of_it() -> None:
    async with serving() as server, calling(server.address) as caller, visiting(server.address) as visit:
        await visit.page.goto(f"{server.address}/dashboard")
        now, since = visit.page.locator("#now .tile"), visit.page.locator("#since .tile")
        await expect(now.filter(has_text="Conversations")).to_contain_text("1 webrtc")
        await expect(visit.page.locator("#no-stages")).to_be_visible()
        caller.send(
            type="conversation.item.create", item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
        )
        caller.send(type="response.create")
        await caller.until("response.done")
        await expect(since.filter(has_text="Answers")).to_contain_text("1 finished")
        await expect(visit.page.get_by_role("row", name="Answer heard")).to_contain_text("1")
        await expect(visit.page.get_by_role("row", name="Language model")).to_contain_text("scripted")
        assert visit.complaints == []


async def test_it_wants_the_key_and_takes_it() -> None:
    async with serving(key=KEY) as server, visiting(server.address) as visit:
        await visit.page.goto(f"{server.address}/dashboard")
        await visit.page.get_by_label("Key").fill(KEY)
        await visit.page.get_by_role("button", name="Enter").click()
        await expect(visit.page.locator("#state")).to_have_text("Up to date")


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_it_can_be_read_by_everybody_and_on_a_telephone(colours: str) -> None:
    small = {"width": 360, "height": 700}
    async with serving() as server, visiting(server.address, color_scheme=colours, viewport=small) as visit:
        await visit.page.goto(f"{server.address}/dashboard")
        await expect(visit.page.locator("#state")).to_have_text("Up to date")
        axe: Any = Axe()  # it comes without types
        found = await axe.run(visit.page)
        assert found.violations_count == 0, found.generate_report()
        assert await visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
