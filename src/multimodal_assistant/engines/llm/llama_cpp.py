"""Conversation → text stream, by llama.cpp in this process (xllamacpp); any GGUF chat model.

The prefix cache does the work: a conversation that only grows at its end is evaluated from where it differs.
"""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details, Message, TextDelta, Tool, ToolCall, Usage
from multimodal_assistant.core.worker import Emit, Worker
from multimodal_assistant.engines.llama import open_server

from .bare_calls import BareCalls
from .lines import Fragments, declared, lines, told

if TYPE_CHECKING:
    import xllamacpp


class LlamaCppModel:
    """A GGUF model loaded into this process.

    context: tokens of conversation it can hold. system: text whose evaluation `warm` puts into the prefix cache.
    temperature and repeat_penalty as llama.cpp defines them: small models repeat themselves without a penalty.
    small: the model does not understand what comes of a call unless a user tells it, and would call again.
    """

    def __init__(
        self,
        *,
        model: Path,
        name: str = "",
        system: str = "",
        context: int = 4096,
        threads: int = 2,
        temperature: float = 0.0,
        repeat_penalty: float = 1.1,
        small: bool = False,
    ) -> None:
        self._path = model
        self._small = small
        self._name = name or model.stem
        self._system = system
        self._context = context
        self._threads = threads
        self._sampling = {"temperature": temperature, "repeat_penalty": repeat_penalty}
        self._server: xllamacpp.Server | None = None
        self._worker = Worker("llm")

    @property
    def details(self) -> Details:
        return {"engine": "llama.cpp", "model": self._name, "context": str(self._context), "threads": str(self._threads)}

    async def warm(self) -> None:
        async for _ in self.reply([Message("system", self._system), Message("user", "Hello.")], max_tokens=1):
            pass

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._server = None

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        """See `core.protocols.LanguageModel`.

        Left early, generation stops at the next token; a prompt being evaluated is finished first.
        """
        async with aclosing(self._write(messages, max_tokens, {})) as deltas:
            async for delta in deltas:
                yield delta

    async def reply_or_call(
        self, messages: Sequence[Message], *, max_tokens: int, tools: Sequence[Tool], required: bool = False
    ) -> AsyncGenerator[TextDelta]:
        """See `core.protocols.ToolCalling`. A call is not enforced: with "required", llama.cpp lets a small model write on without end."""
        answers_a_call = self._small and bool(messages) and messages[-1].role == "tool"
        offer = {} if answers_a_call else {"tools": declared(tools), "tool_choice": "auto"}
        async with aclosing(self._write(messages, max_tokens, offer)) as deltas:
            async for delta in deltas:
                yield delta

    async def _write(self, messages: Sequence[Message], max_tokens: int, offer: dict[str, Any]) -> AsyncGenerator[TextDelta]:
        request = {
            "messages": lines(told(messages) if self._small else messages),
            **offer,
            "max_tokens": max_tokens,
            "stream": True,
            "cache_prompt": True,
            **self._sampling,
        }

        def produce(emit: Emit[TextDelta]) -> None:
            server = self._load()
            _generate(server, request, emit, self._name)

        async with aclosing(self._worker.stream(produce)) as deltas:
            async for delta in deltas:
                yield delta

    async def prefill(self, messages: Sequence[Message]) -> None:
        """See `core.protocols.Prefilling`. llama.cpp always samples one token; it is thrown away."""
        async with aclosing(self.reply(messages, max_tokens=1)) as deltas:
            async for _ in deltas:
                pass

    def _load(self) -> "xllamacpp.Server":
        if self._server is None:
            self._server = open_server(self._path, context=self._context, threads=self._threads, yields=True)
        return self._server


def _generate(server: "xllamacpp.Server", request: dict[str, Any], emit: Emit[TextDelta], name: str) -> None:
    """Run one request to its end or until nobody listens."""
    clock = _Progress(time.perf_counter)
    failure: list[str] = []
    usage: list[Usage] = []
    fragments = Fragments()
    bare = BareCalls({tool["function"]["name"] for tool in request.get("tools", ())})
    made: list[ToolCall] = []

    def receive(chunk: dict[str, Any]) -> bool:
        if "error" in chunk:
            failure.append(str(chunk["error"].get("message", "unknown error")))
            return True
        choices: list[dict[str, Any]] = chunk.get("choices") or [{}]
        delta: dict[str, Any] = choices[0].get("delta", {})
        text = delta.get("content")
        for piece in delta.get("tool_calls") or ():
            function: dict[str, Any] = piece.get("function") or {}
            fragments.add(piece.get("index", 0), call=piece.get("id"), name=function.get("name"), arguments=function.get("arguments"))
        if "timings" in chunk:
            usage.append(clock.usage(chunk["timings"]))
        if not text:
            return False
        clock.token()
        words = bare.feed(text) if "tools" in request else text
        if isinstance(words, ToolCall):
            made.append(words)
            return True
        return bool(words) and not emit(TextDelta(words))

    try:
        server.handle_chat_completions(request, receive)
    except (RuntimeError, ValueError) as error:
        raise EngineFailed(f"The language model {name} failed: {error}.") from error
    if failure:
        remedy = "Start a new conversation." if "context size" in failure[0] else ""
        raise EngineFailed(f"The language model {name} failed: {failure[0]}.", remedy)
    if made:  # stopped there: what it cost was not counted
        emit(TextDelta("", calls=tuple(made)))
        return
    emit(TextDelta(bare.flush(), usage[-1] if usage else clock.usage({}), fragments.whole()))


class _Progress:
    """When the first token came."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self._first: float | None = None

    def token(self) -> None:
        if self._first is None:
            self._first = self._clock()

    def usage(self, timings: dict[str, Any]) -> Usage:
        now = self._clock()
        cached = int(timings.get("cache_n", 0))
        return Usage(
            prompt_tokens=cached + int(timings.get("prompt_n", 0)),
            cached_tokens=cached,
            completion_tokens=int(timings.get("predicted_n", 0)),
            first_token_seconds=(now if self._first is None else self._first) - self._start,
            seconds=now - self._start,
        )
