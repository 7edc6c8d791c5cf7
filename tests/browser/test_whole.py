"""A whole conversation as its users have it: the command, real models, a real browser, a spoken question."""

import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from playwright.async_api import expect
from visiting import needs_browser, question, recorded, visiting


@asynccontextmanager
async def command(folder: Path) -> AsyncGenerator[str]:
    """The address of `assistant serve`; it has to end well."""
    (folder / "settings.toml").touch()
    mine = ("ASSISTANT_LLM", "ASSISTANT_STT", "ASSISTANT_TTS", "ASSISTANT_PROFILE", "ASSISTANT_SERVER")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    environment |= {"ASSISTANT_CONFIG": str(folder / "settings.toml"), "HF_HUB_OFFLINE": "1"}
    arguments = [sys.executable, "-m", "multimodal_assistant", "serve", "--port", "0", "--profile", "fast"]
    async with await anyio.open_process(arguments, env=environment, stderr=None) as process:
        assert process.stdout is not None
        told = ""
        try:
            while not (found := re.search(r"(http://[^/\s]+)/", told)):
                told += (await process.stdout.receive()).decode()
            yield found[1]
            process.send_signal(signal.SIGINT)
            with anyio.fail_after(15):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.timeout(180)
@needs_browser
async def test_a_question_is_heard_and_answered(tmp_path: Path) -> None:
    microphone = recorded(tmp_path / "microphone.wav", 2.0, question(), 60.0)
    async with command(tmp_path) as address, visiting(address, microphone=microphone) as visit:
        await visit.page.get_by_role("button", name="Talk").click()
        await expect(visit.page.locator(".message.user.done")).to_contain_text("capital", ignore_case=True)
        assert await visit.loudest() > 0.02
        await expect(visit.page.locator(".message.assistant.done")).to_contain_text("Paris")
        times = visit.page.locator(".message.assistant summary")
        await expect(times).to_contain_text("to the first sound")
        await visit.page.get_by_role("button", name="Settings").click()
        await expect(visit.page.locator("#model")).not_to_be_empty()
        await expect(visit.page.locator("#voice")).not_to_be_empty()
        assert visit.complaints == []
