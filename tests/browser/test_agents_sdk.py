"""`@openai/agents-realtime`, unmodified, in Chromium: over WebRTC with the microphone, and over a WebSocket with a function of its own.

`npm --prefix web ci` fetches it.
"""

from pathlib import Path
from typing import Any

import pytest
from visiting import needs_browser, question, recorded, visiting

from multimodal_assistant.core.types import ToolCall
from running import Running, serving

BUNDLE = Path(__file__).parents[2] / "web/node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js"

pytestmark = [
    pytest.mark.anyio,
    needs_browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not BUNDLE.is_file(), reason="npm --prefix web ci"),
]

_TALK = """async ([address, kind, written]) => {
  const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC, tool } = window.OpenAIAgentsRealtime;
  const headers = { "Content-Type": "application/json" };
  const made = await fetch(`${address}/v1/realtime/client_secrets`, { method: "POST", headers, body: "{}" });
  const { value: apiKey } = await made.json();
  const asked = [];
  const weather = tool({
    name: "weather",
    description: "Tells the weather in a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
    execute: async ({ city }) => { asked.push(city); return "rain"; },
  });
  const agent = new RealtimeAgent({ name: "House", instructions: "Be brief.", tools: [weather] });
  const transport = kind === "webrtc" ? new OpenAIRealtimeWebRTC({ baseUrl: `${address}/v1/realtime/calls` }) : "websocket";
  const session = new RealtimeSession(agent, { transport, model: "local" });
  const errors = [];
  let bytes = 0, ended = 0;
  session.on("error", (error) => errors.push(JSON.stringify(error)));
  session.on("audio", (event) => { bytes += event.data.byteLength; });
  session.on("transport_event", (event) => { ended += event.type === "response.done"; });
  const socket = `${address.replace("http", "ws")}/v1/realtime?model=local`;
  await session.connect({ apiKey, url: kind === "webrtc" ? `${address}/v1/realtime/calls` : socket });
  if (written) session.sendMessage(written);
  const until = performance.now() + 25000;
  const complete = () => session.history.some((item) => item.role === "assistant" && item.status === "completed");
  while (!complete() && performance.now() < until) await new Promise((done) => setTimeout(done, 50));
  const history = session.history.filter((item) => item.type === "message")
    .map((item) => [item.role, item.content.map((part) => part.text ?? part.transcript ?? "").join("")]);
  session.close();
  return { asked, errors, bytes, history };
}"""


async def _talk(server: Running, kind: str, *, written: str = "", microphone: Path | None = None) -> dict[str, Any]:
    async with visiting(server.address, microphone=microphone, bypass_csp=True) as visit:
        await visit.page.add_script_tag(path=BUNDLE)
        return await visit.page.evaluate(_TALK, [server.address, kind, written])


async def test_its_agent_hears_the_microphone_over_webrtc(tmp_path: Path) -> None:
    microphone = recorded(tmp_path / "microphone.wav", 2.0, question(), 30.0)
    async with serving(says=["What time is it?"], replies=["It is nine o'clock."]) as server:
        found = await _talk(server, "webrtc", microphone=microphone)
    assert found["history"] == [["user", "What time is it?"], ["assistant", "It is nine o'clock."]]
    assert found["errors"] == []


async def test_its_agent_calls_its_function_over_a_websocket() -> None:
    replies = [ToolCall("call_1", "weather", '{"city": "Rome"}'), "It rains in Rome."]
    async with serving(replies=replies) as server:
        found = await _talk(server, "websocket", written="How is the weather in Rome?")
    assert found["asked"] == ["Rome"]
    assert found["history"][-1] == ["assistant", "It rains in Rome."]
    assert found["bytes"] > 24_000
    assert found["errors"] == []
