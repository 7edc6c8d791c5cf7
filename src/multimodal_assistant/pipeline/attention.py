"""What the models make of the user's voice while it goes on: the words so far, whether the turn is over, words over the assistant's.

One task of each kind at a time. What comes of it is reported to `turns.py`; a failure is logged, and the silence alone decides.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

import anyio
from anyio.abc import TaskGroup

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.deadline import deadline
from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import Prefilling, Sight
from multimodal_assistant.core.types import AudioChunk, Message, Transcript
from multimodal_assistant.processors.input_buffer import InputBuffer
from multimodal_assistant.processors.words import is_backchannel

from .listen import PATIENCE, ListenAlong
from .look import look
from .look_ahead import look_ahead
from .recollect import Recollection
from .reply import EndOfTurn, Engines, Manner
from .respond import conversation
from .rules import Action
from .speak import expect_answer
from .turns import Turns

log = logging.getLogger(__name__)

_BEFORE_OVERLAP = 0.2  # seconds kept before the detector is sure
_OVERHEAR_EVERY = 0.3
_CERTAIN = -0.6  # average log probability below which words made of less than a second of sound may be invented


class Attention:
    """carry_out: does what the rules ask for. A session has one."""

    def __init__(
        self,
        heard: InputBuffer,
        engines: Engines,
        end_of_turn: EndOfTurn,
        manner: Manner,
        turns: Turns,
        carry_out: Callable[[list[Action]], None],
    ) -> None:
        self._heard = heard
        self._engines = engines
        self._end_of_turn = end_of_turn
        self._manner = manner
        self._turns = turns
        self._carry_out = carry_out
        self._along = ListenAlong()
        self.recollection = Recollection()
        """What is remembered about the present turn."""
        self._language = manner.language
        self._partial: anyio.CancelScope | None = None
        self._scoring = False
        self._looking = False
        self._expecting = False
        self._overhearing = False
        self._overheard_at = 0.0
        self._overhear_again: float | None = None
        self.aside = ""
        """The certain words of the last overlap that are more than listening."""

    def adopt(self, manner: Manner) -> None:
        """From now on."""
        self._manner = manner
        self._language = manner.language or self._language

    # The words so far

    def utterance_begins(self, since: float) -> None:
        """Speech began at `since`."""
        self._along = ListenAlong(since)
        self.recollection = Recollection()

    def look_ahead(self, tasks: TaskGroup, history: tuple[Message, ...]) -> None:
        """Have a model that sees look at what is in view, unless it still does: the words come after the picture."""
        if self._manner.looks_ahead and self._manner.sight is not None and not self._looking:
            self._looking = True
            tasks.start_soon(self._look_ahead, self._manner.sight, history, name="look ahead")

    async def _look_ahead(self, sight: Sight, history: tuple[Message, ...]) -> None:
        try:
            picture = await sight.ahead()
            if picture is not None:
                tools = self._manner.at_hand.tools if self._manner.at_hand else ()
                await look_ahead(self._engines.llm, picture, system=self._manner.system, history=history, tools=tools)
        except AssistantError as error:
            log.warning("nothing was looked at ahead: %s", error)
        finally:
            self._looking = False

    def nothing_said(self) -> str:
        """The next answer is to no turn of the voice; the language for it."""
        self.recollection = Recollection()
        return self.language

    def partial_due(self, now: float) -> bool:
        """Whether it is time to transcribe what is being said; asking takes the turn."""
        return self._partial is None and self._along.due(now)

    def drop_partial(self) -> None:
        """Make way: the words are wanted for good."""
        if self._partial is not None:
            self._partial.cancel()

    async def listen_along(self, tasks: TaskGroup, since: float, history: tuple[Message, ...], tell: Callable[[str], bool]) -> None:
        """The words since `since`: for captions, for the voice that will answer, and for the language model to read ahead.

        tell: gets them; False means that they have come too late.
        """
        along = self._along
        with anyio.CancelScope() as self._partial:
            try:
                transcript = await self._transcribe(since, language=self._manner.language, partial=True)
                told = tell(transcript.text)
                if told and self._manner.aloud and not self._expecting:
                    self._expecting = True
                    tasks.start_soon(self._expect, transcript, name="expect an answer")
                if told and (whole := along.heard(transcript.text)):
                    await self._read_ahead(replace(transcript, text=whole), transcript.text, history)
            except AssistantError as error:
                log.warning("no words while listening: %s", error)
        along.done(self._heard.now)
        self._partial = None

    async def _expect(self, transcript: Transcript) -> None:
        try:
            await expect_answer(self._engines.tts, self._manner.voice, transcript.text, transcript.language)
        except AssistantError as error:
            log.warning("a voice was not loaded ahead: %s", error)
        finally:
            self._expecting = False

    async def _read_ahead(self, transcript: Transcript, so_far: str, history: tuple[Message, ...]) -> None:
        """Leave the words in the prefix caches of those who will read the whole utterance: only its end is new to them then.

        so_far: with the last word, which may be half of one; to find memories by, half is better than none.
        """
        await self._judgement(transcript)
        recalled = await self.recollection.ahead(self._manner.memory, so_far)
        if not isinstance(self._engines.llm, Prefilling):
            return
        glance = await look(self._manner.sight, so_far)
        if not glance.answer and glance.picture is None:
            words = conversation(transcript.text, system=self._manner.system, history=history, glance=glance, recalled=recalled)
            await self._engines.llm.prefill(words)

    @property
    def expected_language(self) -> str | None:
        """What the user spoke last, None before the first turn."""
        return self._language

    @property
    def language(self) -> str:
        """What the user speaks, as far as is known."""
        return self._language or "en"

    def speaks(self, language: str) -> None:
        """The user's language, as of the last turn: in less than a second of sound it cannot be recognized."""
        self._language = self._manner.language or language

    # Whether the turn is over

    def score(self, tasks: TaskGroup, revision: int, since: float) -> None:
        """Ask the audio model, unless it is still thinking."""
        if not self._scoring:
            self._scoring = True
            tasks.start_soon(self._score_turn, revision, since, name="end of turn")

    async def _score_turn(self, revision: int, since: float) -> None:
        try:
            score = await self._end_of_turn.melody.score(self._heard.between(since, self._heard.now))
            self._carry_out(self._turns.scored(self._heard.now, revision, score))
        except AssistantError as error:
            log.warning("no end-of-turn score: %s", error)
        finally:
            self._scoring = False

    async def judge(self, revision: int, transcript: Transcript) -> None:
        """Report the words of a draft, and whether they are a whole utterance."""
        sentence = await self._judgement(transcript)
        fluent = transcript.language == self._end_of_turn.sentence_language
        self._carry_out(self._turns.understood(self._heard.now, revision, transcript.text, sentence, fluent=fluent))

    async def _judgement(self, transcript: Transcript) -> float | None:
        """Probability that the words may end here, where there is someone to judge."""
        end, language = self._end_of_turn, transcript.language
        detector = end.sentence
        if detector is not None and transcript.text and (language == end.sentence_language or language in end.sentence_inklings):
            try:
                return await detector.score(transcript.text)
            except AssistantError as error:
                log.warning("no end-of-sentence score: %s", error)
        return None

    # Words over the assistant's

    def overhear_due(self, now: float) -> bool:
        """Whether an overlap that goes on should be understood again."""
        return self._turns.overlap_since is not None and now - self._overheard_at >= _OVERHEAR_EVERY

    def overhear(self, tasks: TaskGroup, since: float) -> None:
        """Understand what is said over the assistant's voice since `since`."""
        self._overheard_at = self._heard.now
        if self._overhearing:  # what is being understood is not all of it
            self._overhear_again = since
        else:
            self._overhearing = True
            tasks.start_soon(self._overhear, tasks, since, name="overhear")

    async def _overhear(self, tasks: TaskGroup, since: float) -> None:
        try:
            until = self._heard.now
            transcript = await self._transcribe(
                since - _BEFORE_OVERLAP, language=self._language, partial=self._turns.overlap_since is not None
            )
            certain = transcript.average_log_probability > _CERTAIN and not is_backchannel(transcript.text)
            self.aside = transcript.text if certain else ""
            self._carry_out(self._turns.overheard(until, transcript.text))
        except AssistantError as error:
            log.warning("an interruption could not be understood: %s", error)
        finally:
            self._overhearing = False
        again, self._overhear_again = self._overhear_again, None
        if again is not None and self._turns.overlapping:
            self.overhear(tasks, again)

    async def _transcribe(self, since: float, *, language: str | None, partial: bool) -> Transcript:
        audio = AudioChunk(self._heard.between(since, self._heard.now), SPEECH_RATE)
        with deadline(PATIENCE, "Speech recognition"):
            return await self._engines.stt.transcribe(audio, language=language, expected=self._language, partial=partial)
