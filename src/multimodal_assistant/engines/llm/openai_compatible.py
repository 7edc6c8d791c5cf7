"""Conversation → text stream, by any server with OpenAI's chat API: vLLM, LM Studio, llama-server, a cloud."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from multimodal_assistant.core.errors import AssistantError, EngineFailed, EngineTimeout, EngineUnavailable
from multimodal_assistant.core.types import Details, Message, TextDelta, Tool

from .hosted import Chunk, Deadlines, connection, split_address, within
from .lines import Fragments, declared, lines

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletionChunk

NO_KEY = "none"
"""Sent where there is no key: without one, the SDK would send the OPENAI_API_KEY of the environment to a server it is not meant for."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """Which parts of the API this server takes."""

    usage: bool = True
    temperature: bool = True
    max_tokens: str = "max_tokens"

    def without(self, complaint: str) -> "_Dialect | None":
        """What to try after a rejection; None when there is nothing left to give up."""
        if "max_tokens" in complaint and self.max_tokens == "max_tokens":
            return replace(self, max_tokens="max_completion_tokens")
        if "temperature" in complaint and self.temperature:
            return replace(self, temperature=False)
        return replace(self, usage=False) if self.usage else None


class OpenAICompatibleModel:
    """A model behind an OpenAI-compatible server.

    base_url: with its /v1. model: None takes the first that the server lists. api_key: goes to that server and nowhere else,
    neither into a message nor into a log. system: text whose evaluation `warm` puts into the server's prefix cache. temperature: None
    leaves it to the server. sees: the model takes pictures; a server of this kind does not tell.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str | None = None,
        api_key: str | None = None,
        system: str = "",
        temperature: float | None = None,
        sees: bool = False,
        deadlines: Deadlines | None = None,
    ) -> None:
        url = split_address(base_url)
        self._base_url = base_url if url.path.strip("/") else f"{base_url.rstrip('/')}/v1"
        self._server = f"{url.scheme}://{url.netloc.rsplit('@', 1)[-1]}"
        self._model = model or None
        self._api_key = api_key
        self._system = system
        self._temperature = temperature
        self._sees = sees
        self._deadlines = deadlines or Deadlines()
        self._dialect = _Dialect()
        self._client: openai.AsyncOpenAI | None = None

    @property
    def details(self) -> Details:
        return {"engine": "openai", "model": self._model or "the first listed", "host": self._server}

    async def warm(self) -> None:
        """Connect, find the model and let it write one token. Raises `EngineUnavailable`, `EngineFailed`, `EngineTimeout`."""
        messages = [Message("system", self._system)] if self._system else []
        try:
            with anyio.fail_after(self._deadlines.load):
                async with aclosing(self._chunks([*messages, Message("user", "Hello.")], 1)) as chunks:
                    async for _ in chunks:
                        pass
        except TimeoutError as error:
            raise EngineTimeout(f"{self._server} was not ready within {self._deadlines.load:g} s.", "Choose a smaller model.") from error

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        """See `core.protocols.LanguageModel`. Left early, the request is closed, which stops the server.

        Reasoning is not part of the reply.
        """
        async with aclosing(within(self._chunks(messages, max_tokens), self._deadlines, self._server)) as deltas:
            async for delta in deltas:
                yield delta

    async def sees(self) -> bool:
        """See `core.protocols.Seeing`."""
        return self._sees

    async def reply_or_call(
        self, messages: Sequence[Message], *, max_tokens: int, tools: Sequence[Tool], required: bool = False
    ) -> AsyncGenerator[TextDelta]:
        """See `core.protocols.ToolCalling`."""
        offer = {"tools": declared(tools), "tool_choice": "required" if required else "auto"}
        async with aclosing(within(self._chunks(messages, max_tokens, offer), self._deadlines, self._server)) as deltas:
            async for delta in deltas:
                yield delta

    async def _chunks(self, messages: Sequence[Message], max_tokens: int, offer: dict[str, Any] | None = None) -> AsyncGenerator[Chunk]:
        if self._client is None:
            self._client = await anyio.to_thread.run_sync(self._make_client)
        client = self._client
        if self._model is None:
            self._model = await self._first_listed(client)
        finished = False
        fragments = Fragments()
        stream = await self._open(client, self._model, messages, max_tokens, offer or {})
        async with self._failures(client, begun=True), stream:
            async for message in stream:
                finished = finished or any(choice.finish_reason for choice in message.choices)
                yield _chunk(message, fragments)
            if calls := fragments.whole():
                yield Chunk(calls=calls)
            if not finished:
                raise EngineFailed(f"{self._server} broke off in the middle of its answer.", "Try again, or look into its log.")

    def _make_client(self) -> "openai.AsyncOpenAI":
        """On a thread: the import takes a second."""
        import openai

        http = openai.DefaultAsyncHttpxClient(timeout=None, **connection(self._base_url))
        return openai.AsyncOpenAI(base_url=self._base_url, api_key=self._api_key or NO_KEY, max_retries=0, timeout=None, http_client=http)

    async def _first_listed(self, client: "openai.AsyncOpenAI") -> str:
        names: list[str] = []
        async with self._failures(client):
            with anyio.fail_after(self._deadlines.first_token):
                names = [model.id for model in (await client.models.list()).data]
        if not names:
            raise EngineUnavailable(f"{self._server} lists no model.", "Load one there, or name it with --llm openai:NAME.")
        return names[0]

    async def _open(
        self, client: "openai.AsyncOpenAI", model: str, messages: Sequence[Message], max_tokens: int, offer: dict[str, Any]
    ) -> "openai.AsyncStream[ChatCompletionChunk]":
        """Send the request, in simpler words if the server rejects it."""
        import openai

        create: Any = client.chat.completions.create
        dialect = self._dialect
        async with self._failures(client):
            while True:
                try:
                    stream = await create(**self._request(dialect, model, messages, max_tokens, offer))
                except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                    simpler = dialect.without(str(error))
                    if simpler is None:
                        raise
                    dialect = simpler
                else:
                    self._dialect = dialect
                    return stream
        raise AssertionError("unreachable")

    def _request(
        self, dialect: _Dialect, model: str, messages: Sequence[Message], max_tokens: int, offer: dict[str, Any]
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": model,
            "messages": lines(messages),
            **offer,
            "stream": True,
            dialect.max_tokens: max_tokens,
        }
        if dialect.usage:
            request["stream_options"] = {"include_usage": True}
        if dialect.temperature and self._temperature is not None:
            request["temperature"] = self._temperature
        return request

    @asynccontextmanager
    async def _failures(self, client: "openai.AsyncOpenAI", *, begun: bool = False) -> AsyncGenerator[None]:
        """What goes wrong inside, as one of our errors."""
        import openai

        try:
            yield
        except AssistantError:
            raise
        except openai.APIStatusError as error:
            raise await self._refused(client, error) from None  # the request in its context holds the key
        except openai.APIConnectionError as error:
            cause = error.__cause__
            if begun:
                raise EngineFailed(f"{self._server} broke off in the middle of its answer.", "Try again, or look into its log.") from cause
            raise EngineUnavailable(
                f"No language model server answers at {self._server}.", "Start it, or choose another model with --llm."
            ) from cause
        except openai.OpenAIError as error:
            raise EngineFailed(f"{self._server} failed: {self._words(error)}.", "Look into its log.") from None
        except TimeoutError as error:
            raise EngineTimeout(f"{self._server} does not answer in time.", "Check that it has loaded the model.") from error
        except (ValueError, TypeError, AttributeError) as error:  # an event that is no JSON, or not of the shape it should have
            raise EngineFailed(f"{self._server} does not speak as an OpenAI-compatible server does.", "Check the address.") from error

    async def _refused(self, client: "openai.AsyncOpenAI", error: "openai.APIStatusError") -> AssistantError:
        """What an error answer of the server means."""
        status = error.status_code
        if status in (401, 403):
            wrong = "refuses the key" if self._api_key else "wants a key"
            return EngineUnavailable(f"{self._server} {wrong}.", "Set the right one in ASSISTANT_LLM__API_KEY.")
        if status == 404:
            there = await self._listed(client)
            return EngineUnavailable(f"{self._server} has no model {self._model}.{there}", "Name one with --llm openai:NAME.")
        if status == 429:
            return EngineUnavailable(
                f"{self._server} has had too many requests, or its quota is used up.", "Wait a moment, or check your plan."
            )
        if status == 503:
            return EngineUnavailable(f"{self._server} is not ready.", "Wait until it has loaded the model.")
        return EngineFailed(f"{self._server} failed with status {status}: {self._words(error)}.", "Look into its log.")

    async def _listed(self, client: "openai.AsyncOpenAI") -> str:
        """The models there, for people; "" where the server does not say."""
        import openai

        with anyio.move_on_after(2):
            try:
                names = [model.id for model in (await client.models.list()).data]
            except (openai.OpenAIError, ValueError, TypeError, AttributeError):
                return ""
            return f" It has {', '.join(names[:10])}." if names else ""
        return ""

    def _words(self, error: "openai.OpenAIError") -> str:
        """What the server said, in one line, the key cut out of it."""
        text = " ".join(str(error).split())
        if self._api_key:
            text = text.replace(self._api_key, "…")
        return text[:200].rstrip(". ") or "no reason given"


def _chunk(message: "ChatCompletionChunk", fragments: Fragments) -> Chunk:
    """The text and the counts; pieces of calls go to the others."""
    for choice in message.choices:
        for piece in (choice.delta.tool_calls or ()) if choice.delta else ():
            function = piece.function
            name, arguments = (function.name, function.arguments) if function else (None, None)
            fragments.add(piece.index, call=piece.id, name=name, arguments=arguments)
    text = "".join(choice.delta.content or "" for choice in message.choices if choice.delta)
    usage = message.usage
    if usage is None:
        return Chunk(text)
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    return Chunk(text, (), usage.prompt_tokens, cached or 0, usage.completion_tokens)
