"""What a client of the OpenAI Realtime API may send, checked. Names and shapes are those of its general availability (2025-08)."""

import base64
import binascii
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from multimodal_assistant.core.errors import UsageError
from multimodal_assistant.core.types import Samples

RATE = 24_000
"""Samples per second of audio/pcm, both ways: mono, 16 bit, little endian."""

_MOST_INSTRUCTIONS = 16_000  # characters
_MOST_TEXT = 16_000  # of one item
_OTHERS = frozenset("input_audio_buffer.commit output_audio_buffer.clear conversation.item.retrieve conversation.item.delete".split())
"""Events of the API that are not understood yet."""


class BadMessage(UsageError):
    """An event that cannot be carried out. `code` is what the API calls the mistake, `event_id` the client's own name for the event."""

    def __init__(self, problem: str, code: str, event_id: str | None = None) -> None:
        super().__init__(problem)
        self.code = code
        self.event_id = event_id


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    event_id: str | None = Field(default=None, max_length=512)


class Wishes(BaseModel):
    """How to answer."""

    model_config = ConfigDict(frozen=True)

    instructions: str | None = Field(default=None, max_length=_MOST_INSTRUCTIONS)
    max_output_tokens: int | Literal["inf"] | None = None


class UpdateSession(_Message):
    """Wishes for the conversation; what is not named stays as it is."""

    type: Literal["session.update"]
    session: Wishes


class AppendAudio(_Message):
    """The next sound of the user."""

    type: Literal["input_audio_buffer.append"]
    audio: str
    """Base64 of audio/pcm."""

    def samples(self) -> Samples:
        """Shape [n] at `RATE`. Raises `BadMessage`."""
        try:
            data = base64.b64decode(self.audio, validate=True)
        except (binascii.Error, ValueError):
            raise BadMessage("The audio is not valid base64.", "invalid_value", self.event_id) from None
        if len(data) % 2:
            raise BadMessage("The audio ends within a sample: 16-bit samples have two bytes.", "invalid_value", self.event_id)
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)


class ClearAudio(_Message):
    """Forget the sound that has not been listened to yet."""

    type: Literal["input_audio_buffer.clear"]


class _Text(BaseModel):
    model_config = ConfigDict(frozen=True)

    type: Literal["input_text", "output_text"]
    text: str = Field(max_length=_MOST_TEXT)


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str | None = Field(default=None, max_length=64)
    type: Literal["message"]
    role: Literal["user", "assistant"]
    content: list[_Text] = Field(min_length=1, max_length=64)

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(part.text.strip() for part in self.content).strip()


class CreateItem(_Message):
    """Something that is said in writing, by the user, or that the assistant is to have said."""

    type: Literal["conversation.item.create"]
    item: _Item


class TruncateItem(_Message):
    """So much of the answer was played; the rest will not be."""

    type: Literal["conversation.item.truncate"]
    item_id: str = Field(max_length=128)
    content_index: int = 0
    audio_end_ms: int = Field(ge=0)


class CreateResponse(_Message):
    """Answer now."""

    type: Literal["response.create"]
    response: Wishes | None = None


class CancelResponse(_Message):
    """Stop answering."""

    type: Literal["response.cancel"]


class Heartbeat(_Message):
    """The client is there. Not of the API: a client that sends it gets one back, and this server's own events from then on."""

    type: Literal["assistant.heartbeat"]
    playout_delay_ms: float | None = Field(default=None, ge=0, le=10_000)
    """From the arrival of a sound to the ear."""


Message = Heartbeat | UpdateSession | AppendAudio | ClearAudio | CreateItem | TruncateItem | CreateResponse | CancelResponse

_MESSAGE = TypeAdapter[Message](Annotated[Message, Field(discriminator="type")])


class _Kind(BaseModel):
    """What is looked at before the rest."""

    type: str = Field(max_length=64)
    event_id: str | None = Field(default=None, max_length=512)


def parsed(text: str | bytes) -> Message:
    """One event of the client. Raises `BadMessage`, whatever was sent."""
    try:
        kind = _Kind.model_validate_json(text)
    except ValidationError:
        raise BadMessage('An event is a JSON object with a "type".', "invalid_event") from None
    if kind.type in _OTHERS:
        raise BadMessage(f"The event {kind.type!r} is not supported by this server yet.", "unsupported_event", kind.event_id)
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if first["type"].startswith("union_tag"):
            raise BadMessage("There is no event of that type.", "invalid_event", kind.event_id) from None
        place = ".".join(str(part) for part in first["loc"][1:])
        raise BadMessage(f"{kind.type}: {place}: {first['msg']}.", "invalid_value", kind.event_id) from None


def pcm16(samples: Samples) -> str:
    """Samples, shape [n], as base64 of audio/pcm."""
    return base64.b64encode((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()).decode()
