"""A conversation: what comes in is heard, understood and answered, for as long as the connection lasts.

One task group per conversation, one task per draft. The loop over the input decides (through `turns.py`) and never waits
for a model.
"""

import logging
from collections.abc import Callable
from contextlib import aclosing

import anyio
import numpy as np

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.connection import Connection
from multimodal_assistant.core.errors import AssistantError, leaf
from multimodal_assistant.core.protocols import EndOfTurnDetector, Prefilling
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.processors.input_buffer import InputBuffer
from multimodal_assistant.processors.playout import Playout

from .draft import Draft
from .history import History
from .listen import ListenAlong
from .reply import Engines, Manner
from .respond import conversation
from .turns import Action, Phase, Rules, Turns

log = logging.getLogger(__name__)

_KEPT_SECONDS = 120.0
_BEFORE_SPEECH = 0.3  # seconds kept before the detector is sure: soft beginnings
_OVERHEAR_EVERY = 0.3


class Session:
    """One conversation over one connection."""

    def __init__(
        self,
        connection: Connection,
        engines: Engines,
        turn_detector: EndOfTurnDetector,
        *,
        manner: Manner | None = None,
        bus: ev.EventBus | None = None,
        rules: Rules | None = None,
        partials: bool = False,
    ) -> None:
        """`partials`: transcribe while the user speaks, for captions and for the language model to read ahead.

        Off by default: recognition cannot be cut short, and on two cores one that has just begun holds up the final one.
        """
        self._partials = partials
        self._connection = connection
        self._engines = engines
        self._detector = turn_detector
        self._manner = manner or Manner()
        self._bus = bus or ev.EventBus()
        self._turns = Turns(rules)
        self.history = History()
        self._input = InputBuffer(SPEECH_RATE, _KEPT_SECONDS)
        self._scored_until = 0  # samples that the voice activity detector has seen
        self._turn = 0
        self._utterance_since = 0.0
        self._silent_since = 0.0
        self._committed_at = 0.0
        self._draft: Draft | None = None
        self._live: Draft | None = None
        self._fading: Playout | None = None
        self._along = ListenAlong()
        self._busy: set[str] = set()
        self._overheard_at = 0.0
        self._overhear_again: float | None = None
        self._tasks = anyio.create_task_group()

    @property
    def quiet(self) -> bool:
        """Nobody has the floor and nothing is being made."""
        return self._turns.phase is Phase.IDLE and self._live is None and self._draft is None

    async def run(self) -> None:
        """Converse until the connection ends. Engine failures are told and survived; a broken connection raises."""
        try:
            async with self._tasks as tasks:
                stream = self._engines.vad.stream()
                async with aclosing(self._connection.blocks(self._pull, self._engines.tts.rate)) as blocks:
                    async for block in blocks:
                        self._input.append(block.samples)
                        self._detect_voice(stream.window, stream.score)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise leaf(group) from group

    # Hearing

    def _detect_voice(self, window: int, score: Callable[[Samples], float]) -> None:
        seconds = window / SPEECH_RATE
        while (self._scored_until + window) / SPEECH_RATE <= self._input.now:
            begin = self._scored_until / SPEECH_RATE
            self._scored_until += window
            now = self._scored_until / SPEECH_RATE
            probability = score(self._input.between(begin, now))
            self._carry_out(self._turns.hear(now, probability, seconds))
            if self._turns.overlap_since is not None and now - self._overheard_at >= _OVERHEAR_EVERY:
                self._overhear(Action("overhear", since=self._turns.overlap_since))
            if self._partials and self._turns.phase is Phase.USER and self._draft is None:
                self._start_partial(now)

    def _start_partial(self, now: float) -> None:
        if "partial" not in self._busy and self._along.due(now):
            self._busy.add("partial")
            self._tasks.start_soon(self._listen_along, self._turn, name="partial")

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            log.debug("%.2f %s", self._input.now, action)
            getattr(self, f"_{action.kind}")(action)

    def _tell(self, event: ev.Event) -> None:
        self._bus.publish(event)

    @property
    def _id(self) -> str:
        return str(self._turn)

    # What the rules ask for, one method per kind of action

    def _speech_started(self, action: Action) -> None:
        self._turn += 1
        self._utterance_since = action.since - _BEFORE_SPEECH
        self._along = ListenAlong(action.since)
        self._tell(ev.SpeechStarted(self._id, action.since, t=self._input.now))

    def _speech_stopped(self, action: Action) -> None:
        self._silent_since = action.since
        self._tell(ev.SpeechStopped(self._id, action.since, t=self._input.now))

    def _start_draft(self, action: Action) -> None:
        heard = self._input.between(self._utterance_since, self._input.now)
        self._draft = Draft(action.revision, heard, self._silent_since, self._engines.tts.rate)
        self._tell(ev.DraftStarted(self._id, action.revision, t=self._input.now))
        self._tasks.start_soon(self._make, self._draft, name=f"draft {action.revision}")

    def _score(self, action: Action) -> None:
        if "score" not in self._busy:
            self._busy.add("score")
            self._tasks.start_soon(self._score_turn, action.revision, name="end of turn")

    def _retract(self, action: Action) -> None:
        draft, self._draft = self._draft, None
        if draft is not None:
            draft.scope.cancel()
            self._tell(ev.DraftRetracted(self._id, draft.revision, action.reason, t=self._input.now))

    _discard = _retract

    def _commit(self, action: Action) -> None:
        draft, self._draft = self._draft, None
        if draft is None:
            return
        self._live = draft
        self._committed_at = self._input.now
        self._tell(ev.TurnCommitted(self._id, action.reason, t=self._input.now))
        if draft.transcript is not None:
            self._tell(ev.TranscriptFinal(self._id, draft.transcript, t=self._input.now))
        turn = self._id
        draft.commit(lambda delta: self._tell(ev.ReplyText(turn, delta, t=self._input.now)))

    def _revise(self, action: Action) -> None:
        """What was committed is taken back: the two halves become one turn."""
        draft = self._let_go()
        if draft is not None:
            self._tell(ev.DraftRetracted(self._id, draft.revision, f"{action.reason} after the commit", t=self._input.now))

    def _duck(self, _action: Action) -> None:
        if self._live is not None:
            self._live.playout.duck()

    def _unduck(self, _action: Action) -> None:
        if self._live is not None:
            self._live.playout.unduck()

    def _pause(self, _action: Action) -> None:
        if self._live is not None:
            self._live.playout.pause()
            self._tell(ev.AudioPaused(self._id, t=self._input.now))

    def _resume(self, action: Action) -> None:
        if self._live is not None:
            self._live.playout.resume()
            self._tell(ev.AudioResumed(self._id, action.reason, t=self._input.now))

    def _stop(self, action: Action) -> None:
        """The user has taken the floor: history keeps what was heard."""
        draft = self._let_go()
        if draft is not None and draft.transcript is not None:
            heard = draft.playout.heard(delay=self._connection.output_delay)
            self.history.interrupted(draft.transcript.text, heard)
            self._tell(ev.AudioStopped(self._id, heard, action.reason, t=self._input.now))
        self._speech_started(action)

    def _overhear(self, action: Action) -> None:
        self._overheard_at = self._input.now
        if "overhear" in self._busy:  # what is being understood is not all of it
            self._overhear_again = action.since
        else:
            self._busy.add("overhear")
            self._tasks.start_soon(self._overhear_words, action.since, name="overhear")

    def _let_go(self) -> Draft | None:
        """End the reply that is playing, with a fade."""
        draft, self._live = self._live, None
        if draft is not None:
            draft.playout.drop()
            draft.scope.cancel()
            self._fading = draft.playout
        return draft

    # Tasks

    async def _make(self, draft: Draft) -> None:
        """Understand and answer; cancelled without a trace when the user goes on."""
        try:
            with draft.scope:
                transcript = await draft.listen(self._engines, self._manner)
                if draft is self._live:  # the input ended before the words were known
                    self._tell(ev.TranscriptFinal(self._id, transcript, t=self._input.now))
                self._carry_out(self._turns.understood(self._input.now, draft.revision, transcript.text))
                if not transcript.text:
                    draft.playout.finish()
                    return
                await draft.answer(transcript, self._engines, self._manner, self.history.messages)
        except AssistantError as error:
            draft.playout.finish()
            log.warning("an answer failed: %s", error)
            if draft is not self._draft and draft is not self._live:
                return
            draft.failed = True
            self._tell(ev.Failure(self._id, error.problem, error.remedy, t=self._input.now))
            if draft is self._draft:
                self._carry_out(self._turns.failed(draft.revision))

    async def _listen_along(self, turn: int) -> None:
        """The words so far, while the user speaks: for captions, and for the language model to read ahead."""
        try:
            audio = AudioChunk(self._input.between(self._utterance_since, self._input.now), SPEECH_RATE)
            text = (await self._engines.stt.transcribe(audio, language=self._manner.language)).text
            if turn != self._turn or self._turns.phase is not Phase.USER:
                return
            self._tell(ev.TranscriptPartial(self._id, text, t=self._input.now))
            stable = self._along.heard(text)
            llm = self._engines.llm
            if stable and self._draft is None and isinstance(llm, Prefilling):
                await llm.prefill(conversation(stable, system=self._manner.system, history=self.history.messages))
        except AssistantError as error:
            log.warning("no words while listening: %s", error)
        finally:
            self._busy.discard("partial")

    async def _score_turn(self, revision: int) -> None:
        try:
            score = await self._detector.score(self._input.between(self._utterance_since, self._input.now))
            self._carry_out(self._turns.scored(self._input.now, revision, score))
        except AssistantError as error:  # without a score the silence alone decides
            log.warning("no end-of-turn score: %s", error)
        finally:
            self._busy.discard("score")

    async def _overhear_words(self, since: float) -> None:
        try:
            audio = AudioChunk(self._input.between(since - 0.2, self._input.now), SPEECH_RATE)
            until = self._input.now
            transcript = await self._engines.stt.transcribe(audio, language=self._manner.language)
            self._carry_out(self._turns.overheard(until, transcript.text))
        except AssistantError as error:
            log.warning("an interruption could not be understood: %s", error)
        finally:
            self._busy.discard("overhear")
        again, self._overhear_again = self._overhear_again, None
        if again is not None and self._turns.overlapping:
            self._overhear(Action("overhear", since=again))

    # Playing

    def _pull(self, count: int) -> Samples:
        """The next samples to play."""
        out = np.zeros(count, np.float32)
        if self._fading is not None:
            out, self._fading = self._fading.pull(count), None
        draft = self._live
        if draft is None:
            return out
        out = out + draft.playout.pull(count)
        if not draft.sounding and draft.playout.position:
            self._first_sound(draft)
        self._turns.played(max(draft.playout.seconds - self._connection.output_delay, 0.0))
        if draft.playout.done:
            self._reply_ended(draft)
        return out

    def _first_sound(self, draft: Draft) -> None:
        draft.sounding = True
        self._tell(ev.AudioStarted(self._id, t=self._input.now))
        waited = self._input.now - draft.speech_end
        stages = draft.stages(self._committed_at - draft.speech_end, waited)
        self._tell(ev.TurnMetrics(self._id, stages, t=self._input.now))

    def _reply_ended(self, draft: Draft) -> None:
        self._live = None
        if draft.sounding:
            self._tell(ev.AudioFinished(self._id, t=self._input.now))
        if draft.transcript is not None and draft.failed:
            self.history.interrupted(draft.transcript.text, draft.playout.heard())
        elif draft.transcript is not None:
            self.history.answered(draft.transcript.text, draft.text)
        self._carry_out(self._turns.reply_ended(self._input.now))
