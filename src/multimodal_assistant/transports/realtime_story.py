"""What happens in a conversation → the server's events of the OpenAI Realtime API, in the order that its clients expect.

A turn is told when it is taken: nothing of a draft ever reaches the client. A response ends with exactly one `response.done`.
"""

from collections.abc import Callable
from typing import Any

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.types import Samples

from .realtime_beyond import beyond
from .realtime_formats import RATE, Encoder, Format
from .realtime_items import Items, ServerEvent, message
from .realtime_response import Response


class Story:
    """Tells one conversation.

    name: of the conversation, unique. send: gets the events; must not wait. carries_sound: the answers' sound goes out in events;
    else by a track of its own, and the events only say when it sounds. held: told when an answer is paused (True) and when it goes on
    (False), if the client falls silent at once: what was on its way to it is lost then.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[ServerEvent], None],
        *,
        carries_sound: bool = True,
        held: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.speaking = False
        """Sound of a response is going out."""
        self.items = Items(name, self._tell)
        self._name = name
        self._send = send
        self._carries_sound = carries_sound
        self._held = held
        self._encoder = Encoder(Format())
        self._knows_ours = False  # the client understands events that the API does not have
        self._told = 0
        self._silent_since = 0.0
        self._response: Response | None = None
        self._metadata: dict[str, str] | None = None
        self._ended: ev.AnswerFinished | None = None
        self._ending = False
        self._spoke = False
        self._taken: dict[str, str] = {}  # turns whose item the client knows already

    def sound_as(self, form: Format) -> None:
        """How sound goes out in events from now on."""
        self._encoder = Encoder(form)

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

    def forgot(self) -> None:
        """Views that were kept are deleted, on the user's wish: none of them is to be seen any more."""
        if self._knows_ours:
            self._tell("assistant.views.forgotten")

    def refuse(self, message: str, code: str, event_id: str | None) -> None:
        """An event of the client cannot be carried out; the conversation goes on."""
        fault = {"type": "invalid_request_error", "code": code, "message": message, "param": None, "event_id": event_id}
        self._tell("error", error=fault)

    def written(self, role: str, text: str, wanted: str | None) -> None:
        """Something was said in writing. wanted: the client's own name for it."""
        content = {"type": "output_text" if role == "assistant" else "input_text", "text": text}
        self.items.whole(message(self.items.name(wanted), role, [content]))

    def returned(self, call: str, output: str, wanted: str | None) -> None:
        """That came of a call."""
        item = {"id": self.items.name(wanted), "object": "realtime.item", "type": "function_call_output", "status": "completed"}
        self.items.whole({**item, "call_id": call, "output": output})

    def took(self, turn: str, wanted: str | None = None, *, committed: bool) -> None:
        """Sound is a turn of the user because the client says so; its words follow. committed: it came by the buffer."""
        name = wanted or self._user(turn)
        self._taken[turn] = name
        if committed:
            self._tell("input_audio_buffer.committed", item_id=name, previous_item_id=self.items.last)
        self.items.whole(message(name, "user", [{"type": "input_audio", "transcript": None}]))

    def retrieved(self, item: ServerEvent) -> None:
        """The client has asked for that item."""
        self._tell("conversation.item.retrieved", item=item)

    def deleted(self, name: str) -> None:
        """That item is taken out of the conversation."""
        self.items.forget(name)
        self._tell("conversation.item.deleted", item_id=name)

    def expect(self, metadata: dict[str, str] | None) -> None:
        """The next response has these."""
        self._metadata = metadata

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
            case ev.AnswerBegun():
                self._respond(event)
            case ev.Failure():
                self._failed(event)
            case _:
                if self._knows_ours and (told := beyond(event, self._user(event.turn), self._response)) is not None:
                    self._tell(**told)
                self._listen(event)
                if self._response is not None and self._response.turn == event.turn:
                    self._answer(event, self._response)

    def _listen(self, event: ev.Event) -> None:
        """Something happened on the side of the user."""
        match event:
            case ev.SpeechStarted():
                self._tell("input_audio_buffer.speech_started", audio_start_ms=_ms(event.since), item_id=self._user(event.turn))
            case ev.SpeechStopped():
                self._silent_since = event.since
            case ev.TurnCommitted():
                self._committed(event.turn)
            case ev.TranscriptFinal():
                self._understood(event)
            case ev.TranscriptFailed():
                told = {"item_id": self._taken.pop(event.turn), "content_index": 0}
                self._tell("conversation.item.input_audio_transcription.failed", **told, error=_fault(event))
            case _:
                pass

    def _answer(self, event: ev.Event, response: Response) -> None:
        """Something happened to the response."""
        match event:
            case ev.ReplySpoken():
                response.spoke(event.delta)
            case ev.ReplyText():
                if not response.aloud:
                    response.wrote(event.delta)
            case ev.AudioStarted() | ev.StopgapStarted():
                self._sounds(response)
            case ev.AudioPaused() | ev.AudioResumed():
                self._hold(response, held=isinstance(event, ev.AudioPaused))
            case ev.AnswerFinished():
                self._ending, self._ended = True, event  # its last block is still to be sent
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
        response = self._response
        if response is not None and response.begun and (self.speaking or self._spoke or self._ending) and response.aloud and len(samples):
            response.sound(len(samples), self._encoder.encode(samples) if self._carries_sound else None)
        self._spoke = False
        if self._ending:
            self._end("failed" if response is not None and response.failed else "completed")

    def _committed(self, turn: str) -> None:
        item = self._user(turn)
        self._tell("input_audio_buffer.speech_stopped", audio_end_ms=_ms(self._silent_since), item_id=item)
        self._tell("input_audio_buffer.committed", item_id=item, previous_item_id=self.items.last)

    def _understood(self, event: ev.TranscriptFinal) -> None:
        text = event.transcript.text
        name = self._taken.pop(event.turn, None)
        if name is None:
            name = self._user(event.turn)
            self.items.whole(message(name, "user", [{"type": "input_audio", "transcript": text}]))
        else:
            self.items.understood(name, text)
        told = {"item_id": name, "content_index": 0}
        self._tell("conversation.item.input_audio_transcription.delta", **told, delta=text)
        usage = {"type": "duration", "seconds": event.transcript.seconds}
        self._tell("conversation.item.input_audio_transcription.completed", **told, transcript=text, usage=usage)

    def _respond(self, event: ev.AnswerBegun) -> None:
        self._end("completed")  # one that was given up, or failed, and of which nothing was heard
        metadata, self._metadata = self._metadata, None
        by_track = not self._carries_sound
        self._response = Response(self._name, event.turn, self._tell, self.items, aloud=event.aloud, by_track=by_track, metadata=metadata)

    def _sounds(self, response: Response) -> None:
        self.speaking = True
        self._spoke = True
        response.begin()

    def _hold(self, response: Response, *, held: bool) -> None:
        """The answer is paused, or goes on."""
        if held:
            self.speaking = False
        else:
            self._sounds(response)
        if self._knows_ours and not self._carries_sound:
            self._tell("assistant.held" if held else "assistant.resumed")
            self._held(held)

    def _interrupted(self, response: Response, *, by_client: bool) -> None:
        self._end("cancelled", "client_cancelled" if by_client else "turn_detected")
        if response.begun and response.aloud and not by_client:
            self.truncated(response.item_name, _ms(response.sent / RATE))

    def _failed(self, event: ev.Failure) -> None:
        self._tell("error", error={**_fault(event), "event_id": None})
        if self._response is not None:
            self._response.failed = True
            if not (self._response.begun and self._response.aloud):  # else what was made of it is still being heard
                self._end("failed")

    def _end(self, status: str, reason: str | None = None) -> None:
        """The response is over."""
        response, self._response = self._response, None
        ended, self._ended = self._ended, None
        self.speaking = self._ending = self._spoke = False
        if response is None:
            return
        usage, calls = (None, ()) if ended is None or status != "completed" else (ended.usage, ended.calls)
        response.end(status, reason, usage, calls)

    def _user(self, turn: str) -> str:
        return f"item_{self._name}_{turn}_user"

    def _tell(self, type: str, **fields: Any) -> None:
        self._told += 1
        self._send({"type": type, "event_id": f"event_{self._name}_{self._told}", **fields})


def _fault(event: ev.Failure | ev.TranscriptFailed) -> ServerEvent:
    message = f"{event.problem} {event.remedy}".strip()
    return {"type": "server_error", "code": "engine_failed", "message": message, "param": None}


def _ms(seconds: float) -> int:
    return round(1000 * seconds)
