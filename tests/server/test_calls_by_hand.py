"""Push to talk over WebRTC: the sound comes by the track, and the client says what of it is a turn."""

import numpy as np
import pytest

from calling import RATE, calling
from running import serving

pytestmark = pytest.mark.anyio


async def test_the_client_ends_the_turns_of_a_call() -> None:
    tone = (0.3 * np.sin(2 * np.pi * 220 * np.arange(round(0.6 * RATE)) / RATE)).astype(np.float32)
    async with serving() as server, calling(server.address) as caller:
        caller.send(type="session.update", session={"audio": {"input": {"turn_detection": None}}, "output_modalities": ["text"]})
        await caller.until("session.updated")
        await caller.microphone.say_all(tone)
        caller.send(type="input_audio_buffer.append", audio="AAAA")
        assert "audio track" in (await caller.until("error"))["error"]["message"]
        caller.send(type="input_audio_buffer.commit")
        await caller.until("input_audio_buffer.committed")
        caller.send(type="response.create")
        done = await caller.until("response.done")
        assert done["response"]["output"][0]["content"] == [{"type": "output_text", "text": "It is nine."}]
        assert not any("speech" in kind or kind.startswith("output_audio_buffer") for kind in caller.kinds())
