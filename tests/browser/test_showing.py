"""What is shown to the page reaches a model that sees: the camera, the screen, and a picture that is dropped on it."""

import base64
import io
from typing import Any

import anyio
import av
import numpy as np
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, expect
from visiting import CHOOSE_THIS_TAB, THIS_TAB, Visit, needs_browser, visiting

from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.transports.pictures import jpeg
from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]

DROP = """(data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dropped = new DataTransfer();
  dropped.items.add(new File([bytes], "red.jpg", { type: "image/jpeg" }));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
}"""


# The browser's own button for it is no part of the page, nor of a browser without a window.
_STOP_SHARING = """() => {
  const [track] = document.getElementById("preview").srcObject.getVideoTracks();
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""

_CHOOSE_NOTHING = "MediaDevices.prototype.getDisplayMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"


async def offered(visit: Visit) -> tuple[Locator, Locator]:
    """The buttons for camera and screen, which are there once the server has said that it sees."""
    await visit.type("Hello.")
    await visit.said("assistant", "Yes.")
    return visit.page.get_by_role("button", name="Camera"), visit.page.get_by_role("button", name="Screen")


async def pressed(one: Locator | None, *others: Locator) -> None:
    """Wait until that one is, and the others are not."""
    if one is not None:
        await expect(one).to_have_attribute("aria-pressed", "true")
    for other in others:
        await expect(other).to_have_attribute("aria-pressed", "false")


async def usable(visit: Visit) -> None:
    """For everybody, as far as a program can tell."""
    axe: Any = Axe()  # it comes without types
    found = await axe.run(visit.page)
    assert found.violations_count == 0, found.generate_report()


async def asked_until_shown(visit: Visit, llm: ScriptedLlm) -> np.ndarray:
    """Ask again until the answer was about a picture; its pixels."""
    with anyio.fail_after(40):
        while not any(llm.shown):
            answered = visit.page.locator(".message.assistant.done")
            before = await answered.count()
            await visit.type("What do you see?")
            await expect(answered).to_have_count(before + 1)
            await expect(visit.page.locator("#interrupt")).to_be_hidden()
    picture = next(one for one in llm.shown if one is not None)
    with av.open(io.BytesIO(picture.data)) as opened:
        container: Any = opened
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


async def test_the_camera_is_shown_and_put_away() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, visiting(server.address) as visit:
        await visit.type("Hello.")
        await visit.said("assistant", "Yes.")
        camera = visit.page.get_by_role("button", name="Camera")
        await camera.click()
        await expect(camera).to_have_attribute("aria-pressed", "true")
        await expect(visit.page.locator("#preview")).to_be_visible()
        seen = await asked_until_shown(visit, llm)
        assert seen.shape == (480, 640, 3)
        await camera.click()
        await expect(visit.page.locator("#preview")).to_be_hidden()
        assert visit.complaints == []


async def test_a_picture_that_is_dropped_is_looked_at() -> None:
    red = np.zeros((600, 800, 3), np.uint8)
    red[..., 0] = 220
    data = base64.b64encode(jpeg(red).data).decode()
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, visiting(server.address) as visit:
        await visit.type("Hello.")
        await visit.said("assistant", "Yes.")
        await visit.page.evaluate(DROP, data)
        seen = await asked_until_shown(visit, llm)
        assert np.allclose(seen.mean(axis=(0, 1)), (220, 0, 0), atol=20)
        await visit.page.get_by_role("button", name="Put the picture away").click()
        await expect(visit.page.locator("#preview")).to_be_hidden()


async def test_the_screen_is_shown_larger_and_takes_the_place_of_the_camera() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    large = {"width": 1920, "height": 1080}
    async with serving(llm=llm) as server, visiting(server.address, more=[THIS_TAB], viewport=large) as visit:
        await visit.page.add_init_script(CHOOSE_THIS_TAB)
        await visit.page.reload()
        camera, screen = await offered(visit)
        await camera.click()
        await pressed(camera, screen)
        await screen.focus()
        await visit.page.keyboard.press("Enter")
        await pressed(screen, camera)
        seen = await asked_until_shown(visit, llm)
        assert seen.shape == (900, 1600, 3)
        await camera.click()
        await pressed(camera, screen)
        assert len(server.host.live) == 1
        assert visit.complaints == []


async def test_a_screen_that_the_browser_stops_is_put_away() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, visiting(server.address, more=[THIS_TAB]) as visit:
        await visit.page.add_init_script(CHOOSE_THIS_TAB)
        await visit.page.reload()
        camera, screen = await offered(visit)
        await screen.click()
        await pressed(screen, camera)
        await asked_until_shown(visit, llm)
        await visit.page.evaluate(_STOP_SHARING)
        await pressed(None, camera, screen)
        await expect(visit.page.locator("#preview")).to_be_hidden()
        await visit.type("What do you see?")
        await visit.said("assistant", "I cannot see anything: no camera is on, and no picture is shown.")


async def test_who_chooses_no_screen_goes_on_showing_the_camera() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, visiting(server.address) as visit:
        await visit.page.add_init_script(_CHOOSE_NOTHING)
        await visit.page.reload()
        camera, screen = await offered(visit)
        await camera.click()
        await pressed(camera, screen)
        await screen.click()
        await visit.notice("The screen is not shown: nothing was chosen, or the browser may not record it.")
        await pressed(camera, screen)
        await asked_until_shown(visit, llm)


async def test_a_camera_that_may_not_be_used() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, visiting(server.address, allowed=False) as visit:
        camera, screen = await offered(visit)
        await camera.click()
        await visit.notice("The browser may not use the camera: click the icon beside the address and allow it.")
        await pressed(None, camera, screen)


async def test_what_is_shown_goes_on_in_a_new_call() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, visiting(server.address) as visit:
        camera, screen = await offered(visit)
        await camera.click()
        await pressed(camera, screen)
        before = set(server.host.live)
        await visit.page.get_by_role("button", name="New conversation").click()
        await visit.state("live")
        await asked_until_shown(visit, llm)
        assert not before & set(server.host.live)


async def test_a_browser_that_shares_no_screen_is_not_asked_to() -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    async with serving(llm=llm) as server, visiting(server.address) as visit:
        await visit.page.add_init_script("delete MediaDevices.prototype.getDisplayMedia")
        await visit.page.reload()
        await visit.type("Hello.")
        await visit.said("assistant", "Yes.")
        await expect(visit.page.get_by_role("button", name="Camera")).to_be_visible()
        await expect(visit.page.get_by_role("button", name="Screen")).to_be_hidden()


async def test_a_server_that_does_not_see_offers_no_camera() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.type("Hello.")
        await visit.said("assistant", "It is nine.")
        for name in ("Camera", "Screen"):
            await expect(visit.page.get_by_role("button", name=name)).to_be_hidden()
        await visit.page.get_by_role("button", name="Settings").click()
        await expect(visit.page.get_by_role("heading", name="What it sees")).to_be_hidden()


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_everybody_can_show_something(colours: str) -> None:
    llm = ScriptedLlm(replies=["Yes."], sees=True)
    phone = {"width": 360, "height": 640}
    async with serving(llm=llm) as server, visiting(server.address, color_scheme=colours, viewport=phone) as visit:
        camera, screen = await offered(visit)
        await camera.click()
        await pressed(camera, screen)
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= 360
        for name in ("Camera", "Screen", "Talk", "Send", "Settings", "Hang up"):
            await expect(visit.page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        await usable(visit)
        await visit.page.get_by_role("button", name="Settings").click()
        await expect(visit.page.get_by_role("heading", name="What it sees")).to_be_visible()
        await usable(visit)
