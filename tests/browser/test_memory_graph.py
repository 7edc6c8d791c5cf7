"""The picture of the memories in a browser: shown, searched, read with the keyboard; a hostile note in it does nothing."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect
from visiting import needs_browser, visiting

from multimodal_assistant.memory.graph import graph_html
from multimodal_assistant.memory.note import Evolution, MemoryNote, Scope

pytestmark = [pytest.mark.anyio, needs_browser, pytest.mark.timeout(90)]

NOW = datetime(2026, 5, 7, 12, tzinfo=UTC)
ANNA = Scope("anna")
HOSTILE = (
    "</script><script>document.title='gone'</script><img src=x onerror=\"document.title='gone'\"> <!--<script> %DATA% %POLICY% {braces} "
    "\u2028 \0 \u202e &lt; ]]> \\u003c 我住在北京"
)


def note(text: str, **fields: object) -> MemoryNote:
    return replace(MemoryNote(text, ANNA, timestamp=NOW), **fields)  # pyright: ignore[reportArgumentType]


def few() -> list[MemoryNote]:
    row = Evolution(NOW, "rule: near", "tags", (), ("animals",))
    return [
        note("I adopted a dog called Miso.", id="dog", tags=("animals",), links=("vet", "gone", "dog"), evolution_history=(row,)),
        note("Miso has to see the vet.", id="vet", tags=("health",), links=("dog",), speaker="Anna"),
        note("I live in Lisbon.", id="old", tags=("home",), superseded_by="new", valid_to=NOW + timedelta(days=1)),
        note("I moved to Porto.", id="new", tags=("home",)),
        note(HOSTILE, id=HOSTILE, tags=(HOSTILE,), context=HOSTILE, speaker=HOSTILE, keywords=(HOSTILE,), links=("dog",)),
    ]


async def test_it_shows_and_tells_without_a_complaint(tmp_path: Path) -> None:
    page = tmp_path / "graph.html"
    page.write_text(graph_html(few()), "utf-8")
    async with visiting(page.as_uri(), viewport={"width": 1200, "height": 800}) as visit:
        await expect(visit.page.locator("#count")).to_have_text("5 memories, 2 links")
        await expect(visit.page.locator("body")).to_have_attribute("data-settled", "true")
        assert await visit.page.evaluate("[...document.querySelectorAll('#notes button')].length") == 5
        painted = "(() => { const p = document.getElementById('picture'); return p.getContext('2d')"
        painted += ".getImageData(0, 0, p.width, p.height).data.some(Boolean); })()"
        assert await visit.page.evaluate(painted)
        place = await visit.page.evaluate("[view.left + x[0] * view.scale, view.top + y[0] * view.scale]")
        await visit.page.locator("#picture").hover(position={"x": place[0], "y": place[1]})
        await expect(visit.page.locator("#tip")).to_have_text("I adopted a dog called Miso.")
        await visit.page.locator("#picture").click(position={"x": place[0], "y": place[1]})
        shown = visit.page.locator("#shown")
        await expect(shown.locator("#content")).to_have_text("I adopted a dog called Miso.")
        await expect(shown.locator("#when")).to_have_text("2026-05-07 12:00 UTC")
        await expect(shown.locator("#facts")).to_contain_text("animals")
        await expect(shown.locator("#history li")).to_have_text("2026-05-07 12:00 UTC: tags from [] to [animals], by rule: near")
        await shown.locator("#links").get_by_role("button", name="Miso has to see the vet.").click()
        await expect(shown.locator("#facts")).to_contain_text("Anna")
        axe: Any = Axe()  # it comes without types
        found = await axe.run(visit.page)
        assert found.violations_count == 0, found.generate_report()
        assert visit.complaints == []
        assert visit.asked[1:] in ([], ["data:,"])


async def test_it_can_be_searched_zoomed_and_read_with_the_keyboard(tmp_path: Path) -> None:
    page = tmp_path / "graph.html"
    page.write_text(graph_html(few()), "utf-8")
    async with visiting(page.as_uri(), color_scheme="dark") as visit:
        await visit.page.get_by_label("Search").fill("MISO vet")
        await expect(visit.page.locator("#count")).to_have_text("1 of 5 memories, 2 links")
        await visit.page.keyboard.press("Enter")
        await expect(visit.page.locator("#content")).to_have_text("Miso has to see the vet.")
        await visit.page.get_by_label("Search").fill("")
        old = visit.page.locator("#notes").get_by_role("button", name="I live in Lisbon.")
        await old.focus()
        await visit.page.keyboard.press("Enter")
        await expect(visit.page.locator("#content")).to_have_text("I live in Lisbon.")
        await expect(old).to_have_attribute("aria-current", "true")
        before = await visit.page.evaluate("[view.scale, view.left]")
        await visit.page.locator("#picture").hover()
        await visit.page.mouse.wheel(0, -300)
        await visit.page.mouse.down()
        await visit.page.mouse.move(200, 200)
        await visit.page.mouse.up()
        after = await visit.page.evaluate("[view.scale, view.left]")
        assert after[0] > before[0]
        assert after[1] != before[1]
        await visit.page.get_by_role("button", name="Show all").click()
        assert await visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 20)"
        assert visit.complaints == []


async def test_a_hostile_note_is_text(tmp_path: Path) -> None:
    page = tmp_path / "graph.html"
    page.write_text(graph_html(few()), "utf-8")
    async with visiting(page.as_uri()) as visit:
        await visit.page.locator("#notes button").last.click()
        assert await visit.page.locator("#content").evaluate("element => element.textContent") == HOSTILE
        assert await visit.page.title() == "Memories"
        assert await visit.page.evaluate("document.querySelectorAll('img, #shown script, aside script').length") == 0
        assert visit.complaints == []


async def test_two_thousand_notes_settle_in_time(tmp_path: Path) -> None:
    many = [
        note(f"Note {number}", id=str(number), tags=(f"tag {number % 14}",), links=(str(number * 7 % 2_000), str(number // 9)))
        for number in range(2_000)
    ]
    page = tmp_path / "graph.html"
    page.write_text(graph_html(many), "utf-8")
    async with visiting(page.as_uri()) as visit:
        begun = time.monotonic()
        await expect(visit.page.locator("body")).to_have_attribute("data-settled", "true")
        assert time.monotonic() - begun < 20
        apart = "(() => { let least = Infinity; for (let i = 0; i < 200; i++) for (let j = i + 1; j < count; j++)"
        apart += " least = Math.min(least, Math.hypot(x[i] - x[j], y[i] - y[j])); return least; })()"
        assert await visit.page.evaluate(apart) > 0.5
        assert visit.complaints == []
