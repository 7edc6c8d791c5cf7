"""Which voice speaks: settings and what is on this machine → a voice, and why this one."""

import re
from pathlib import Path

from .config import Settings
from .core.errors import UnknownName
from .core.protocols import TextToSpeech
from .engines import registry
from .engines.tts.polyglot import PolyglotVoice
from .models.store import ModelStore

DEFAULT_KOKORO_VOICE = "af_heart"
DEFAULT_VITS_VOICE = "joe"

_LANGUAGES = {"a": "en", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "p": "pt"}
"""First letter of a Kokoro voice → its language; Japanese and Chinese ones have no text front end here."""
_NATIVE = {"en": DEFAULT_KOKORO_VOICE, "es": "ef_dora", "fr": "ff_siwis", "hi": "hf_alpha", "it": "if_sara", "pt": "pf_dora"}
"""Language → who answers in it: the best graded of each (hexgrad/Kokoro-82M, VOICES.md)."""


def choose_voice(settings: Settings, store: ModelStore, default: str) -> tuple[TextToSpeech, str]:
    """The voice, and why this one. default: of the profile, for `auto`."""
    wanted = settings.tts.voice
    if wanted == "auto":
        return _automatic(settings, store, default)
    note = f"Voice: {wanted} (as you chose)."
    if wanted.endswith(".onnx"):
        return vits(settings, Path(wanted)), note
    if wanted != "kokoro" and wanted in store.manifest.models and store.manifest.model(wanted).kind == "text-to-speech":
        return vits(settings, only_model(store.path(wanted))), note
    if wanted in registry.names("tts") and wanted not in {"kokoro", "vits"}:
        return registry.build("tts", wanted), note
    if not re.fullmatch(r"[abefhijpz][fm]_[a-z]+", wanted):  # before anyone fetches Kokoro for a name that it does not know
        raise UnknownName(f"There is no voice {wanted!r}.", "Give a Kokoro voice such as af_heart, joe, a Piper .onnx file, or an engine.")
    return kokoro(settings, store, wanted), note


def _automatic(settings: Settings, store: ModelStore, default: str) -> tuple[TextToSpeech, str]:
    """The profile's voice, or the other one when only that is here."""
    has_kokoro = all(store.status(name).state == "ready" for name in ("kokoro", "kokoro-voices"))
    has_vits = store.status(DEFAULT_VITS_VOICE).state == "ready"
    if default == DEFAULT_KOKORO_VOICE and (has_kokoro or not has_vits):
        native = _NATIVE.get(settings.stt.language or "", DEFAULT_KOKORO_VOICE)
        return kokoro(settings, store, native), f"Voice: {native} (Kokoro)."
    if has_vits or default == DEFAULT_VITS_VOICE and not has_kokoro:
        why = "" if default == DEFAULT_VITS_VOICE else "; Kokoro is not here: `assistant models pull`"
        return vits(settings, only_model(store.path(DEFAULT_VITS_VOICE))), f"Voice: {DEFAULT_VITS_VOICE} (VITS{why})."
    return kokoro(settings, store, DEFAULT_KOKORO_VOICE), f"Voice: {DEFAULT_KOKORO_VOICE} (Kokoro; {DEFAULT_VITS_VOICE} is not here)."


def only_model(folder: Path) -> Path:
    """The weights in a folder."""
    return next(iter(sorted(folder.glob("*.onnx"))), folder / "voice.onnx")


def vits(settings: Settings, model: Path) -> TextToSpeech:
    """One voice of Piper's kind."""
    return registry.build("tts", "vits", model=model, cache=settings.home / "derived", speed=settings.tts.speed, threads=settings.threads)


def kokoro(settings: Settings, store: ModelStore, voice: str) -> TextToSpeech:
    """A voice of Kokoro's, which all its others are at hand for. Raises `ModelMissing`."""
    model, folder = only_model(store.path("kokoro")), store.path("kokoro-voices")

    def make(name: str) -> TextToSpeech:
        return registry.build(
            "tts",
            "kokoro",
            model=model,
            voices=folder,
            cache=settings.home / "derived",
            voice=name,
            speed=settings.tts.speed,
            threads=settings.threads,
        )

    known = {path.stem: _LANGUAGES[path.stem[0]] for path in folder.glob("*.bin") if path.stem[0] in _LANGUAGES}
    native = {language: name for language, name in _NATIVE.items() if name in known} if settings.tts.follows_language else {}
    return PolyglotVoice(main=make(voice), voices=known, native=native, make=make)
