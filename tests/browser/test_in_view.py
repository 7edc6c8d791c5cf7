"""What the page shows to a server with eyes of its own is answered about: camera, screen and picture, with the real recognizers."""

import base64
import io
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import expect
from test_showing import DROP
from visiting import CHOOSE_THIS_TAB, THIS_TAB, Visit, needs_browser, visiting

from models.photo_lab import photo
from multimodal_assistant.app import settings_from
from multimodal_assistant.core.types import Pixels
from multimodal_assistant.seeing import eyes_of
from running import Running, serving

pytestmark = [pytest.mark.models, pytest.mark.anyio, needs_browser, pytest.mark.timeout(180)]

NOTHING = "I cannot see anything: no camera is on, and no picture is shown."

_WRITE = """(lines) => {
  const sheet = document.createElement("div");
  Object.assign(sheet.style, { position: "fixed", inset: 0, padding: "2rem", background: "white", color: "black",
    font: "26px sans-serif", pointerEvents: "none" });
  for (const line of lines) sheet.append(Object.assign(document.createElement("p"), { textContent: line }));
  document.body.append(sheet);
}"""


@asynccontextmanager
async def watching() -> AsyncGenerator[Running]:
    """A server as it is with the embedded models, but for what it hears and how it speaks."""
    async with aclosing(eyes_of(settings_from())) as eyes, serving(replies=["Hello."], eyes=eyes, small=True) as server:
        yield server


def before_camera(pixels: Pixels, path: Path) -> Path:
    """A film of it for the camera of the browser: 640x480 with the noise of a sensor."""
    height, width = pixels.shape[:2]
    scale = min(640 / width, 480 / height)
    sheet = Image.new("RGB", (640, 480))
    small = Image.fromarray(pixels).resize((round(width * scale), round(height * scale)))
    sheet.paste(small, ((640 - small.width) // 2, (480 - small.height) // 2))
    noise = np.random.default_rng(1)
    with path.open("wb") as film:
        for _ in range(8):
            frame = np.asarray(sheet) + noise.normal(0, 2, (480, 640, 3))
            Image.fromarray(np.clip(frame, 0, 255).astype(np.uint8)).save(film, "JPEG", quality=92)
    return path


async def greeted(visit: Visit) -> None:
    await visit.type("Hello.")
    await visit.said("assistant", "Hello.")


async def answer(visit: Visit, asked: str) -> str:
    """What the assistant says to it."""
    done = visit.page.locator(".message.assistant.done .heard")
    before = await done.count()
    await visit.type(asked)
    await expect(done).to_have_count(before + 1)
    return await done.last.inner_text()


async def test_the_camera_sees_a_cat_until_it_is_put_away(tmp_path: Path) -> None:
    film = before_camera(photo("chelsea"), tmp_path / "cat.mjpeg")
    flag = f"--use-file-for-fake-video-capture={film}"
    async with watching() as server, visiting(server.address, more=[flag]) as visit:
        await greeted(visit)
        assert await answer(visit, "What do you see?") == NOTHING
        camera = visit.page.get_by_role("button", name="Camera")
        for _ in range(2):
            await camera.click()
            await expect(camera).to_have_attribute("aria-pressed", "true")
            assert "cat" in await answer(visit, "What do you see?")
            await camera.click()
            await expect(camera).to_have_attribute("aria-pressed", "false")
            assert await answer(visit, "What do you see?") == NOTHING
        assert len(server.host.live) == 1
        assert visit.complaints == []


async def test_writing_on_the_screen_is_read() -> None:
    async with watching() as server, visiting(server.address, more=[THIS_TAB], viewport={"width": 1600, "height": 900}) as visit:
        await visit.page.add_init_script(CHOOSE_THIS_TAB)
        await visit.page.reload()
        await greeted(visit)
        screen = visit.page.get_by_role("button", name="Screen")
        await screen.click()
        await expect(screen).to_have_attribute("aria-pressed", "true")
        await visit.page.evaluate(_WRITE, ["Gate 17 closes at nine", "Bring the yellow ticket"])
        said = await answer(visit, "What does it say?")
        assert "Gate 17 closes at nine" in said
        assert "Bring the yellow ticket" in said
        assert visit.complaints == []


async def test_the_screen_takes_the_place_of_the_camera(tmp_path: Path) -> None:
    film = before_camera(photo("chelsea"), tmp_path / "cat.mjpeg")
    flags = [THIS_TAB, f"--use-file-for-fake-video-capture={film}"]
    async with watching() as server, visiting(server.address, more=flags) as visit:
        await visit.page.add_init_script(CHOOSE_THIS_TAB)
        await visit.page.reload()
        await greeted(visit)
        camera, screen = (visit.page.get_by_role("button", name=name) for name in ("Camera", "Screen"))
        await camera.click()
        await expect(camera).to_have_attribute("aria-pressed", "true")
        assert "cat" in await answer(visit, "What do you see?")
        await visit.page.evaluate(_WRITE, ["Gate 17 closes at nine"])
        await screen.click()
        await expect(screen).to_have_attribute("aria-pressed", "true")
        assert await answer(visit, "What does it say?") == "It says: Gate 17 closes at nine."
        assert "cat" not in await answer(visit, "What do you see?")


async def test_a_picture_that_is_dropped_is_named() -> None:
    async with watching() as server, visiting(server.address) as visit:
        await greeted(visit)
        picture = io.BytesIO()
        Image.fromarray(photo("chelsea")).save(picture, "JPEG")
        await visit.page.evaluate(DROP, base64.b64encode(picture.getvalue()).decode())
        assert "cat" in await answer(visit, "What do you see?")
        away = visit.page.get_by_role("button", name="Put the picture away")
        await away.click()
        await expect(away).to_be_hidden()
        assert await answer(visit, "What do you see?") == NOTHING
        assert visit.complaints == []
