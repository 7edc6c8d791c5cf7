"""One response of the OpenAI Realtime API, told to the client: an item of sound and its words, or of words alone, then calls."""

from collections.abc import Callable, Sequence
from typing import Any

from multimodal_assistant.core.types import ToolCall, Usage

from .realtime_items import Items, ServerEvent, message


class Response:
    """One answer, as the client knows it.

    conversation: its name. turn: what it answers. tell: sends an event, by its type and its fields. aloud: spoken; else written.
    by_track: its sound goes out otherwise than in events. metadata: the client's own, given back to it.
    """

    def __init__(
        self,
        conversation: str,
        turn: str,
        tell: Callable[..., None],
        items: Items,
        *,
        aloud: bool,
        by_track: bool,
        metadata: dict[str, str] | None,
    ) -> None:
        self.turn = turn
        self.name = f"resp_{conversation}_{turn}"
        self.item_name = f"item_{conversation}_{turn}_assistant"
        self.aloud = aloud
        self.begun = False
        """The client knows its message."""
        self.failed = False
        """A part of it could not be made."""
        self.sent = 0
        """Samples."""
        self.text = ""
        self._conversation = conversation
        self._tell = tell
        self._items = items
        self._by_track = aloud and by_track
        self._metadata = metadata
        self._calls: list[ServerEvent] = []
        tell("response.created", response=self._described("in_progress"))

    def begin(self) -> None:
        """Its message begins, unless it has."""
        if not self.begun:
            self.begun = True
            item = self._item("in_progress")
            self._tell("response.output_item.added", response_id=self.name, output_index=0, item=item)
            self._items.add(item)
            part = {"type": "audio", "transcript": ""} if self.aloud else {"type": "text", "text": ""}
            self._part("response.content_part.added", part=part)
            if self._by_track:
                self._tell("output_audio_buffer.started", response_id=self.name)

    def spoke(self, delta: str) -> None:
        """These words were heard."""
        self.text += delta
        self._part("response.output_audio_transcript.delta", delta=delta)

    def sound(self, samples: int, data: str | None) -> None:
        """So much sound has gone out, and the same in base64 where it goes out in events."""
        self.sent += samples
        if data:
            self._part("response.output_audio.delta", delta=data)

    def wrote(self, delta: str) -> None:
        """These words were written."""
        self.begin()
        self.text += delta
        self._part("response.output_text.delta", delta=delta)

    def end(self, status: str, reason: str | None = None, usage: Usage | None = None, calls: Sequence[ToolCall] = ()) -> None:
        """Nothing more of it comes."""
        if self.begun:
            self._end_message("completed" if status == "completed" else "incomplete")
            if self._by_track:
                self._tell(f"output_audio_buffer.{'stopped' if status == 'completed' else 'cleared'}", response_id=self.name)
        for call in calls:
            self._call(call)
        self._tell("response.done", response=self._described(status, reason, usage))

    def _end_message(self, status: str) -> None:
        text = self.text.strip()
        if self.aloud:
            self._part("response.output_audio.done")
            self._part("response.output_audio_transcript.done", transcript=text)
            self._part("response.content_part.done", part={"type": "audio", "transcript": text})
        else:
            self._part("response.output_text.done", text=text)
            self._part("response.content_part.done", part={"type": "text", "text": text})
        item = self._item(status)
        self._tell("response.output_item.done", response_id=self.name, output_index=0, item=item)
        self._items.finish(item)

    def _call(self, call: ToolCall) -> None:
        """A function is to be called; what comes of it, the client puts into the conversation."""
        index = len(self._calls) + self.begun
        name = f"item_{self._conversation}_{self.turn}_call_{len(self._calls) + 1}"
        item = {"id": name, "object": "realtime.item", "type": "function_call", "name": call.name, "call_id": call.id}
        begun = {**item, "status": "in_progress", "arguments": ""}
        place = {"response_id": self.name, "output_index": index}
        self._tell("response.output_item.added", **place, item=begun)
        self._items.add(begun)
        told = {**place, "item_id": name, "call_id": call.id}
        self._tell("response.function_call_arguments.delta", **told, delta=call.arguments)
        self._tell("response.function_call_arguments.done", **told, name=call.name, arguments=call.arguments)
        done = {**item, "status": "completed", "arguments": call.arguments}
        self._tell("response.output_item.done", **place, item=done)
        self._items.finish(done)
        self._calls.append(done)

    def _part(self, kind: str, **fields: Any) -> None:
        self._tell(kind, response_id=self.name, item_id=self.item_name, output_index=0, content_index=0, **fields)

    def _item(self, status: str) -> ServerEvent:
        """Its message."""
        text = self.text.strip()
        part = {"type": "output_audio", "transcript": text} if self.aloud else {"type": "output_text", "text": text}
        return message(self.item_name, "assistant", [] if status == "in_progress" else [part], status)

    def _described(self, status: str, reason: str | None = None, usage: Usage | None = None) -> ServerEvent:
        """All of it."""
        details = None if status in {"in_progress", "completed"} else {"type": status, "reason": reason}
        output = [self._item("completed" if status == "completed" else "incomplete")] if self.begun and status != "in_progress" else []
        return {
            "id": self.name,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [*output, *self._calls],
            "conversation_id": f"conv_{self._conversation}",
            "output_modalities": ["audio" if self.aloud else "text"],
            "usage": None if usage is None else self._counted(usage),
            "metadata": self._metadata,
        }

    def _counted(self, usage: Usage) -> ServerEvent:
        """Tokens of the language model. The voice and the recognizer count none: all of them are of text."""
        read, written = usage.prompt_tokens, usage.completion_tokens
        seen = {"text_tokens": read, "audio_tokens": 0, "cached_tokens": usage.cached_tokens}
        return {
            "total_tokens": read + written,
            "input_tokens": read,
            "output_tokens": written,
            "input_token_details": seen,
            "output_token_details": {"text_tokens": written, "audio_tokens": 0},
        }
