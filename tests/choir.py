"""Several scripted voices behind one, and who of them was ever opened."""

from dataclasses import dataclass, field

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.engines.scripted import ScriptedTts
from multimodal_assistant.engines.tts.polyglot import PolyglotVoice

VOICES = {"anna": "en", "ada": "en", "siwis": "fr", "dora": "es"}


class Broken(ScriptedTts):
    """It cannot be loaded."""

    async def warm(self) -> None:
        raise EngineFailed("The voice is broken.")


@dataclass
class Choir:
    """anna speaks unless another is wanted."""

    opened: dict[str, list[ScriptedTts]] = field(default_factory=dict[str, list[ScriptedTts]])
    broken: set[str] = field(default_factory=set[str])
    """Who cannot be loaded."""
    main: ScriptedTts = field(default_factory=lambda: ScriptedTts(voice="anna", language="en"))

    @property
    def voice(self) -> PolyglotVoice:
        """All of them; a new one each time."""
        return PolyglotVoice(main=self.main, voices=VOICES, native={"en": "anna", "fr": "siwis", "es": "dora"}, make=self._make)

    def _make(self, name: str) -> ScriptedTts:
        engine = (Broken if name in self.broken else ScriptedTts)(voice=name, language=VOICES[name])
        self.opened.setdefault(name, []).append(engine)
        return engine

    def said(self, name: str) -> list[str]:
        """By that one of the others."""
        return [text for engine in self.opened.get(name, []) for text in engine.ledger.requests]
