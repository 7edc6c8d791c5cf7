"""What the OpenAI Realtime API has no event for → this server's own, for clients that have shown that they know them."""

import base64
from datetime import UTC, datetime

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.types import RememberedView

from .realtime_items import ServerEvent
from .realtime_response import Response

_LARGEST_PICTURE = 48 << 10  # bytes; three times what is kept of a view. In base64 it is what every browser takes in one message


def beyond(event: ev.Event, asked: str, response: Response | None) -> ServerEvent | None:
    """The event that tells it; None where there is nothing to tell. asked: the item of the user's turn. response: the present one."""
    match event:
        case ev.TurnMetrics():
            return {"type": "assistant.metrics", "item_id": asked, "stages": event.stages}
        case ev.TranscriptPartial():
            return {"type": "assistant.transcript.partial", "item_id": asked, "text": event.text}
        case ev.ReplyText() if response is not None and response.turn == event.turn:
            return {"type": "assistant.reply.text", "item_id": response.item_name, "delta": event.delta}
        case ev.ViewShown() if response is not None and response.turn == event.turn:
            named = {"type": "assistant.view.shown", "response_id": response.name, "item_id": response.item_name}
            return None if (view := shown(event.view)) is None else named | view
        case _:
            return None


def shown(view: RememberedView) -> ServerEvent | None:
    """A view that was kept; None where its picture is too large for an event."""
    picture = view.picture
    if len(picture.data) > _LARGEST_PICTURE:
        return None
    uri = f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"
    seen_at = datetime.fromtimestamp(view.at, UTC).isoformat(timespec="seconds")
    return {"seen_at": seen_at, "source": view.source, "text": view.words, "image_url": uri}
