"""A conversation: what comes in is heard, understood and answered, for as long as the connection lasts.

One task group per conversation, one task per draft. The loop over the input decides (through `turns.py`) and never waits
for a model.
"""

import logging
from collections.abc import Callable
from contextlib import aclosing
from functools import partial

import anyio
from anyio.abc import TaskStatus

from multimodal_assistant.core import events as ev
from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.connection import Connection
from multimodal_assistant.core.errors import AssistantError, leaf
from multimodal_assistant.core.types import Message, Samples
from multimodal_assistant.processors.input_buffer import InputBuffer

from .attention import Attention
from .between_turns import Idle
from .dictation import Dictation
from .draft import Draft
from .history import History
from .overlap import TOO_SHORT
from .playback import Playback
from .recollect import remember
from .reply import EndOfTurn, Engines, Manner
from .rules import Action, Phase, Rules
from .turns import Turns

log = logging.getLogger(__name__)

_KEPT_SECONDS = 120.0


class Session:
    """One conversation over one connection."""

    def __init__(
        self,
        connection: Connection,
        engines: Engines,
        end_of_turn: EndOfTurn,
        *,
        manner: Manner | None = None,
        bus: ev.EventBus | None = None,
        rules: Rules | None = None,
        history: History | None = None,
    ) -> None:
        self._connection = connection
        self._engines = engines
        self._manner = manner or Manner()
        self.history = history or History(keep=lambda said, heard: remember(self._manner.memory, said, heard))
        self._bus = bus or ev.EventBus()
        self._turns = Turns(rules)
        self._heard = InputBuffer(SPEECH_RATE, _KEPT_SECONDS)
        self._playback = Playback(self.history, self._bus.publish, lambda: self._heard.now, lambda: connection.output_delay)
        self._attention = Attention(self._heard, engines, end_of_turn, self._manner, self._turns, self._carry_out)
        self._dictation = Dictation(engines.stt, self._playback.note, self._bus.publish, lambda: self._heard.now)
        self._idle = Idle(self.history, engines)
        self._scored_until = 0  # samples that the voice activity detector has seen
        self._taken_until = 0.0
        self._turn = 0
        self._utterance_since = 0.0
        self._silent_since = 0.0
        self._draft: Draft | None = None
        self._tasks = anyio.create_task_group()

    @property
    def quiet(self) -> bool:
        """Nobody has the floor and nothing is being made."""
        return self._turns.phase is Phase.IDLE and self._playback.live is None and self._draft is None

    @property
    def making(self) -> bool:
        """An answer is being made: the machine has something to do."""
        return any(draft is not None and not draft.made for draft in (self._draft, self._playback.live))

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Converse until the connection ends. Engine failures are told and survived; a broken connection raises.

        task_status: told once `answer` may be called.
        """
        try:
            async with self._tasks as tasks:
                task_status.started()
                stream = self._engines.vad.stream()
                async with aclosing(self._connection.blocks(self._pull, self._engines.tts.rate)) as blocks:
                    async for block in blocks:
                        self._heard.append(block.samples)
                        self._detect_voice(stream.window, stream.score)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise leaf(group) from group

    # What comes beside the voice

    def write(self, text: str) -> None:
        """The user says this in writing; it is answered with what is said next, or by `answer`."""
        self._playback.note(text)

    def adopt(self, manner: Manner, rules: Rules) -> None:
        """Go on in another manner, from the next answer on, and by other rules, from now on."""
        self._manner = manner
        self._attention.adopt(manner)
        self._carry_out(self._turns.follow(rules))

    def take(self, samples: Samples | None = None) -> str | None:
        """What these hold (16 kHz), or what was heard since the last turn, is a turn of the user; it is answered with what is said
        next, or by `answer`. Its correlation id; None where nothing was heard.
        """
        if samples is None:
            samples = self._heard.between(self._taken_until, self._heard.now)
            self._taken_until = self._heard.now
        if not len(samples):
            return None
        return self._dictation.take(self._tasks, samples, self._manner.language, self._attention.expected_language)

    def forget(self) -> None:
        """What was heard until now is no part of the next turn that is taken."""
        self._taken_until = self._heard.now

    def answer(self, manner: Manner | None = None, history: tuple[Message, ...] | None = None) -> bool:
        """Answer what was written, or open the conversation; False, and nothing, while somebody has the floor.

        manner, history: for this answer alone.
        """
        if not self.quiet:
            return False
        self._idle.end()
        self._turn += 1
        now = self._heard.now
        draft = Draft.unasked(now, self._engines.tts.rate, manner or self._manner, history, self._attention.nothing_said())
        self._turns.answering(now)
        self._tell(ev.AnswerRequested(self._id, t=now))
        self._playback.begin(draft, self._id)
        self._tasks.start_soon(self._make, draft, name=f"answer {self._id}")
        return True

    def cut(self, heard_seconds: float | None = None) -> bool:
        """End the present answer; False where there is none. heard_seconds: of it, where the other side knows better than we do."""
        if self._playback.live is None:
            return False
        self._playback.stop(ev.CUT, heard_seconds)
        self._carry_out(self._turns.reply_ended())
        return True

    def _detect_voice(self, window: int, score: Callable[[Samples], float]) -> None:
        """Every whole window that has come in goes to the rules."""
        while (self._scored_until + window) / SPEECH_RATE <= self._heard.now:
            begin = self._scored_until / SPEECH_RATE
            self._scored_until += window
            now = self._scored_until / SPEECH_RATE
            if not self._turns.rules.listening:
                continue
            self._carry_out(self._turns.hear(now, score(self._heard.between(begin, now)), window / SPEECH_RATE))
            if self._attention.overhear_due(now) and self._turns.overlap_since is not None:
                self._attention.overhear(self._tasks, self._turns.overlap_since)
            if self._turns.phase is Phase.USER and self._draft is None and self._attention.partial_due(now):
                along = (self._tasks, self._utterance_since, self.history.messages, partial(self._partial, self._turn))
                self._tasks.start_soon(self._attention.listen_along, *along, name="partial")

    def _partial(self, turn: int, text: str) -> bool:
        """The words so far of a turn; False where it is not being said any more."""
        if turn != self._turn or self._turns.phase is not Phase.USER or self._draft is not None:
            return False
        self._tell(ev.TranscriptPartial(self._id, text, t=self._heard.now))
        return True

    def _pull(self, count: int) -> Samples:
        """The next samples to play."""
        out = self._playback.pull(count)
        if self._playback.bear_with(self._manner.stopgaps):
            self._carry_out(self._turns.reply_ended())
        self._turns.played(self._playback.heard_seconds)
        if self._playback.ended():
            self._carry_out(self._turns.reply_ended())
            if self.quiet:
                self._idle.begin(self._tasks, self._manner, self._attention.language)
        return out

    def _tell(self, event: ev.Event) -> None:
        self._bus.publish(event)

    @property
    def _id(self) -> str:
        return str(self._turn)

    # What the rules ask for

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            log.debug("%.2f %s", self._heard.now, action)
            match action.kind:
                case "speech_started":
                    self._speech_started(action.since)
                case "speech_stopped":
                    self._silent_since = action.since
                    self._tell(ev.SpeechStopped(self._id, action.since, t=self._heard.now))
                case "score":
                    self._attention.score(self._tasks, action.revision, self._utterance_since)
                case "overhear":
                    self._attention.overhear(self._tasks, action.since)
                case "stop":
                    self._playback.stop(action.reason)
                    self._speech_started(action.since)
                case "start_draft" | "retract" | "give_up" | "commit" | "revise":
                    self._change_draft(action)
                case _:
                    self._playback.change(action, self._attention.aside if action.reason == TOO_SHORT else "")

    def _change_draft(self, action: Action) -> None:
        match action.kind:
            case "start_draft":
                self._start_draft(action.revision)
            case "commit":
                self._commit(action.reason)
            case "revise":  # what was committed is taken back: the two halves become one turn
                self._retracted(self._playback.take_back(), f"{action.reason} after the commit")
            case _:
                draft, self._draft = self._draft, None
                self._retracted(draft, action.reason)
                if draft is not None and draft.error is not None and action.kind == "give_up":
                    self._tell(ev.Failure(self._id, draft.error.problem, draft.error.remedy, t=self._heard.now))

    def _speech_started(self, since: float) -> None:
        self._idle.end()
        self._playback.hush()
        self._turn += 1
        self._utterance_since = since - self._turns.rules.before_speech
        self._attention.utterance_begins(since)
        self._attention.look_ahead(self._tasks, self.history.messages)
        self._tell(ev.SpeechStarted(self._id, since, t=self._heard.now))

    def _start_draft(self, revision: int) -> None:
        self._attention.drop_partial()
        heard = self._heard.between(self._utterance_since, self._heard.now)
        self._draft = Draft(revision, heard, self._silent_since, self._engines.tts.rate, self._manner)
        self._tell(ev.DraftStarted(self._id, revision, t=self._heard.now))
        self._tasks.start_soon(self._make, self._draft, name=f"draft {revision}")

    def _retracted(self, draft: Draft | None, reason: str) -> None:
        if draft is not None:
            draft.scope.cancel()
            self._tell(ev.DraftRetracted(self._id, draft.revision, reason, t=self._heard.now))

    def _commit(self, reason: str) -> None:
        draft, self._draft = self._draft, None
        if draft is not None and draft.transcript is not None:
            self._tell(ev.TurnCommitted(self._id, reason, t=self._heard.now))
            self._tell(ev.TranscriptFinal(self._id, draft.transcript, t=self._heard.now))
            self._attention.speaks(draft.transcript.language)
            if draft.manner.answers:
                self._playback.begin(draft, self._id)
            else:
                self._playback.note(draft.transcript.text)
                self._carry_out(self._turns.reply_ended())

    async def _make(self, draft: Draft) -> None:
        """Understand, unless that is done, and answer; cancelled without a trace when the user goes on."""
        try:
            with draft.scope:
                transcript = draft.transcript
                if transcript is None:
                    transcript = await draft.listen(self._engines, self._attention.expected_language)
                    # One after the other: two models that compute at once on two cores take several times as long.
                    await self._attention.judge(draft.revision, transcript)
                    if not draft.manner.answers:
                        return
                draft.watch.mark("judged")
                await self._dictation.settled()
                await draft.gather(self._attention.recollection, self._engines, self.history.messages)
                await draft.answer(self._engines, self.history.messages)
        except AssistantError as error:
            self._failed(draft, error)

    def _failed(self, draft: Draft, error: AssistantError) -> None:
        """An engine failed: a draft may yet be taken back by the user going on, an answer ends where it is."""
        log.warning("an answer failed: %s", error)
        draft.error = error
        draft.playout.finish()
        if draft is self._playback.live:
            self._tell(ev.Failure(self._id, error.problem, error.remedy, t=self._heard.now))
        elif draft is self._draft:
            self._carry_out(self._turns.failed(self._heard.now, draft.revision))
