"""A voice agent of the OpenAI Agents SDK, unmodified, in the environment that `make test` makes for it (scripts/agents_environment.sh)."""

import json
from pathlib import Path

import anyio
import pytest

from multimodal_assistant.core.types import ToolCall
from running import serving

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "agents" / "bin" / "python"

pytestmark = pytest.mark.anyio


async def test_its_function_is_called_and_its_voice_interrupted() -> None:
    assert PYTHON.is_file(), "Make its environment with `sh scripts/agents_environment.sh`."
    story = " ".join(f"word{number}" for number in range(40)) + "."
    replies = (ToolCall("call_1", "weather", '{"city": "Rome"}'), story, "Fine.")
    async with serving(says=("Weather?", "no wait, something else"), replies=replies) as server:
        address = f"{server.address.replace('http', 'ws')}/v1/realtime?model=local"
        client = str(Path(__file__).with_name("client.py"))
        with anyio.fail_after(50):
            done = await anyio.run_process([str(PYTHON), client, address])
    told = json.loads(done.stdout)
    assert told["asked"] == ["Rome"]
    assert {"tool_start", "tool_end", "audio", "audio_interrupted"} <= set(told["seen"])
