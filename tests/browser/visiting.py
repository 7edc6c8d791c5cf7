"""A real browser on the page. It notes what it asks for and what it complains of; nothing may come from elsewhere."""

import os
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports.file import read_audio

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
QUESTION = Path(__file__).parents[2] / "samples" / "question.wav"
PATIENCE = 20_000  # ms

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; Debian: apt-get install chromium")

_FLAGS = (
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # Without it Chromium has no address to offer on a machine that has only itself.
    "--allow-loopback-in-peer-connection",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
)

THIS_TAB = "--auto-accept-this-tab-capture"
"""The dialog in which people choose a screen does not come up without one. With this flag this tab is chosen, and really recorded, where
a page asks for it, as `CHOOSE_THIS_TAB` makes ours do."""
CHOOSE_THIS_TAB = """
  const devices = MediaDevices.prototype, ask = devices.getDisplayMedia;
  devices.getDisplayMedia = function (wishes) { return ask.call(this, { ...wishes, preferCurrentTab: true }); };
"""

_LOUDEST = """async (seconds) => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  const until = performance.now() + 1000 * seconds;
  const samples = new Float32Array(analyser.fftSize);
  let source = null, loudest = 0;
  while (performance.now() < until && loudest < 0.02) {
    const stream = document.getElementById("loudspeaker").srcObject;
    if (stream && source?.mediaStream !== stream) {
      source?.disconnect();
      source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
      source.connect(analyser);
    }
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
    await new Promise((done) => setTimeout(done, 20));
  }
  await context.close();
  return loudest;
}"""


@dataclass
class Visit:
    """One tab."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])

    async def status(self, text: str) -> None:
        """Wait until the status line says that, among other things."""
        await expect(self.page.locator("#status")).to_contain_text(text)

    async def notice(self, text: str) -> None:
        """Wait for that warning."""
        await expect(self.page.locator("#notice")).to_contain_text(text)

    async def state(self, name: str) -> None:
        """Wait for that state of the connection."""
        await expect(self.page.locator("body")).to_have_attribute("data-state", name)

    async def type(self, text: str) -> None:
        """Send it in writing."""
        await self.page.get_by_label("Message", exact=True).fill(text)
        await self.page.keyboard.press("Enter")

    async def said(self, who: str, text: str, *, condition: str = "done") -> None:
        """Wait for such a message. who: "user" or "assistant"."""
        await expect(self.page.locator(f".message.{who}.{condition} .heard").last).to_have_text(text)

    async def loudest(self, seconds: float = 10.0) -> float:
        """Of what comes out of the page, at the latest after so long; it stops at what is certainly audible."""
        return await self.page.evaluate(_LOUDEST, seconds)

    def _complained(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def note(self) -> None:
        """From now on."""
        self.page.on("console", self._complained)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.on("request", lambda request: self.asked.append(request.url))


@asynccontextmanager
async def browsing(*, microphone: Path | None = None, bare: bool = False, more: Sequence[str] = ()) -> AsyncGenerator[Browser]:
    """A browser. microphone: what is said into it, once; bare: there is none. more: flags of Chromium."""
    assert CHROMIUM is not None
    flags: list[str] = [*_FLAGS, *more]
    environment: dict[str, str | float | bool] = {**os.environ}
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    if bare:
        flags.remove("--use-fake-device-for-media-stream")
        environment |= {"PULSE_SERVER": "/nowhere", "ALSA_CONFIG_PATH": "/dev/null"}
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags, env=environment)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visiting(
    address: str, *, microphone: Path | None = None, allowed: bool = True, bare: bool = False, more: Sequence[str] = (), **context: Any
) -> AsyncGenerator[Visit]:
    """Somebody on the page. allowed: they let the browser use the microphone. more: flags. context: of Playwright."""
    expect.set_options(timeout=PATIENCE)
    async with browsing(microphone=microphone, bare=bare, more=more) as browser:
        tab = await browser.new_context(**context)
        if allowed:
            await tab.grant_permissions(["microphone", "camera"])
        visit = Visit(await tab.new_page(), tab)
        visit.note()
        await visit.page.goto(address)
        yield visit
        assert [url for url in visit.asked if not url.startswith((address, "data:", "blob:"))] == []


def recorded(path: Path, *parts: Samples | float) -> Path:
    """A microphone's file of what is said; numbers are seconds of silence."""
    rate = read_audio(QUESTION).rate
    sound = [np.zeros(round(part * rate), np.float32) if isinstance(part, float) else part for part in parts]
    soundfile.write(path, np.concatenate(sound), rate, subtype="PCM_16")
    return path


def question() -> Samples:
    """A spoken question, as it is in the samples."""
    return read_audio(QUESTION).samples


def words(count: int) -> Sequence[str]:
    """A long answer: a quarter of a second for each word."""
    return [" ".join(f"word{number}" for number in range(1, count + 1)) + "."]
