"""The language model is chosen in the settings; the conversation goes on with it."""

import pytest
from playwright.async_api import expect
from visiting import Visit, needs_browser, visiting

from named import Named
from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]


async def choose(visit: Visit, model: str) -> None:
    await visit.page.get_by_role("button", name="Settings").click()
    await visit.page.get_by_label("Model", exact=True).select_option(label=model)
    await visit.page.get_by_role("button", name="Done").click()


async def test_another_model_is_told_what_was_said_and_goes_on() -> None:
    other = Named("other")
    async with serving(replies=["I am the first."], models={"other": lambda: other}) as server, visiting(server.address) as visit:
        await visit.type("Who are you?")
        await visit.said("assistant", "I am the first.")
        await choose(visit, "other")
        await visit.type("And now?")
        await visit.said("assistant", "I am other.")
        assert other.read[-1][-3:] == ["Who are you?", "I am the first.", "And now?"]
        await visit.page.reload()
        await visit.type("Still?")
        await expect(visit.page.locator(".message.assistant.done .heard")).to_have_text(["I am the first.", "I am other.", "I am other."])
        await choose(visit, "The server's own: llm")
        await visit.type("And again?")
        await visit.said("assistant", "I am the first.")
        assert visit.complaints == []


async def test_one_that_cannot_be_loaded_is_said() -> None:
    async with serving(models={"other": lambda: Named("other", broken=True)}) as server, visiting(server.address) as visit:
        await visit.type("One.")
        await visit.said("assistant", "It is nine.")
        await choose(visit, "other")
        await visit.notice("The model is broken.")


async def test_a_server_with_one_model_offers_no_choice() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.type("One.")
        await visit.said("assistant", "It is nine.")
        await visit.page.get_by_role("button", name="Settings").click()
        await expect(visit.page.get_by_label("Model", exact=True)).to_be_hidden()
