"""A conversation behind FastRTC itself, in the environment that `make test` makes for it (scripts/fastrtc_environment.sh)."""

import subprocess
from collections.abc import Generator
from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest
from aiortc import RTCSessionDescription

from calling import RATE, Caller
from multimodal_assistant.core.audio import dbfs

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "fastrtc" / "bin" / "python"

pytestmark = pytest.mark.anyio


@pytest.fixture
def house() -> Generator[tuple[str, "subprocess.Popen[str]"]]:
    """Its address, and the process."""
    assert PYTHON.is_file(), "Make its environment with `sh scripts/fastrtc_environment.sh`."
    command = [str(PYTHON), str(Path(__file__).with_name("house.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        process.kill()


async def _call(address: str) -> Caller:
    caller = Caller()
    caller.pc.addTrack(caller.microphone)
    await caller.pc.setLocalDescription(await caller.pc.createOffer())
    offer = {"sdp": caller.pc.localDescription.sdp, "type": "offer", "webrtc_id": "test"}
    async with httpx.AsyncClient(timeout=20) as client:
        answer = (await client.post(f"{address}/webrtc/offer", json=offer)).json()
    await caller.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    return caller


async def test_a_question_is_answered_through_fastrtc_and_the_conversation_ends_with_the_call(
    house: tuple[str, "subprocess.Popen[str]"],
) -> None:
    address, process = house
    caller = await _call(address)
    tone = (0.3 * np.sin(2 * np.pi * 220 * np.arange(round(0.6 * RATE)) / RATE)).astype(np.float32)
    caller.microphone.say(np.concatenate([np.zeros(RATE, np.float32), tone]))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(caller.listen)
        with anyio.fail_after(20):
            while sum(dbfs(packet) > -40 for packet in caller.heard) < 30:  # noqa: ASYNC110 - sound is all that FastRTC gives
                await anyio.sleep(0.1)
        tasks.cancel_scope.cancel()
    await caller.pc.close()
    output, _ = await anyio.to_thread.run_sync(process.communicate, None, 20)
    assert output.split()[-1] == "0", "no conversation is left"
