"""What Prometheus reads after a conversation."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from test_calls import tone

from calling import calling
from running import serving

pytestmark = pytest.mark.anyio


async def _read(address: str) -> dict[tuple[str, ...], float]:
    async with httpx.AsyncClient(base_url=address) as client:
        text = (await client.get("/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


async def test_a_conversation_is_counted_and_measured() -> None:
    async with serving() as server:
        async with calling(server.address) as caller:
            caller.microphone.say(tone(0.6))
            await caller.until("response.done")
            during = await _read(server.address)
        await server.emptied(8)
        after = await _read(server.address)
    assert during["assistant_conversations", "webrtc"] == 1
    assert after["assistant_conversations", "webrtc"] == 0
    assert after["assistant_conversations_begun_total", "webrtc"] == 1
    assert after["assistant_turns_total",] == 1
    assert after["assistant_answers_total", "finished"] == 1
    assert after["assistant_stage_seconds_count", "stt"] == 1
    assert after["assistant_stage_seconds_sum", "first_audio"] == pytest.approx(1.0, abs=0.9)
    assert after["assistant_event_loop_lag_seconds_count",] > 0
    assert after["assistant_resident_memory_bytes",] > 1e7
    assert not [name for name in after if "What time" in str(name)]


async def test_strangers_do_not_read_them() -> None:
    async with serving(key="a-long-enough-secret") as server, httpx.AsyncClient(base_url=server.address) as client:
        assert (await client.get("/metrics")).status_code == 401
        right = await client.get("/metrics", headers={"authorization": "Bearer a-long-enough-secret"})
        assert 'assistant_refused_total{reason="key"} 1.0' in right.text


async def test_those_who_find_no_room_are_counted() -> None:
    async with serving(conversations=1) as server, calling(server.address):
        async with httpx.AsyncClient(base_url=server.address) as client:
            await client.post("/v1/realtime/calls", content="v=0")
        assert (await _read(server.address))["assistant_refused_total", "full"] == 1
