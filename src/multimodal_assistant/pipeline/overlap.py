"""The user's voice over the assistant's: duck it, pause it, and let the words decide whether it stops or goes on. Pure, as turns.py."""

from typing import Literal

from multimodal_assistant.processors.words import asks_to_stop, is_backchannel, words_of

from .rules import Action, Rules

TOO_SHORT = "too short to tell"
"""Why an answer goes on over words that may or may not have been more than listening."""


class Overlap:
    """One stretch of voice that began at `begun`. `over` tells that the verdict has fallen: its action ends the overlap."""

    def __init__(self, rules: Rules, begun: float) -> None:
        self.begun = begun
        self.over = False
        self._rules = rules
        self._step: Literal["heard", "ducked", "paused"] = "heard"
        self._text: str | None = None
        self._ended: float | None = None
        self._asked = False
        """Its words have been asked for since it ended."""

    @property
    def paused(self) -> bool:
        """The assistant waits."""
        return self._step == "paused"

    @property
    def going_on(self) -> bool:
        """The assistant waits and the voice has not ended."""
        return self.paused and self._ended is None

    def voice(self, now: float) -> list[Action]:
        """The voice goes on."""
        self._ended = None
        voiced = now - self.begun
        actions: list[Action] = []
        if self._step == "heard" and voiced >= self._rules.duck_after - 1e-9:
            self._step = "ducked"
            actions.append(Action("duck"))
        if self._step == "ducked" and voiced >= self._rules.pause_after - 1e-9:
            self._step = "paused"
            actions += [Action("pause"), Action("overhear", since=self.begun)]
        return actions or self._judge(now)

    def silence(self, now: float, since: float) -> list[Action]:
        """It is quiet, since `since`."""
        if self._ended is None:
            self._ended = since
            self._asked = False
        if now - self._ended < self._rules.overlap_silence - 1e-9:
            return []
        if self._step != "paused":
            return self._give_back("too short")
        if not self._asked:
            self._asked = True
            self._text = None
            return [Action("overhear", since=self.begun)]
        if self._text is not None:
            return self._judge(now)
        return self._give_back("no words in time") if now - self._ended >= self._rules.verdict_wait else []

    def words(self, until: float, text: str) -> list[Action]:
        """What was said up to `until`, which may be a while ago."""
        if until < self.begun:
            return []
        if self._ended is not None and until < self._ended:  # part of it: enough for an interruption, not for a backchannel
            return self._interrupt("interrupted") if self._takes_the_floor(text, until) else []
        self._text = text
        return self._judge(until)

    def _judge(self, now: float) -> list[Action]:
        """Stop, go on, or wait for more."""
        if self._text is None:
            return []
        if asks_to_stop(self._text):
            return self._interrupt("asked to stop")
        if self._takes_the_floor(self._text, now if self._ended is None else self._ended):
            return self._interrupt("interrupted")
        if self._ended is not None and self._asked:
            return self._give_back("a backchannel" if is_backchannel(self._text) else TOO_SHORT)
        return []

    def _takes_the_floor(self, text: str, until: float) -> bool:
        """Whether these words, said up to `until`, are more than listening."""
        if asks_to_stop(text):
            return True
        lasts = until - self.begun >= self._rules.floor_after - 1e-9
        return not is_backchannel(text) and (lasts or len(words_of(text)) > self._rules.short_words)

    def _interrupt(self, reason: str) -> list[Action]:
        self.over = True
        return [Action("stop", reason=reason, since=self.begun)]

    def _give_back(self, reason: str) -> list[Action]:
        self.over = True
        if self._step == "heard":
            return []
        return [Action("unduck" if self._step == "ducked" else "resume", reason=reason)]
