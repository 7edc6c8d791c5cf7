"""Conversations on the page, on scripted engines: spoken, typed, interrupted, and after the line was down."""

import re
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aioice.ice import StunProtocol
from playwright.async_api import expect
from visiting import needs_browser, question, recorded, visiting, words

from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(120)]


async def test_a_spoken_question_is_shown_and_answered_by_voice(tmp_path: Path) -> None:
    microphone = recorded(tmp_path / "microphone.wav", 1.5, question(), 30.0)
    async with serving(says=["What is it?"], replies=["It is nine o'clock in the morning."]) as server:
        async with visiting(server.address, microphone=microphone) as visit:
            await visit.page.get_by_role("button", name="Talk").click()
            await visit.state("live")
            await visit.said("user", "What is it?")
            assert await visit.loudest() > 0.02
            await visit.said("assistant", "It is nine o'clock in the morning.")
            await expect(visit.page.locator(".message.assistant summary")).to_contain_text("to the first sound")
            await visit.status("Listening")
            await visit.page.get_by_role("button", name="Stop").click()
            await visit.status("Ready")
            await server.emptied(3)
            assert visit.complaints == []


async def test_what_is_typed_is_answered_by_voice() -> None:
    async with serving(replies=["It is nine o'clock in the morning."]) as server, visiting(server.address) as visit:
        await visit.type("What time is it?")
        assert await visit.loudest() > 0.02
        await visit.said("user", "What time is it?")
        await visit.said("assistant", "It is nine o'clock in the morning.")
        await visit.status("Connected, microphone off")
        assert visit.complaints == []


async def test_an_answer_that_is_interrupted_shows_what_was_heard_of_it() -> None:
    async with serving(replies=words(60)) as server, visiting(server.address) as visit:
        await visit.type("Count.")
        await expect(visit.page.locator(".message.assistant .heard")).to_contain_text("word3")
        await visit.page.get_by_role("button", name="Interrupt").click()
        await expect(visit.page.locator(".message.assistant.interrupted .note")).to_have_text("interrupted")
        heard = await visit.page.locator(".message.assistant .heard").inner_text()
        assert re.fullmatch(r"(word\d+ ?)+", heard)
        assert 3 <= len(heard.split()) < 30
        unheard = await visit.page.locator(".message.assistant .unheard").inner_text()
        assert (heard + unheard).split() == words(60)[0].split()


async def test_a_voice_interrupts(tmp_path: Path) -> None:
    microphone = recorded(tmp_path / "microphone.wav", 1.0, question(), 4.0, question(), 30.0)
    async with serving(says=["Count.", "Stop, please."], replies=[*words(60), "Very well."]) as server:
        async with visiting(server.address, microphone=microphone) as visit:
            await visit.page.get_by_role("button", name="Talk").click()
            await expect(visit.page.locator(".message.assistant.interrupted")).to_have_count(1)
            await visit.said("user", "Stop, please.")
            await visit.said("assistant", "Very well.")


async def test_the_server_comes_back_and_the_conversation_goes_on() -> None:
    async with AsyncExitStack() as later:
        async with serving() as first:
            visit = await later.enter_async_context(visiting(first.address))
            await visit.type("What time is it?")
            await visit.said("assistant", "It is nine.")
        await visit.state("waiting")
        await visit.status("The server is not answering. Is `assistant serve` running? Retrying in")
        async with serving(port=urlsplit(first.address).port, replies=["It is ten."]) as second:
            await visit.state("live")
            assert len(second.host.live) == 1
            await visit.type("And now?")
            await visit.said("assistant", "It is ten.")
            await expect(visit.page.locator(".message")).to_have_count(4)


async def test_a_network_that_is_gone_is_noticed_and_the_call_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.type("What time is it?")
        await visit.said("assistant", "It is nine.")
        before = set(server.host.live)
        with monkeypatch.context() as cable:  # every packet on its way between the two is lost
            for way in ("send_stun", "datagram_received"):
                cable.setattr(StunProtocol, way, _lost_at_once)
            cable.setattr(StunProtocol, "send_data", _lost)
            await visit.status("The connection was lost.")
        await visit.state("live")
        await visit.type("And now?")
        await visit.said("assistant", "It is nine.")
        assert not before & set(server.host.live)


async def _lost(*_: object) -> None:
    """A packet."""


def _lost_at_once(*_: object) -> None:
    """Another one."""


async def test_a_reload_keeps_what_was_said_and_frees_the_server() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.type("What time is it?")
        await visit.said("assistant", "It is nine.")
        await visit.page.reload()
        await server.emptied(3)
        await visit.said("user", "What time is it?")
        await visit.said("assistant", "It is nine.")
        await visit.status("Ready")


async def test_the_space_bar_opens_the_microphone_while_it_is_held() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.page.locator("#log").focus()
        await visit.page.keyboard.down("Space")
        await expect(visit.page.locator("body")).to_have_attribute("data-open", "true")
        await visit.state("live")
        await visit.page.keyboard.up("Space")
        await expect(visit.page.locator("body")).to_have_attribute("data-open", "false")
        await visit.status("Connected, microphone off")
        await visit.page.get_by_role("button", name="Hang up").click()
        await visit.status("Ready")
