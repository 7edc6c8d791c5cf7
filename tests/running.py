"""A server on a free port of this machine, with scripted engines."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import openai
from pydantic import SecretStr

from multimodal_assistant.config import ServerSettings
from multimodal_assistant.core.protocols import LanguageModel, Remembering, TextToSpeech
from multimodal_assistant.core.types import ToolCall
from multimodal_assistant.engines.scripted import ScriptedLlm, ScriptedSentenceEnd, ScriptedStt, ScriptedTts, ScriptedTurn, ScriptedVad
from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.pipeline.reply import EndOfTurn, Engines, Manner
from multimodal_assistant.pipeline.sight import Viewer
from multimodal_assistant.server.host import Host
from multimodal_assistant.server.keys import KeyFile
from multimodal_assistant.server.listen import address, listening, serve
from multimodal_assistant.server.vision import Vision
from multimodal_assistant.visual_memory import Views


@dataclass(frozen=True)
class Running:
    """A server and how to reach it."""

    host: Host
    address: str

    def client(self, key: str = "not needed here") -> openai.AsyncOpenAI:
        """The stock SDK."""
        return openai.AsyncOpenAI(base_url=f"{self.address}/v1", api_key=key, max_retries=0)

    async def emptied(self, seconds: float) -> None:
        """Wait until nobody is there any more; fail where that takes longer."""
        with anyio.fail_after(seconds):
            await self.host.emptied()


@asynccontextmanager
async def serving(
    *,
    says: Sequence[str] = ("What time is it?",),
    replies: Sequence[str | ToolCall] = ("It is nine.",),
    llm: ScriptedLlm | None = None,
    tts: TextToSpeech | None = None,
    manner: Manner | None = None,
    key: str | None = None,
    keys: KeyFile | None = None,
    remembering: Callable[[str], Remembering] | None = None,
    eyes: Eyes | None = None,
    views: Views | None = None,
    small: bool = False,
    models: Mapping[str, Callable[[], LanguageModel]] | None = None,
    **settings: Any,
) -> AsyncGenerator[Running]:
    """Inside, it answers. settings: of the server."""
    engines = Engines(ScriptedVad(), ScriptedStt(texts=says), llm or ScriptedLlm(replies=replies), tts or ScriptedTts())
    settings.setdefault("port", 0)
    server = ServerSettings(key=None if key is None else SecretStr(key), **settings)
    detectors = EndOfTurn(ScriptedTurn(scores=(0.5,)), ScriptedSentenceEnd(scores=(0.95,)))
    viewer = Viewer(sees=llm is not None and await llm.sees(), small=small)
    host = Host(
        engines,
        detectors,
        manner or Manner(),
        server,
        keys or KeyFile(Path("/nowhere/keys.json")),
        Vision(viewer, eyes, views),
        remembering,
        models or {},
    )
    with listening(server.host, server.port) as bound:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, host, bound)
            yield Running(host, address(bound, tls=server.certificate is not None))
            tasks.cancel_scope.cancel()
