"""What happens in a conversation → the server's events of the OpenAI Realtime API, in the order that its clients expect.

A turn is told when it is taken: nothing of a draft ever reaches the client. A response ends with exactly one `response.done`.
"""

from collections.abc import Callable
from typing import Any

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.types import Samples

from .realtime_messages import RATE, pcm16

ServerEvent = dict[str, Any]


class Story:
    """Tells one conversation.

    name: of the conversation, unique. send: gets the events; must not wait. carries_sound: the answers' sound goes out in events;
    else by a track of its own, and the events only say when it sounds.
    """

    def __init__(self, name: str, send: Callable[[ServerEvent], None], *, carries_sound: bool = True) -> None:
        self.speaking = False
        """Sound of a response is going out."""
        self._name = name
        self._send = send
        self._carries_sound = carries_sound
        self._knows_ours = False  # the client understands events that the API does not have
        self._told = 0
        self._silent_since = 0.0
        self._previous: str | None = None
        self._response: _Response | None = None
        self._ending = False
        self._spoke = False
        self._written = 0

    def begin(self, session: ServerEvent) -> None:
        """The conversation is open."""
        self._tell("session.created", session=session)

    def updated(self, session: ServerEvent) -> None:
        """The wishes for it are noted."""
        self._tell("session.updated", session=session)

    def cleared(self) -> None:
        """The sound that was not listened to yet is forgotten."""
        self._tell("input_audio_buffer.cleared")

    def beat(self) -> None:
        """Answer the client's heartbeat. It has shown that it knows this server's own events: from now on it gets them."""
        self._knows_ours = True
        self._tell("assistant.heartbeat")

    def goodbye(self, message: str) -> None:
        """The conversation ends now."""
        if self._knows_ours:
            self._tell("assistant.goodbye", message=message)

    def refuse(self, message: str, code: str, event_id: str | None) -> None:
        """An event of the client cannot be carried out; the conversation goes on."""
        fault = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": event_id}
        self._tell("error", error=fault)

    def written(self, role: str, text: str, wanted: str | None) -> None:
        """Something was said in writing. wanted: the client's own name for it."""
        self._written += 1
        name = wanted or f"item_{self._name}_written_{self._written}"
        content = [{"type": "input_text" if role == "user" else "output_text", "text": text}]
        item = {"id": name, "object": "realtime.item", "type": "message", "status": "completed", "role": role, "content": content}
        for kind in ("conversation.item.added", "conversation.item.done"):
            self._tell(kind, item=item, previous_item_id=self._previous)
        self._previous = name

    def answers_with(self, item: str) -> bool:
        """Whether that is the message that is being said."""
        return self._response is not None and self._response.item_name == item

    def answered_with(self, item: str) -> bool:
        """Whether that is one of the assistant's messages, said or being said."""
        return item.startswith(f"item_{self._name}_") and item.endswith("_assistant")

    def truncated(self, item: str, milliseconds: int) -> None:
        """Of that message only so much was played."""
        self._tell("conversation.item.truncated", item_id=item, content_index=0, audio_end_ms=milliseconds)

    def hear(self, event: ev.Event) -> None:
        """Something happened in the conversation."""
        match event:
            case ev.AnswerRequested():
                self._respond(event.turn)
            case ev.SpeechStarted():
                self._tell("input_audio_buffer.speech_started", audio_start_ms=_ms(event.since), item_id=self._user(event.turn))
            case ev.SpeechStopped():
                self._silent_since = event.since
            case ev.TurnCommitted():
                self._committed(event.turn)
            case ev.TranscriptFinal():
                self._understood(event)
            case ev.Failure():
                self._failed(event)
            case ev.TurnMetrics():
                if self._knows_ours:
                    self._tell("assistant.metrics", item_id=self._user(event.turn), stages=event.stages)
            case _ if self._response is not None and self._response.turn == event.turn:
                self._answer(event, self._response)
            case _:
                pass

    def _answer(self, event: ev.Event, response: "_Response") -> None:
        """Something happened to the response."""
        match event:
            case ev.ReplySpoken():
                response.transcript += event.delta
                self._part("response.output_audio_transcript.delta", delta=event.delta)
            case ev.AudioStarted() | ev.AudioResumed() | ev.StopgapStarted():
                self._sounds(response)
            case ev.AudioPaused():
                self.speaking = False
            case ev.AudioFinished():
                self._ending = True  # its last block is still to be sent
            case ev.AudioStopped():
                self._interrupted(response, by_client=event.reason == ev.CUT)
            case ev.AnswerGivenUp():
                self._end("failed")
            case ev.DraftRetracted():
                self._end("cancelled", "turn_detected")
            case _:
                pass

    def played(self, samples: Samples) -> None:
        """A block of the output has gone out, shape [n] at `RATE`; silence where nothing is being said."""
        if self._response is not None and (self.speaking or self._spoke or self._ending) and len(samples):
            self._response.sent += len(samples)
            if self._carries_sound:
                self._part("response.output_audio.delta", delta=pcm16(samples))
        self._spoke = False
        if self._ending:
            self._end("completed")

    def _committed(self, turn: str) -> None:
        if self._response is not None:  # an answer without a sound
            self._end("completed")
        item = self._user(turn)
        self._tell("input_audio_buffer.speech_stopped", audio_end_ms=_ms(self._silent_since), item_id=item)
        self._tell("input_audio_buffer.committed", item_id=item, previous_item_id=self._previous)

    def _understood(self, event: ev.TranscriptFinal) -> None:
        name, text = self._user(event.turn), event.transcript.text
        item = {
            "id": name,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": text}],
        }
        for kind in ("conversation.item.added", "conversation.item.done"):
            self._tell(kind, item=item, previous_item_id=self._previous)
        self._previous = name
        told = {"item_id": name, "content_index": 0}
        self._tell("conversation.item.input_audio_transcription.delta", **told, delta=text)
        usage = {"type": "duration", "seconds": event.transcript.seconds}
        self._tell("conversation.item.input_audio_transcription.completed", **told, transcript=text, usage=usage)
        self._respond(event.turn)

    def _respond(self, turn: str) -> None:
        if self._response is not None:  # an answer without a sound
            self._end("completed")
        self._response = _Response(self._name, turn)
        self._tell("response.created", response=self._response.describe("in_progress"))

    def _sounds(self, response: "_Response") -> None:
        self.speaking = True
        self._spoke = True
        if not response.begun:
            response.begun = True
            item = response.item("in_progress")
            self._tell("response.output_item.added", response_id=response.name, output_index=0, item=item)
            self._tell("conversation.item.added", item=item, previous_item_id=self._previous)
            self._part("response.content_part.added", part={"type": "audio", "transcript": ""})
            self._previous = response.item_name
            if not self._carries_sound:
                self._tell("output_audio_buffer.started", response_id=response.name)

    def _interrupted(self, response: "_Response", *, by_client: bool) -> None:
        self._end("cancelled", "client_cancelled" if by_client else "turn_detected")
        if response.begun and not by_client:
            self.truncated(response.item_name, _ms(response.sent / RATE))

    def _failed(self, event: ev.Failure) -> None:
        fault = {"type": "server_error", "code": "engine_failed", "message": f"{event.problem} {event.remedy}".strip()}
        self._tell("error", error={**fault, "param": None, "event_id": None})
        if self._response is not None and not self._response.begun:
            self._end("failed")

    def _end(self, status: str, reason: str | None = None) -> None:
        """The response is over."""
        response, self._response = self._response, None
        self.speaking = self._ending = self._spoke = False
        if response is None:
            return
        if response.begun:
            self._close_item(response, "completed" if status == "completed" else "incomplete")
            if not self._carries_sound:
                self._tell(f"output_audio_buffer.{'stopped' if status == 'completed' else 'cleared'}", response_id=response.name)
        self._tell("response.done", response=response.describe(status, reason))

    def _close_item(self, response: "_Response", status: str) -> None:
        place = {"response_id": response.name, "item_id": response.item_name, "output_index": 0, "content_index": 0}
        text = response.transcript.strip()
        self._tell("response.output_audio.done", **place)
        self._tell("response.output_audio_transcript.done", **place, transcript=text)
        self._tell("response.content_part.done", **place, part={"type": "audio", "transcript": text})
        item = response.item(status)
        self._tell("response.output_item.done", response_id=response.name, output_index=0, item=item)
        self._tell("conversation.item.done", item=item, previous_item_id=None)

    def _part(self, kind: str, **fields: Any) -> None:
        response = self._response
        assert response is not None
        self._tell(kind, response_id=response.name, item_id=response.item_name, output_index=0, content_index=0, **fields)

    def _user(self, turn: str) -> str:
        return f"item_{self._name}_{turn}_user"

    def _tell(self, kind: str, **fields: Any) -> None:
        self._told += 1
        self._send({"type": kind, "event_id": f"event_{self._name}_{self._told}", **fields})


class _Response:
    """One answer, as the client knows it."""

    def __init__(self, conversation: str, turn: str) -> None:
        self.turn = turn
        self.name = f"resp_{conversation}_{turn}"
        self.item_name = f"item_{conversation}_{turn}_assistant"
        self.begun = False
        """The client knows its item."""
        self.sent = 0
        """Samples at `RATE`."""
        self.transcript = ""
        self._conversation = conversation

    def item(self, status: str) -> ServerEvent:
        """Its one message."""
        content = [{"type": "output_audio", "transcript": self.transcript.strip()}] if status != "in_progress" else []
        message = {"id": self.item_name, "object": "realtime.item", "type": "message", "role": "assistant"}
        return {**message, "status": status, "content": content}

    def describe(self, status: str, reason: str | None = None) -> ServerEvent:
        """All of it."""
        details = None if status in {"in_progress", "completed"} else {"type": status, "reason": reason}
        output = [self.item("completed" if status == "completed" else "incomplete")] if self.begun and status != "in_progress" else []
        response = {"id": self.name, "object": "realtime.response", "status": status, "status_details": details, "output": output}
        return {**response, "conversation_id": f"conv_{self._conversation}", "output_modalities": ["audio"], "usage": None}


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
