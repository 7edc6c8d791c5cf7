"""Engine name → class, imported only when asked for.

An engine of yours joins through an entry point: group `multimodal_assistant.engines`, name `KIND.NAME`, value `module:Class`
(docs/engines.md builds one).
"""

import difflib
import importlib
from importlib.metadata import entry_points
from typing import Any

from multimodal_assistant.core.errors import EngineUnavailable, UnknownName

GROUP = "multimodal_assistant.engines"

_HERE = "multimodal_assistant.engines"
BUILT_IN = {
    "vad.silero": f"{_HERE}.vad.silero:SileroVad",
    "vad.scripted": f"{_HERE}.scripted:ScriptedVad",
    "turn.smart-turn": f"{_HERE}.turn.smart_turn:SmartTurn",
    "turn.scripted": f"{_HERE}.scripted:ScriptedTurn",
    "sentence.smollm2": f"{_HERE}.turn.sentence_end:SentenceEnd",
    "sentence.scripted": f"{_HERE}.scripted:ScriptedSentenceEnd",
    "stt.whisper": f"{_HERE}.stt.whisper:WhisperEngine",
    "stt.scripted": f"{_HERE}.scripted:ScriptedStt",
    "llm.llama.cpp": f"{_HERE}.llm.llama_cpp:LlamaCppModel",
    "llm.ollama": f"{_HERE}.llm.ollama:OllamaModel",
    "llm.openai": f"{_HERE}.llm.openai_compatible:OpenAICompatibleModel",
    "llm.scripted": f"{_HERE}.scripted:ScriptedLlm",
    "tts.kokoro": f"{_HERE}.tts.kokoro:KokoroVoice",
    "tts.vits": f"{_HERE}.tts.vits:VitsVoice",
    "tts.scripted": f"{_HERE}.scripted:ScriptedTts",
    "embed.sentence": f"{_HERE}.embed.sentence:SentenceEmbedder",
    "embed.scripted": f"{_HERE}.scripted:ScriptedEmbedder",
    "detect.efficientdet": f"{_HERE}.vision.detector:EfficientDetDetector",
    "detect.blazeface": f"{_HERE}.vision.faces:FaceDetector",
    "detect.scripted": f"{_HERE}.scripted_vision:ScriptedDetector",
    "classify.clip": f"{_HERE}.vision.tags:ClipTags",
    "classify.efficientnet": f"{_HERE}.vision.classifier:EfficientNetClassifier",
    "classify.scripted": f"{_HERE}.scripted_vision:ScriptedClassifier",
    "read.rapidocr": f"{_HERE}.vision.reader:RapidOcrReader",
    "read.scripted": f"{_HERE}.scripted_vision:ScriptedReader",
    "image.clip": f"{_HERE}.vision.clip:ClipEncoder",
    "image.clip-torch": f"{_HERE}.vision.transformers_clip:TransformersClip",
    "image.conse": f"{_HERE}.vision.conse:ConseEncoder",
    "image.scripted": f"{_HERE}.scripted_vision:ScriptedImageEncoder",
}
"""KIND.NAME → module:Class."""


def names(kind: str) -> list[str]:
    """All engines of a kind (vad, turn, sentence, stt, llm, tts, embed, detect, classify, read, image), built in and installed."""
    return sorted(name.split(".", 1)[1] for name in _table() if name.startswith(f"{kind}."))


def build(kind: str, name: str, /, **options: Any) -> Any:
    """A new engine. Raises `UnknownName` with the nearest names, `EngineUnavailable` when its module cannot be imported."""
    table = _table()
    target = table.get(f"{kind}.{name}")
    if target is None:
        near = difflib.get_close_matches(name, names(kind), n=3, cutoff=0.4) or names(kind)
        raise UnknownName(f"There is no {kind} engine named {name!r}.", f"Known: {', '.join(near)}.")
    module, _, attribute = target.partition(":")
    try:
        made = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a module of others may fail in any way
        raise EngineUnavailable(f"The {kind} engine {name} cannot be loaded: {error}.", "Reinstall the package that brings it.") from error
    return made(**options)


def _table() -> dict[str, str]:
    """Built-in engines, and over them what other packages bring."""
    return {**BUILT_IN, **{point.name: point.value for point in entry_points(group=GROUP)}}
