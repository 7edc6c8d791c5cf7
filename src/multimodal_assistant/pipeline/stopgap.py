"""What is said while an answer is late, and when it does not come: made beforehand, since the voice may be the reason."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import SpokenChunk

from .speak import voice_for

_WORDS = {
    "en": (("Let me think.", "One moment.", "Let me see."), "Sorry, that takes me too long. Please ask me again."),
    "de": (("Einen Moment.", "Ich überlege kurz."), "Entschuldigung, das dauert mir zu lange. Bitte frag mich noch einmal."),
    "es": (("Un momento.", "Déjame pensar."), "Perdona, tardo demasiado. Pregúntame otra vez, por favor."),
    "fr": (("Un instant.", "Je réfléchis."), "Pardon, cela me prend trop de temps. Redemande-moi, s'il te plaît."),
    "it": (("Un momento.", "Ci penso."), "Scusa, ci metto troppo. Chiedimelo di nuovo, per favore."),
    "pt": (("Um momento.", "Deixa-me pensar."), "Desculpa, estou a demorar demais. Pergunta outra vez, por favor."),
}
"""Language of the voice → while the answer is late, and when it does not come. A voice of another language keeps silent."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer may take, in seconds from the commit of the turn to its first sound."""

    stopgap_after: float = 1.5
    """Then something is said meanwhile. Answers of the embedded models are hardly ever so late."""
    give_up_after: float = 4.0
    """Then the answer is given up, and that is said."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Said by one voice."""

    waiting: Sequence[Sequence[SpokenChunk]] = ()
    sorry: Sequence[SpokenChunk] = ()


class Stopgaps:
    """Things to say instead of nothing. first: of the voice that speaks unless another is wanted."""

    def __init__(self, patience: Patience, first: Phrases | None = None) -> None:
        self.patience = patience
        self._first = first or Phrases()
        self._others: dict[str, Phrases] = {}

    def of(self, wanted: str, language: str) -> Phrases:
        """Those of the voice that is wanted, or else answers in this language; the first one's where that has not rehearsed."""
        return self._others.get(wanted or language, self._first)

    async def rehearse(self, tts: TextToSpeech, wanted: str, language: str, answer: str) -> None:
        """Have them said by the voice that gave this answer, once. It takes a second: for idle moments.

        wanted: the voice that is wanted, if one is. language: of the question.
        """
        if (wanted or language) in self._others:
            return
        voice = await voice_for(tts, wanted, answer, language)
        if voice.details != tts.details:
            self._others[wanted or language] = await _phrases(voice)


async def stopgaps(tts: TextToSpeech, patience: Patience) -> Stopgaps:
    """In the voice of `tts`; others rehearse when they have spoken."""
    return Stopgaps(patience, await _phrases(tts))


async def _phrases(tts: TextToSpeech) -> Phrases:
    waiting, sorry = _WORDS.get(tts.details.get("language", ""), ((), ""))
    return Phrases([await _said(tts, text) for text in waiting], await _said(tts, sorry) if sorry else ())


async def _said(tts: TextToSpeech, text: str) -> list[SpokenChunk]:
    async with aclosing(tts.speak(text)) as chunks:
        return [chunk async for chunk in chunks]
