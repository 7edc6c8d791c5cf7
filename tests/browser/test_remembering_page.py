"""The page says that it is remembered, and lets one switch that off."""

import pytest
from playwright.async_api import expect
from visiting import needs_browser, visiting

from multimodal_assistant.engines.scripted import ScriptedMemory
from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]

_DONE_AND_SEND = """words => {
  document.getElementById("close-settings").click();
  document.getElementById("text").value = words;
  document.getElementById("composer").requestSubmit();
}"""
"""At once: the browser tells of a dialog's end a frame later."""


async def test_nothing_is_remembered_once_it_is_switched_off_and_again_once_it_is_on() -> None:
    memory = ScriptedMemory()
    async with serving(remembering=lambda _: memory) as server, visiting(server.address) as visit:
        await visit.type("One.")
        await visit.said("assistant", "It is nine.")
        for checked, words in ((False, "Two."), (True, "Three.")):
            await visit.page.get_by_role("button", name="Settings").click()
            box = visit.page.get_by_label("Remember what is said")
            await expect(box).to_be_checked(checked=not checked)
            await box.set_checked(checked)
            await visit.page.evaluate(_DONE_AND_SEND, words)
            await expect(visit.page.locator(".message.assistant.done")).to_have_count(2 if not checked else 3)
        assert [said for said, _ in memory.kept if said] == ["One.", "Three."]
        assert visit.complaints == []


async def test_a_server_without_a_memory_offers_no_choice() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.type("One.")
        await visit.said("assistant", "It is nine.")
        await visit.page.get_by_role("button", name="Settings").click()
        await expect(visit.page.get_by_label("Remember what is said")).to_be_hidden()
