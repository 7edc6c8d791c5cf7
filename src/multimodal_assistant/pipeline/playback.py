"""The committed answer → the samples that go out, and what the user has heard of it."""

import logging
from collections.abc import Callable, Sequence

import numpy as np

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.types import Samples, SpokenChunk
from multimodal_assistant.processors.captions import Captions
from multimodal_assistant.processors.playout import Playout

from .draft import Draft
from .history import History
from .rules import Action
from .stopgap import Stopgaps

log = logging.getLogger(__name__)


class Playback:
    """The assistant's side of the sound.

    tell: publishes events. clock: seconds of input so far. delay: seconds between a pull and the ear.
    """

    def __init__(self, history: History, tell: Callable[[ev.Event], None], clock: Callable[[], float], delay: Callable[[], float]) -> None:
        self._history = history
        self._tell = tell
        self._clock = clock
        self._delay = delay
        self._live: Draft | None = None
        self._turn = ""
        self._committed_at = 0.0
        self._captions: Captions | None = None
        self._heard_words = 0
        self._shown = False  # what the answer tells of, if that is to be shown
        self._fading: Playout | None = None
        self._stopgap: Playout | None = None
        self._given_up = False  # and what is said about it is still going out
        self._asides: list[str] = []

    @property
    def live(self) -> Draft | None:
        """The answer that has the floor."""
        return self._live

    @property
    def heard_seconds(self) -> float:
        """How much of the answer has reached the ear."""
        return 0.0 if self._live is None else max(self._live.playout.seconds - self._delay(), 0.0)

    @property
    def lateness(self) -> float:
        """Seconds since the answer that has the floor was begun, as long as no sound of it is made; else 0."""
        waiting = self._live is not None and self._live.manner.aloud and self._live.watch.at("audio") is None
        return self._clock() - self._committed_at if waiting else 0.0

    def begin(self, draft: Draft, turn: str) -> None:
        """Let an answer sound."""
        self._live, self._turn, self._committed_at = draft, turn, self._clock()
        self._stopgap, self._shown = None, False
        self._tell(ev.AnswerBegun(turn, draft.manner.aloud, t=self._clock()))
        self._captions, self._heard_words = None, 0
        draft.commit(lambda delta: self._wrote(draft, turn, delta))

    def _wrote(self, draft: Draft, turn: str, delta: str) -> None:
        self._tell(ev.ReplyText(turn, delta, t=self._clock()))
        if not draft.manner.aloud:
            self._show(draft, turn)

    def _show(self, draft: Draft, turn: str) -> None:
        """The answer is there: what it tells of is shown with it, once. Not before, since it may be given up, or never come."""
        view = draft.glance.remembered
        if view is not None and not self._shown:
            self._shown = True
            self._tell(ev.ViewShown(turn, view, t=self._clock()))

    def bear_with(self, gaps: Stopgaps | None) -> bool:
        """Say something while an answer is late, and give it up where it does not come; True where that has just happened."""
        lateness = self.lateness
        draft = self._live
        if gaps is None or draft is None or not lateness:
            return False
        phrases = gaps.of(draft.manner.voice, draft.transcript.language if draft.transcript else "")
        if lateness >= gaps.patience.give_up_after:
            self._give_up(phrases.sorry)
            log.warning("an answer was given up after %.1f s", lateness)
            self._tell(ev.Failure(self._turn, "The answer took too long and was given up.", "See `assistant doctor`.", t=self._clock()))
            return True
        if lateness >= gaps.patience.stopgap_after and phrases.waiting:
            self._bridge(phrases.waiting[int(self._turn) % len(phrases.waiting)])
        return False

    def _bridge(self, chunks: Sequence[SpokenChunk]) -> None:
        """Say this before the answer, once: the answer is late. It is no part of it, and of no history."""
        if self._stopgap is None and self._live is not None and chunks:
            self._say(chunks, self._live.playout.rate)

    def _give_up(self, chunks: Sequence[SpokenChunk]) -> None:
        """The answer takes too long: say this instead. What the user said waits for the next turn."""
        draft = self.take_back()
        if draft is not None:
            if draft.transcript is not None:
                self._history.aside(draft.transcript.text)
            self._keep_asides()
            if chunks:
                self._say(chunks, draft.playout.rate)
            self._given_up = True

    def hush(self) -> None:
        """Without an answer, nothing more is said about it: the user speaks."""
        if self._live is None and self._stopgap is not None:
            self._stopgap.drop()
            self._fading, self._stopgap = self._stopgap, None

    def _say(self, chunks: Sequence[SpokenChunk], rate: int) -> None:
        self._stopgap = Playout(rate)
        for chunk in chunks:
            self._stopgap.add(chunk)
        self._stopgap.finish()
        self._tell(ev.StopgapStarted(self._turn, t=self._clock()))

    @property
    def _sounding(self) -> list[Playout]:
        live = [] if self._live is None else [self._live.playout]
        return [*live, *([] if self._stopgap is None else [self._stopgap])]

    def change(self, action: Action, aside: str) -> None:
        """Quieter, as loud as before, on hold, or on again; `aside`: words that were said meanwhile and are kept for the next turn."""
        for playout in self._sounding:
            match action.kind:
                case "duck":
                    playout.duck()
                case "unduck":
                    playout.unduck()
                case "pause":
                    playout.pause()
                case _:
                    playout.resume()
        if self._live is not None and action.kind == "pause":
            self._tell(ev.AudioPaused(self._turn, t=self._clock()))
        elif self._live is not None and action.kind == "resume":
            self._asides += [aside] if aside else []
            self._tell(ev.AudioResumed(self._turn, action.reason, t=self._clock()))

    def stop(self, reason: str, heard_seconds: float | None = None) -> None:
        """The answer ends here: history keeps what was heard. heard_seconds: of the answer, where somebody knows better than we do."""
        draft = self.take_back()
        if draft is not None and draft.transcript is not None:
            delay = self._delay() if heard_seconds is None else draft.playout.seconds - heard_seconds
            heard = draft.playout.heard(delay=max(delay, 0.0))
            self._caption(draft)
            written = Captions(draft.transcript.language)
            written.advance(draft.written, len(heard.split()))
            read = written.so_far(draft.written) if draft.manner.aloud else draft.text
            self._history.interrupted(draft.transcript.text, read, draft.glance.note, private=draft.manner.memory is None)
            self._keep_asides()
            self._tell(ev.AudioStopped(self._turn, heard, reason, t=self._clock()))

    def take_back(self) -> Draft | None:
        """End the answer with a fade and stop whatever still works on it; nothing of it is kept."""
        draft, self._live = self._live, None
        if draft is not None:
            draft.playout.drop()
            draft.scope.cancel()
            self._fading = draft.playout
        if self._stopgap is not None:
            self._stopgap.drop()
            self._fading, self._stopgap = self._stopgap, None
        return draft

    def pull(self, count: int) -> Samples:
        """The next `count` samples, shape [count]."""
        out = np.zeros(count, np.float32)
        if self._fading is not None:
            out, self._fading = self._fading.pull(count), None
        if self._stopgap is not None and not self._stopgap.done:
            return out + self._stopgap.pull(count)  # the answer waits
        draft = self._live
        if draft is None:
            return out
        out = out + draft.playout.pull(count)
        if not draft.sounding and draft.playout.position:
            self._first_sound(draft)
        self._caption(draft)
        return out

    def _caption(self, draft: Draft) -> None:
        """Tell what has been heard of the reply since the last time."""
        heard = draft.playout.heard_words(delay=self._delay())
        if heard > self._heard_words:
            self._heard_words = heard
            if said := self._captioned(draft).advance(draft.written, heard):
                self._tell(ev.ReplySpoken(self._turn, said, t=self._clock()))

    def _captioned(self, draft: Draft) -> Captions:
        """Of the answer that has the floor. In which language it is, is known once something of it is to be heard."""
        self._captions = self._captions or Captions(draft.transcript.language if draft.transcript else "en")
        return self._captions

    def ended(self) -> bool:
        """Whether the last of the answer has just gone out; it is then in the history."""
        if self._given_up and (self._stopgap is None or self._stopgap.done):
            self._given_up = False
            self._tell(ev.AnswerGivenUp(self._turn, t=self._clock()))
        draft = self._live
        if draft is None or not draft.playout.done:
            return False
        self._live = None
        if draft.error is None and draft.manner.aloud and (rest := self._captioned(draft).rest(draft.written).rstrip()):
            self._tell(ev.ReplySpoken(self._turn, rest, t=self._clock()))
        if draft.sounding:
            self._tell(ev.AudioFinished(self._turn, t=self._clock()))
        private = draft.manner.memory is None
        if draft.transcript is not None and draft.error is not None:
            self._history.interrupted(
                draft.transcript.text, self._captioned(draft).so_far(draft.written), draft.glance.note, private=private
            )
        elif draft.transcript is not None:
            self._history.answered(draft.transcript.text, draft.text, draft.glance.note, private=private)
            self._history.called(draft.calls)
        self._keep_asides()
        calls = draft.calls if draft.error is None else ()
        self._tell(ev.AnswerFinished(self._turn, draft.usage, calls, t=self._clock()))
        return True

    def note(self, words: str) -> None:
        """The user says this beside an answer; where one is being given, it comes after that."""
        if self._live is None or not self._live.reading:
            self._history.aside(words)
        else:
            self._asides.append(words)

    def _keep_asides(self) -> None:
        for words in self._asides:
            self._history.aside(words)
        self._asides.clear()

    def _first_sound(self, draft: Draft) -> None:
        draft.sounding = True
        now = self._clock()
        self._tell(ev.AudioStarted(self._turn, t=now))
        self._show(draft, self._turn)
        stages = draft.stages(self._committed_at - draft.speech_end, now - draft.speech_end)
        self._tell(ev.TurnMetrics(self._turn, stages, t=now))
