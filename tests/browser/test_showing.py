"""What is shown to the page reaches a model that sees: the camera, and a picture that is dropped on it."""

import base64
import io
from typing import Any

import anyio
import av
import numpy as np
import pytest
from playwright.async_api import expect
from visiting import Visit, needs_browser, visiting

from multimodal_assistant.engines.scripted import ScriptedLlm
from multimodal_assistant.transports.pictures import jpeg
from running import serving

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]

_DROP = """(data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dropped = new DataTransfer();
  dropped.items.add(new File([bytes], "red.jpg", { type: "image/jpeg" }));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
}"""


async def asked_until_shown(visit: Visit, llm: ScriptedLlm) -> np.ndarray:
    """Ask again until the answer was about a picture; its pixels."""
    with anyio.fail_after(40):
        while not any(llm.shown):
            before = len(llm.shown)
            await visit.type("What do you see?")
            while len(llm.shown) == before:  # noqa: ASYNC110 - the model's own moment
                await anyio.sleep(0.05)
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
        await visit.page.evaluate(_DROP, data)
        seen = await asked_until_shown(visit, llm)
        assert np.allclose(seen.mean(axis=(0, 1)), (220, 0, 0), atol=20)
        await visit.page.get_by_role("button", name="Put the picture away").click()
        await expect(visit.page.locator("#preview")).to_be_hidden()


async def test_a_server_that_does_not_see_offers_no_camera() -> None:
    async with serving() as server, visiting(server.address) as visit:
        await visit.type("Hello.")
        await visit.said("assistant", "It is nine.")
        await expect(visit.page.get_by_role("button", name="Camera")).to_be_hidden()
