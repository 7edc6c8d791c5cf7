"""Conversation → text stream, by an Ollama server."""

import base64
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

import anyio
import anyio.to_thread

from multimodal_assistant.core.errors import AssistantError, EngineFailed, EngineTimeout, EngineUnavailable, ModelFetchFailed
from multimodal_assistant.core.types import Details, Message, TextDelta, Tool, ToolCall

from .hosted import Chunk, Deadlines, base_address, connection, split_address, within
from .lines import declared, new_call

if TYPE_CHECKING:
    import ollama

PORT = 11434
HOST = f"http://127.0.0.1:{PORT}"
MODEL = "gemma3:4b"
PULL_IDLE = 120.0
"""Seconds without any news after which a pull has failed."""

_Think = Literal["low"] | bool | None


class OllamaModel:
    """A model that an Ollama server runs.

    host: address of the server. system: text whose evaluation `warm` puts into the prefix cache. keep_alive: how long the model
    stays loaded after a reply, as Ollama takes it ("30m", seconds, -1 for ever). context: tokens of conversation it can hold,
    fixed so that the model is never loaded twice. temperature, repeat_penalty: None leaves them to the model's own defaults.
    """

    def __init__(
        self,
        *,
        host: str = HOST,
        model: str = MODEL,
        system: str = "",
        keep_alive: float | str = "30m",
        context: int = 4096,
        temperature: float | None = None,
        repeat_penalty: float | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._host = base_address(host, PORT)
        self._model = model
        self._system = system
        self._keep_alive = keep_alive
        self._options: dict[str, float | int] = {"num_ctx": context}
        if temperature is not None:
            self._options["temperature"] = temperature
        if repeat_penalty is not None:
            self._options["repeat_penalty"] = repeat_penalty
        self._deadlines = deadlines or Deadlines()
        self._client: ollama.AsyncClient | None = None
        self._capabilities: frozenset[str] | None = None
        self._think: _Think = None

    @property
    def details(self) -> Details:
        return {"engine": "ollama", "model": self._model, "host": self._host, "context": str(self._options["num_ctx"])}

    async def warm(self) -> None:
        """Load the model and evaluate the standing instruction. Raises `EngineUnavailable`, `EngineFailed`, `EngineTimeout`."""
        messages = [Message("system", self._system)] if self._system else []
        try:
            with anyio.fail_after(self._deadlines.load):
                async with aclosing(self._chunks([*messages, Message("user", "Hello.")], 1)) as chunks:
                    async for _ in chunks:
                        pass
        except TimeoutError as error:
            raise EngineTimeout(
                f"Ollama did not load {self._model} within {self._deadlines.load:g} s.", "Choose a smaller model."
            ) from error

    async def aclose(self) -> None:
        """Close the connection. The model stays loaded for `keep_alive`: other programs may use it."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        """See `core.protocols.LanguageModel`. Left early, the request is closed and Ollama stops at the next token.

        Ollama does not tell how much of the prompt was cached: `cached_tokens` is 0. Thoughts are not part of the reply.
        """
        async with aclosing(within(self._chunks(messages, max_tokens), self._deadlines, "Ollama")) as deltas:
            async for delta in deltas:
                yield delta

    async def reply_or_call(
        self, messages: Sequence[Message], *, max_tokens: int, tools: Sequence[Tool], required: bool = False
    ) -> AsyncGenerator[TextDelta]:
        """See `core.protocols.ToolCalling`. Ollama has no way to require a call: the model may write instead."""
        async with aclosing(within(self._chunks(messages, max_tokens, tools), self._deadlines, "Ollama")) as deltas:
            async for delta in deltas:
                yield delta

    async def sees(self) -> bool:
        """See `core.protocols.Seeing`."""
        return "vision" in await self.capabilities()

    async def capabilities(self) -> frozenset[str]:
        """What the model can do, in Ollama's words: "completion", "vision", "thinking", "tools"."""
        if self._capabilities is None:
            client = await self._connected()
            async with _failures(client, self._host, self._model):
                with anyio.fail_after(self._deadlines.first_token):
                    shown = await client.show(self._model)
            families = (shown.details and shown.details.families) or ()
            old_way = ("completion", "vision") if {"clip", "mllama"} & set(families) else ("completion",)
            self._capabilities = frozenset(shown.capabilities or old_way)
            if "thinking" in self._capabilities:
                self._think = "low" if "gptoss" in families else False  # gpt-oss cannot be told not to think
        return self._capabilities

    async def _connected(self) -> "ollama.AsyncClient":
        if self._client is None:
            self._client = await _connect(self._host)
        return self._client

    async def _chunks(self, messages: Sequence[Message], max_tokens: int, tools: Sequence[Tool] = ()) -> AsyncGenerator[Chunk]:
        client = await self._connected()
        can = await self.capabilities()
        if tools and "tools" not in can:
            raise EngineUnavailable(f"The model {self._model} cannot call functions.", "Choose another with --llm ollama:NAME.")
        async with _failures(client, self._host, self._model):
            parts = await cast(Any, client).chat(  # its signature is only partly known
                self._model,
                _lines(messages),
                stream=True,
                tools=declared(tools) or None,
                think=self._think,
                options={**self._options, "num_predict": max_tokens},
                keep_alive=self._keep_alive,
            )
            done = False
            async with aclosing(cast("AsyncGenerator[ollama.ChatResponse]", parts)) as responses:
                async for response in responses:
                    done = bool(response.done)
                    counts = response.prompt_eval_count or 0, 0, response.eval_count or 0
                    yield Chunk(response.message.content or "", _calls(response), *counts)
            if not done:
                raise EngineFailed("Ollama broke off in the middle of its answer.", "Look into its log: `ollama serve` shows it.")


def _lines(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The conversation. Ollama takes arguments as objects, and an outcome by the name of its function."""
    names = {call.id: call.name for message in messages for call in message.calls}
    lines: list[dict[str, Any]] = []
    for message in messages:
        line: dict[str, Any] = {"role": message.role, "content": message.text}
        if message.calls:
            line["tool_calls"] = [{"function": {"name": call.name, "arguments": _object(call)}} for call in message.calls]
        if message.role == "tool":
            line["tool_name"] = names.get(message.answers, "")
        if message.picture is not None:
            line["images"] = [base64.b64encode(message.picture.data).decode()]
        if message.text or message.calls or message.role == "tool" or message.picture:
            lines.append(line)
    return lines


def _object(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        return {}
    return cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else {}


def _calls(response: "ollama.ChatResponse") -> tuple[ToolCall, ...]:
    """Ollama gives calls whole."""
    made = response.message.tool_calls or ()
    return tuple(new_call(call.function.name, json.dumps(dict(call.function.arguments), ensure_ascii=False)) for call in made)


async def available(host: str = HOST, timeout: float = 0.3) -> tuple[str, ...] | None:
    """The names of the installed models; None when no Ollama answers within `timeout` seconds.

    Raises nothing but `InvalidSetting`, for a `host` that is no address.
    """
    address = base_address(host, PORT)
    if not await _listens(address, timeout):
        return None
    client = await _connect(address)
    try:
        with anyio.move_on_after(timeout):
            return await _installed(client)
    except Exception:  # whatever listens there, it is no Ollama
        return None
    finally:
        await client.close()
    return None


async def _listens(address: str, timeout: float) -> bool:
    """Whether anything listens there: tells without importing the SDK."""
    url = split_address(address)
    with anyio.move_on_after(timeout):
        try:
            stream = await anyio.connect_tcp(url.hostname or "", url.port or PORT)
        except OSError:
            return False
        await stream.aclose()
        return True
    return False


async def pull(host: str, model: str, progress: Callable[[str, int, int], None]) -> None:
    """Have the server fetch `model`; `progress` hears what it does, bytes done and bytes in all (0 when unknown).

    Raises `EngineUnavailable`, `EngineTimeout` after two minutes without news, `ModelFetchFailed`.
    """
    address = base_address(host, PORT)
    client = await _connect(address)
    status = ""
    try:
        async with _failures(client, address, model, pulling=True):
            parts = cast("AsyncGenerator[ollama.ProgressResponse]", await client.pull(model, stream=True))
            async with aclosing(parts):
                while True:
                    with anyio.fail_after(PULL_IDLE):
                        part = await anext(parts, None)
                    if part is None:
                        break
                    status = part.status or ""
                    progress(status, part.completed or 0, part.total or 0)
            if status != "success":
                raise ModelFetchFailed(f"Ollama stopped before {model} was complete.", "Pull it again: it goes on where it stopped.")
    finally:
        await client.close()


def matches(wanted: str, installed: str) -> bool:
    """Whether `installed` is what Ollama runs when asked for `wanted`: without a tag, that is the tag "latest"."""
    return _full(wanted) == _full(installed)


def _full(name: str) -> str:
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"


async def _connect(address: str) -> "ollama.AsyncClient":
    """A client, made on a thread: the import takes half a second."""

    def make() -> "ollama.AsyncClient":
        import ollama

        return ollama.AsyncClient(host=address, **connection(address))

    return await anyio.to_thread.run_sync(make)


async def _installed(client: "ollama.AsyncClient") -> tuple[str, ...]:
    listed = await client.list()
    return tuple(model.model for model in listed.models if model.model)


@asynccontextmanager
async def _failures(client: "ollama.AsyncClient", host: str, model: str, *, pulling: bool = False) -> AsyncGenerator[None]:
    """What goes wrong inside, as one of our errors."""
    import httpx
    import ollama

    try:
        yield
    except AssistantError:
        raise
    except ollama.ResponseError as error:
        raise await _refused(client, host, model, error, pulling=pulling) from error
    except (ConnectionError, httpx.ConnectError) as error:
        raise EngineUnavailable(
            f"Ollama does not answer at {host}.", "Start it with `ollama serve`, or choose another model with --llm."
        ) from error
    except TimeoutError as error:
        raise EngineTimeout(f"Ollama at {host} does not answer in time.", "Restart it with `ollama serve`.") from error
    except httpx.HTTPError as error:
        raise EngineFailed(f"Ollama broke off: {error}.", "Look into its log: `ollama serve` shows it.") from error
    except (ValueError, TypeError, AttributeError) as error:  # a line that is no JSON, or not of the shape it should have
        raise EngineFailed(f"What answers at {host} does not speak as Ollama does.", "Check the address, or update Ollama.") from error


async def _refused(client: "ollama.AsyncClient", host: str, model: str, error: "ollama.ResponseError", *, pulling: bool) -> AssistantError:
    """What an error answer of the server means."""
    status, words = error.status_code, _one_line(error.error)
    if pulling and status not in (401, 403):
        return ModelFetchFailed(f"Ollama could not pull {model}: {words}.", "Check the name, and that the server is online.")
    if status == 404:
        names: tuple[str, ...] = ()
        with contextlib.suppress(Exception), anyio.move_on_after(2):
            names = await _installed(client)
        there = f" It has {', '.join(names)}." if names else ""
        return EngineUnavailable(f"Ollama at {host} has no model {model}.{there}", f"Fetch it with `ollama pull {model}`.")
    if status in (401, 403):
        return EngineUnavailable(f"Ollama at {host} refuses the key.", "Check OLLAMA_API_KEY.")
    if status in (429, 503):
        return EngineUnavailable(f"Ollama at {host} has too much to do.", "Wait a moment, or use a smaller model.")
    return EngineFailed(f"Ollama failed with {model}: {words}.", "Look into its log: `ollama serve` shows it.")


def _one_line(text: str, limit: int = 200) -> str:
    return " ".join(text.split())[:limit].rstrip(". ") or "no reason given"
