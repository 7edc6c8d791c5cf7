"""What a client of the OpenAI Realtime API may wish for a session or a response, checked.

Wishes that only tune what a large service does are taken and have no effect (`tracing`, `truncation`, `noise_reduction`, the model of
the transcription, …); what would change the conversation and cannot be had is refused.
"""

import json
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .realtime_formats import Format

_MOST_INSTRUCTIONS = 16_000  # characters
_MOST_TOOLS = 64
_MOST_PARAMETERS = 8_000  # characters of JSON

Modalities = Annotated[list[Literal["audio", "text"]], Field(min_length=1, max_length=1)]


class _Wish(BaseModel):
    model_config = ConfigDict(frozen=True)


class SoundFormat(_Wish):
    """How sound is carried."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: Literal[24_000, 8_000] | None = None

    @property
    def format(self) -> Format:
        """The same, of use."""
        return Format(self.type)

    @field_validator("rate")
    @classmethod
    def _fits(cls, rate: int | None, info: Any) -> int | None:
        kind = info.data.get("type")
        if rate is not None and kind is not None and rate != Format(kind).rate:
            raise ValueError(f"{kind} has {Format(kind).rate} samples per second here")
        return rate


class ServerVad(_Wish):
    """A turn ends with so much silence."""

    type: Literal["server_vad"]
    threshold: float = Field(default=0.5, gt=0, lt=1)
    prefix_padding_ms: int = Field(default=300, ge=0, le=2_000)
    silence_duration_ms: int = Field(default=500, ge=100, le=10_000)
    idle_timeout_ms: None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(_Wish):
    """A turn ends where its words and its melody do."""

    type: Literal["semantic_vad"] = "semantic_vad"
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


class Transcription(_Wish):
    """What the user's words are taken for."""

    model: str | None = Field(default=None, max_length=128)
    language: str | None = Field(default=None, pattern=r"^[a-z]{2}$")


class Ears(_Wish):
    """What comes in."""

    format: SoundFormat = SoundFormat()
    transcription: Transcription | None = None
    turn_detection: ServerVad | SemanticVad | None = Field(default=SemanticVad(), discriminator="type")


class Voice(_Wish):
    """What goes out."""

    format: SoundFormat = SoundFormat()
    voice: str | dict[str, Any] = ""
    speed: float = 1.0


class Audio(_Wish):
    """Both."""

    input: Ears = Ears()
    output: Voice = Voice()


class Function(_Wish):
    """A function of the client's."""

    type: Literal["function"]
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    description: str | None = Field(default=None, max_length=4_000)
    parameters: dict[str, Any] | None = None

    @field_validator("parameters")
    @classmethod
    def _short(cls, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        if parameters is not None and len(json.dumps(parameters, allow_nan=False)) > _MOST_PARAMETERS:
            raise ValueError(f"more than {_MOST_PARAMETERS} characters of JSON Schema")
        return parameters


class ChosenFunction(_Wish):
    """This one has to be called."""

    type: Literal["function"]
    name: str


class Beyond(_Wish):
    """What is not of the API."""

    memory: bool = True
    """What is said is remembered, and what was said before is recalled, where the server has a memory."""
    shows: Literal["camera", "screen", "picture", "nothing"] | None = None
    """What the video track has from now on; None: the client does not say."""


class SessionWishes(_Wish):
    """All of a session."""

    type: Literal["realtime"] = "realtime"
    model: str | None = Field(default=None, max_length=256)
    instructions: str = Field(default="", max_length=_MOST_INSTRUCTIONS)
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] = "inf"
    output_modalities: Modalities = ["audio"]
    audio: Audio = Audio()
    tools: list[Function] = Field(default_factory=list[Function], max_length=_MOST_TOOLS)
    tool_choice: Literal["auto", "none", "required"] | ChosenFunction = "auto"
    prompt: None = None
    assistant: Beyond = Beyond()


class Written(_Wish):
    """A piece of a message."""

    type: Literal["input_text", "output_text", "text"]
    text: str = Field(max_length=_MOST_INSTRUCTIONS)


class ContextItem(_Wish):
    """A message that is read for one response alone."""

    type: Literal["message"]
    role: Literal["system", "user", "assistant"]
    content: list[Written] = Field(min_length=1, max_length=64)

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(part.text.strip() for part in self.content).strip()


class ResponseWishes(_Wish):
    """What holds for one response; what is not named is the session's."""

    instructions: str | None = Field(default=None, max_length=_MOST_INSTRUCTIONS)
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] | None = None
    output_modalities: Modalities | None = None
    tools: list[Function] | None = Field(default=None, max_length=_MOST_TOOLS)
    tool_choice: Literal["auto", "none", "required"] | ChosenFunction | None = None
    input: list[ContextItem] | None = Field(default=None, max_length=256)
    conversation: Literal["auto"] | None = None
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    prompt: None = None


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`old` with what `new` names: objects are merged, unless they are of another `type`; everything else is replaced."""
    result = dict(old)
    for name, value in new.items():
        before: Any = result.get(name)
        if isinstance(value, dict) and isinstance(before, dict) and _alike(before, value):
            result[name] = merged(cast("dict[str, Any]", before), cast("dict[str, Any]", value))
        else:
            result[name] = value
    return result


def _alike(old: Any, new: Any) -> bool:
    return "type" not in new or new["type"] == old.get("type")
