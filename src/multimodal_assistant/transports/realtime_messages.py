"""What a client of the OpenAI Realtime API may send, checked. Names and shapes are those of its general availability (2025-08)."""

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from multimodal_assistant.core.errors import UsageError

from .realtime_wishes import ResponseWishes

_MOST_TEXT = 16_000  # characters of one item
_LONGEST_NAME = 512  # of an event, characters


class BadMessage(UsageError):
    """An event that cannot be carried out. `code` is what the API calls the mistake, `event_id` the client's own name for the event."""

    def __init__(self, problem: str, code: str, event_id: str | None = None) -> None:
        super().__init__(problem)
        self.code = code
        self.event_id = event_id


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    event_id: str | None = Field(default=None, max_length=_LONGEST_NAME)


class UpdateSession(_Message):
    """Wishes for the conversation; what is not named stays as it is."""

    type: Literal["session.update"]
    session: dict[str, Any]


class AppendAudio(_Message):
    """The next sound of the user."""

    type: Literal["input_audio_buffer.append"]
    audio: str
    """Base64, in the format of the session."""

    def data(self) -> bytes:
        """The bytes of it. Raises `BadMessage`."""
        return decoded(self.audio, self.event_id)


class CommitAudio(_Message):
    """What was said since the last turn is a turn."""

    type: Literal["input_audio_buffer.commit"]


class ClearAudio(_Message):
    """Forget the sound that has not been listened to yet."""

    type: Literal["input_audio_buffer.clear"]


class ClearOutput(_Message):
    """Be silent now."""

    type: Literal["output_audio_buffer.clear"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextPart(_Part):
    """Words."""

    type: Literal["input_text", "output_text", "text"]
    text: str = Field(max_length=_MOST_TEXT)


class AudioPart(_Part):
    """Sound, in the format of the session."""

    type: Literal["input_audio"]
    audio: str


class ImagePart(_Part):
    """A picture."""

    type: Literal["input_image"]
    image_url: str
    """A data URI."""


class MessageItem(_Part):
    """Something that was said."""

    id: str | None = Field(default=None, min_length=1, max_length=64)
    type: Literal["message"]
    role: Literal["user", "assistant", "system"]
    content: list[Annotated[TextPart | AudioPart | ImagePart, Field(discriminator="type")]] = Field(min_length=1, max_length=64)


class OutputItem(_Part):
    """What came of a call."""

    id: str | None = Field(default=None, min_length=1, max_length=64)
    type: Literal["function_call_output"]
    call_id: str = Field(max_length=128)
    output: str = Field(max_length=_MOST_TEXT)


class BeyondItem(_Message):
    """What is not of the API."""

    retold: bool = False
    """It was said in an earlier call, which the client tells of: nobody says it now, and it is remembered already, or was not to be."""


class CreateItem(_Message):
    """Something that is said otherwise than by the microphone, or that the assistant is to have said, or what came of a call."""

    type: Literal["conversation.item.create"]
    previous_item_id: str | None = None
    item: Annotated[MessageItem | OutputItem, Field(discriminator="type")]
    assistant: BeyondItem = BeyondItem()


class RetrieveItem(_Message):
    """Tell what is known of an item."""

    type: Literal["conversation.item.retrieve"]
    item_id: str = Field(max_length=128)


class DeleteItem(_Message):
    """Take it out of the conversation."""

    type: Literal["conversation.item.delete"]
    item_id: str = Field(max_length=128)


class TruncateItem(_Message):
    """So much of the answer was played; the rest will not be."""

    type: Literal["conversation.item.truncate"]
    item_id: str = Field(max_length=128)
    content_index: int = 0
    audio_end_ms: int = Field(ge=0)


class CreateResponse(_Message):
    """Answer now."""

    type: Literal["response.create"]
    response: ResponseWishes | None = None


class CancelResponse(_Message):
    """Stop answering."""

    type: Literal["response.cancel"]


class Heartbeat(_Message):
    """The client is there. Not of the API: a client that sends it gets one back, and this server's own events from then on."""

    type: Literal["assistant.heartbeat"]
    playout_delay_ms: float | None = Field(default=None, ge=0, le=10_000)
    """From the arrival of a sound to the ear."""


Message = (
    Heartbeat
    | UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | ClearOutput
    | CreateItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
)

_MESSAGE = TypeAdapter[Message](Annotated[Message, Field(discriminator="type")])


class _Kind(BaseModel):
    """What is looked at before the rest."""

    type: Any = None
    event_id: Any = None

    @property
    def name(self) -> str | None:
        """Of the event, by which an error refers to it."""
        return self.event_id if isinstance(self.event_id, str) and len(self.event_id) <= _LONGEST_NAME else None


def parsed(text: str | bytes) -> Message:
    """One event of the client. Raises `BadMessage`, whatever was sent."""
    try:
        kind = _Kind.model_validate_json(text)
    except ValidationError:
        raise BadMessage('An event is a JSON object with a "type".', "invalid_event") from None
    if not isinstance(kind.type, str):
        raise BadMessage('The "type" of the event is missing or no text.', "invalid_event", kind.name)
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"] == ():
            raise BadMessage("There is no event of that type.", "invalid_event", kind.name) from None
        raise BadMessage(f"{kind.type}: {complaint(error, skip=1)}", "invalid_value", kind.name) from None


def complaint(error: ValidationError, skip: int = 0) -> str:
    """The first thing that is wrong, in one sentence; of the path to it, `skip` names are left out."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"][skip:])
    return f"{place}: {first['msg']}."


def decoded(text: str, event_id: str | None) -> bytes:
    """The bytes of base64. Raises `BadMessage`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadMessage("The audio is not valid base64.", "invalid_value", event_id) from None
