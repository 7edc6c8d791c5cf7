"""The voice and the language are chosen in the settings, and hold from the next answer on."""

import pytest
from playwright.async_api import expect
from visiting import needs_browser, visiting

from choir import Choir
from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]


async def test_a_voice_is_chosen_and_left_to_the_language_again() -> None:
    choir = Choir()
    async with serving(tts=choir.voice) as server, visiting(server.address) as visit:
        await visit.type("One.")
        await visit.said("assistant", "It is nine.")
        for count, (voice, language) in enumerate((("dora", "French"), ("", "")), 2):
            await visit.page.get_by_role("button", name="Settings").click()
            choice = visit.page.get_by_label("Voice", exact=True)
            await expect(choice.locator("option")).to_have_text(
                ["The one for the language", "English: ada", "English: anna", "French: siwis", "Spanish: dora"]
            )
            await choice.select_option(voice)
            await visit.page.get_by_label("You speak").select_option(label=language or "Whatever I speak")
            await visit.page.get_by_role("button", name="Done").click()
            await visit.type("Again.")
            await expect(visit.page.locator(".message.assistant.done")).to_have_count(count)
        assert choir.said("dora") == ["It is nine."]
        assert choir.main.ledger.requests == ["It is nine."] * 2
        assert visit.complaints == []


async def test_the_choice_is_still_there_after_a_reload() -> None:
    choir = Choir()
    async with serving(tts=choir.voice) as server, visiting(server.address) as visit:
        await visit.type("One.")
        await visit.said("assistant", "It is nine.")
        await visit.page.get_by_role("button", name="Settings").click()
        await visit.page.get_by_label("Voice", exact=True).select_option("siwis")
        await visit.page.get_by_role("button", name="Done").click()
        await visit.page.reload()
        await visit.type("Two.")
        await expect(visit.page.locator(".message.assistant.done")).to_have_count(2)
        assert choir.said("siwis") == ["It is nine."]


async def test_a_server_with_one_voice_offers_no_choice() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.type("One.")
        await visit.said("assistant", "It is nine.")
        await visit.page.get_by_role("button", name="Settings").click()
        await expect(visit.page.get_by_label("Voice", exact=True)).to_be_hidden()
        await expect(visit.page.get_by_label("You speak")).to_be_visible()
