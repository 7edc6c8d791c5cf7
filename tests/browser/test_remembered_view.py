"""What was before the camera is asked for when it is gone: the page shows its picture, with the real recognizers and the real memory."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from playwright.async_api import Locator, expect
from test_in_view import answer, before_camera, greeted
from test_showing import usable
from visiting import Visit, needs_browser, visiting

from models.photo_lab import photo
from multimodal_assistant.app import settings_from
from multimodal_assistant.seeing import eyes_of
from multimodal_assistant.visual_memory import Views, open_views
from running import Running, serving

pytestmark = [pytest.mark.models, pytest.mark.anyio, needs_browser, pytest.mark.timeout(180)]

WHERE = "Where did you last see the cat?"

_DECODED = """async (image) => {
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const shades = context.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, at) => at % 4 === 0);
  return [image.naturalWidth, image.naturalHeight, Math.max(...shades) - Math.min(...shades)];
}"""
_AT_THE_END = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2"
_KEPT = "JSON.stringify([{...localStorage}, {...sessionStorage}])"


@dataclass
class House:
    """A server that remembers what it sees, and what it has seen."""

    server: Running
    views: Views
    user: str

    async def until_kept(self, source: str) -> None:
        """Wait until there is a view of that."""
        with anyio.fail_after(60):
            while not [view for view in await self.views.memory.latest(self.user, 9) if view.source == source]:  # noqa: ASYNC110 - nothing tells that a view is kept
                await anyio.sleep(0.1)


@asynccontextmanager
async def remembering(folder: Path) -> AsyncGenerator[House]:
    settings = settings_from(memory={"folder": folder}, vision={"remember": True})
    async with (
        aclosing(eyes_of(settings)) as eyes,
        open_views(settings) as views,
        serving(replies=["Hello."], eyes=eyes, views=views, small=True) as server,
    ):
        await eyes.warm()
        yield House(server, views, settings.memory.user)


async def show_a_cat(house: House, visit: Visit) -> None:
    """And put it away."""
    await greeted(visit)
    camera = visit.page.get_by_role("button", name="Camera")
    await camera.click()
    await expect(camera).to_have_attribute("aria-pressed", "true")
    await house.until_kept("the camera")
    await camera.click()
    await expect(camera).to_have_attribute("aria-pressed", "false")


def pictures(visit: Visit) -> Locator:
    return visit.page.locator("#log figure img")


@asynccontextmanager
async def shown(folder: Path, **context: Any) -> AsyncGenerator[tuple[House, Visit]]:
    """Somebody who has shown a cat to the page, put it away, and asked for it."""
    film = before_camera(photo("chelsea"), folder / "cat.mjpeg")
    flag = f"--use-file-for-fake-video-capture={film}"
    async with remembering(folder) as house, visiting(house.server.address, more=[flag], **context) as visit:
        await show_a_cat(house, visit)
        assert "I saw a cat" in await answer(visit, WHERE)
        await expect(pictures(visit)).to_have_count(1)
        yield house, visit


async def test_the_picture_is_shown_with_the_answer_and_gone_when_it_is_forgotten(tmp_path: Path) -> None:
    async with shown(tmp_path, locale="en-GB", timezone_id="UTC") as (house, visit):
        picture = pictures(visit)
        (view,) = await house.views.memory.recall_visual(house.user, "cat", most=1)
        kept = await house.views.memory.picture(house.user, view.view.id)
        assert kept is not None
        width, height, contrast = await picture.evaluate(_DECODED)
        assert (width, height) == (320, 240)
        assert contrast > 100  # it is no empty rectangle
        described = await picture.get_attribute("alt") or ""
        assert described.startswith("What the camera showed on ")
        assert "cat" in described.lower()
        time = visit.page.locator("#log figure time")
        seen_at = (await time.get_attribute("datetime")) or ""
        assert abs(view.view.last_seen_at - await visit.page.evaluate("(text) => Date.parse(text) / 1000", seen_at)) < 60
        assert await time.inner_text() in described
        await expect(visit.page.locator("#reader p").last).to_contain_text(described)
        assert "data:" not in json.dumps(await visit.page.evaluate(_KEPT))

        assert "not seen a bicycle" in await answer(visit, "When did you last see a bicycle?")
        await expect(picture).to_have_count(1)
        await answer(visit, "Forget what you have seen.")
        await expect(picture).to_have_count(0)
        assert "not seen" in await answer(visit, WHERE)
        await expect(picture).to_have_count(0)
        assert visit.complaints == []


async def test_when_the_page_is_loaded_again_the_words_are_there_and_the_picture_is_not(tmp_path: Path) -> None:
    async with shown(tmp_path) as (_, visit):
        words = visit.page.locator(".message.assistant .heard").last
        said = await words.inner_text()
        await visit.page.reload()
        await expect(words).to_have_text(said)
        await expect(pictures(visit)).to_have_count(0)
        assert "I saw a cat" in await answer(visit, WHERE)
        await expect(pictures(visit)).to_have_count(1)
        await visit.page.get_by_role("button", name="New conversation").click()
        await expect(pictures(visit)).to_have_count(0)
        assert visit.complaints == []


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_everybody_can_see_it_on_a_telephone(colours: str, tmp_path: Path) -> None:
    async with shown(tmp_path, color_scheme=colours, viewport={"width": 360, "height": 640}, has_touch=True) as (_, visit):
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= 360
        box = await pictures(visit).bounding_box()
        assert box is not None
        assert 200 <= box["width"] <= 320
        assert box["width"] / box["height"] == pytest.approx(4 / 3, abs=0.03)
        log = visit.page.locator("#log")
        await expect(visit.page.locator("#log figcaption")).to_be_in_viewport()  # the conversation has followed what came
        assert await log.evaluate(_AT_THE_END)
        await log.focus()
        await visit.page.keyboard.press("Home")
        await expect(pictures(visit)).not_to_be_in_viewport(ratio=1)
        await visit.page.keyboard.press("End")
        await expect(visit.page.locator("#log figcaption")).to_be_in_viewport()
        await usable(visit)
