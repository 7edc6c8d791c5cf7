"""A voice agent as an application of the OpenAI Agents SDK has it: one function, and a user who asks and then interrupts.

Takes the address of the conversation; prints, as JSON, what the SDK made of it. Runs where the SDK is installed.
"""
# pyright: basic, reportMissingImports=false

import asyncio
import json
import sys

import numpy as np
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession

RATE = 24_000

_asked: list[str] = []
_seen: list[str] = []


def _tone(seconds: float) -> bytes:
    samples = 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)
    return (samples * 32767).astype("<i2").tobytes()


@function_tool
def weather(city: str) -> str:
    """Tells the weather in a city."""
    _asked.append(city)
    return "rain"


async def _talk(session: RealtimeSession) -> None:
    await session.send_audio(_tone(0.6))
    heard = 0
    async for event in session:
        _seen.append(event.type)
        if event.type == "audio":
            heard += len(event.audio.data)
            if heard > RATE and "spoken over" not in _seen:  # half a second
                _seen.append("spoken over")
                await session.send_audio(_tone(1.2))
        if event.type == "audio_interrupted" and "spoken over" in _seen:
            return


async def main(address: str) -> None:
    agent = RealtimeAgent(name="House", instructions="Be brief.", tools=[weather])
    async with await RealtimeRunner(agent).run(model_config={"url": address, "api_key": "none"}) as session:
        await asyncio.wait_for(_talk(session), 30)
    sys.stdout.write(json.dumps({"asked": _asked, "seen": list(dict.fromkeys(_seen))}))


asyncio.run(main(sys.argv[1]))
