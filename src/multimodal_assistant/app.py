"""The composition root: settings and what is on this machine → engines that are ready to work together."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
from threadpoolctl import threadpool_limits

from . import tuning
from .config import Settings, load
from .core.errors import EngineError, EngineUnavailable, ModelMissing, UnknownName, leaf
from .core.protocols import EndOfSentenceDetector, EndOfTurnDetector, LanguageModel, SpeechToText, TextToSpeech
from .engines import registry
from .models.store import ModelStore, open_store
from .pipeline.reply import EndOfTurn, Engines, Manner
from .pipeline.respond import SPOKEN_STYLE
from .pipeline.stopgap import Patience, stopgaps
from .processors.sentences import FIRST_ENOUGH
from .tuning import Tell
from .voices import DEFAULT_KOKORO_VOICE, DEFAULT_VITS_VOICE, choose_voice, kokoro, only_model, vits

TURN_MODELS = ("smart-turn", "smollm2-135m")
"""What tells a pause from the end of a turn: by melody, and by words."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a profile means by "auto"."""

    stt: str
    llm: str
    voice: str
    asks_ollama: bool
    """Whether a running Ollama is preferred to the embedded model."""
    first_words: int = FIRST_ENOUGH
    """Of a reply, enough to be spoken as its first piece."""
    stt_threads: int | None = None
    """None: half of what the others get, since Whisper gains little from more (benchmarks) and shares its moment with Smart Turn."""


PROFILES = {
    "balanced": Defaults(stt="whisper-base", llm="qwen2.5-0.5b", voice=DEFAULT_KOKORO_VOICE, asks_ollama=True),
    "fast": Defaults(stt="whisper-tiny.en", llm="smollm2-135m", voice=DEFAULT_VITS_VOICE, asks_ollama=False),
    "quality": Defaults(stt="whisper-small", llm="qwen2.5-0.5b", voice=DEFAULT_KOKORO_VOICE, asks_ollama=True),
}
"""The fixed ones; `auto` measures (tuning.py)."""


@dataclass(frozen=True, slots=True)
class Assistant:
    """The engines of this run and why they were chosen. `async with` closes them."""

    engines: Engines
    manner: Manner
    patience: Patience
    notes: tuple[str, ...]
    """One sentence for every choice that was made for the user."""

    async def __aenter__(self) -> "Assistant":
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        with anyio.CancelScope(shield=True):
            for engine in (self.engines.tts, self.engines.llm, self.engines.stt, self.engines.vad):
                await engine.aclose()

    async def warm(self, *, hears: bool = True) -> None:
        """Load all models at once; without those that hear where the question is written."""
        listening = (self.engines.vad, self.engines.stt) if hears else ()
        try:
            async with anyio.create_task_group() as tasks:
                for engine in (*listening, self.engines.llm, self.engines.tts):
                    tasks.start_soon(engine.warm)
        except BaseExceptionGroup as group:
            raise leaf(group) from group

    async def patient(self) -> Manner:
        """The manner for a conversation, with what is said while an answer is late; the voice is warm."""
        return replace(self.manner, stopgaps=await stopgaps(self.engines.tts, self.patience))


def settings_from(**flags: Any) -> Settings:
    """Settings with the flags that were given; None and empty sections are left to file and environment."""
    given: dict[str, Any] = {}
    for name, value in flags.items():
        if isinstance(value, dict):
            value = {key: inner for key, inner in value.items() if inner is not None} or None  # pyright: ignore[reportUnknownVariableType]
        if value is not None:
            given[name] = value
    return load(**given)


def store_of(settings: Settings) -> ModelStore:
    """The model store these settings name."""
    return open_store(settings.home, settings.models_dir)


async def assemble(settings: Settings, *, hears: bool = True, tell: Tell = lambda _: None) -> Assistant:
    """Choose and build the engines; nothing is loaded yet, unless the profile is `auto` and has to be measured first (`tell` says so).

    Without `hears` the recognizer's weights may be missing.
    """
    quiet_threads()
    store = store_of(settings)
    defaults, notes = await defaults_of(settings, store, tell)
    llm, llm_note = await choose_llm(settings, store, defaults)
    tts, tts_note = choose_voice(settings, store, defaults.voice)
    try:
        stt = choose_stt(settings, store, defaults)
    except ModelMissing:
        if hears:
            raise
        stt = registry.build("stt", "whisper", model=store.home / "models" / defaults.stt)
    manner = Manner(
        system=settings.llm.system or SPOKEN_STYLE,
        language=settings.stt.language,
        max_tokens=settings.llm.max_tokens,
        first_words=defaults.first_words,
    )
    patience = Patience(settings.patience.stopgap_after, settings.patience.give_up_after)
    return Assistant(Engines(registry.build("vad", "silero"), stt, llm, tts), manner, patience, (*notes, llm_note, tts_note))


async def defaults_of(settings: Settings, store: ModelStore, tell: Tell) -> tuple[Defaults, tuple[str, ...]]:
    """What the profile means on this machine, and what there is to say about it."""
    if settings.profile != "auto":
        return PROFILES[settings.profile], ()
    balanced, fast = PROFILES["balanced"], PROFILES["fast"]
    ready = {name for name in store.manifest.models if store.status(name).state == "ready"}
    ears = [balanced.stt, *([fast.stt] if settings.stt.language == "en" else [])]  # the small one knows only English
    models = [name for name in (balanced.llm, fast.llm) if name in ready]
    voices: dict[str, Callable[[], TextToSpeech]] = {}
    if {"kokoro", "kokoro-voices"} <= ready:
        voices[DEFAULT_KOKORO_VOICE] = lambda: kokoro(settings, store, DEFAULT_KOKORO_VOICE)
    if DEFAULT_VITS_VOICE in ready:
        voices[DEFAULT_VITS_VOICE] = lambda: vits(settings, only_model(store.path(DEFAULT_VITS_VOICE)))
    candidates = tuning.Candidates(
        stt={name: lambda threads, name=name: _whisper(settings, store.path(name), name, threads) for name in ears if name in ready},
        llm={name: lambda name=name: _embedded(settings, store.path(name), name) for name in models},
        voice=voices,
        threads=settings.threads,
    )
    if not (candidates.stt and candidates.llm and candidates.voice):
        raise ModelMissing("The profile auto has nothing to choose from: models are missing.", "Fetch them with `assistant models pull`.")
    choice = tuning.pick(await tuning.measured(candidates, settings.home / "measured", tell), settings.latency_goal)
    defaults = Defaults(
        choice.stt, choice.llm, choice.voice, asks_ollama=True, first_words=choice.first_words, stt_threads=choice.stt_threads
    )
    return defaults, (tuning.explained(choice, settings.latency_goal),)


def quiet_threads() -> None:
    """OpenMP threads (CTranslate2, llama.cpp) wait a moment for the next piece of work, then sleep; set before they load.

    Sleeping at once (OMP_WAIT_POLICY=PASSIVE) makes llama.cpp write 40 % slower, and so does libgomp by itself, unless the policy
    says otherwise, as soon as two models together have more threads than there are cores: 13 ms for a token of smollm2 became 30.
    Spinning for long is far worse as soon as anything else uses a core: with 10^5 spins and one busy process 30 tokens took
    24-57 s, with 10^3 about 1 s. NumPy's OpenBLAS spins too, after every product of a spectrogram: of two cores it took one from
    the models for 80-120 ms of every answer.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "ACTIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ.setdefault("KMP_BLOCKTIME", "1")
    threadpool_limits(1, user_api="blas")


@asynccontextmanager
async def turn_detector(settings: Settings) -> AsyncGenerator[EndOfTurn]:
    """What tells a pause from the end of a turn, closed at the end: melody, and words where the model for them is here."""
    store = store_of(settings)
    by_melody, by_words = TURN_MODELS
    melody: EndOfTurnDetector = registry.build("turn", "smart-turn", model=only_model(store.path(by_melody)))
    sentence: EndOfSentenceDetector | None = None
    if store.status(by_words).state == "ready":
        sentence = registry.build("sentence", "smollm2", model=_gguf(store.path(by_words)), threads=settings.threads)
    detectors = EndOfTurn(melody, sentence)
    try:
        yield detectors
    finally:
        with anyio.CancelScope(shield=True):
            await detectors.aclose()


def choose_stt(settings: Settings, store: ModelStore, defaults: Defaults) -> SpeechToText:
    """The recognizer: an engine by name, a folder, a model of the store, or a size that the hub knows."""
    wanted = settings.stt.model or defaults.stt
    if wanted in registry.names("stt") and wanted != "whisper":
        return registry.build("stt", wanted)
    if Path(wanted).is_dir():
        folder, name = Path(wanted), Path(wanted).name
    else:
        name = wanted if wanted in store.manifest.models else f"whisper-{wanted}"
        folder = store.path(name) if name in store.manifest.models else _from_hub(wanted, settings.home)
    return _whisper(settings, folder, name, defaults.stt_threads or max(settings.threads // 2, 1))


def _whisper(settings: Settings, folder: Path, name: str, threads: int) -> SpeechToText:
    return registry.build(
        "stt", "whisper", model=folder, name=name, compute_type=settings.stt.compute_type, device=settings.stt.device, threads=threads
    )


def _from_hub(size: str, home: Path) -> Path:
    """A Whisper conversion that is not in our manifest, by the name faster-whisper knows it under."""
    from faster_whisper.utils import available_models, download_model

    if size not in available_models():
        raise UnknownName(f"There is no speech recognition model {size!r}.", f"Sizes: {', '.join(available_models())}; or give a folder.")
    try:
        return Path(download_model(size, cache_dir=str(home / "hub")))
    except Exception as error:  # the hub client raises what its HTTP library raises
        raise ModelMissing(
            f"The Whisper model {size!r} is not on this machine and the hub cannot be reached.",
            "Use --stt base, or give the folder of a model.",
        ) from error


async def choose_llm(settings: Settings, store: ModelStore, defaults: Defaults) -> tuple[LanguageModel, str]:
    """The language model, and why this one."""
    wanted = settings.llm.model
    if wanted == "auto":
        if defaults.asks_ollama:
            found, note = await _running_ollama(settings)
            if found is not None:
                return found, note
        else:
            note = f"the {settings.profile} profile answers with its own model"
        return _embedded(settings, store.path(defaults.llm), defaults.llm), f"Language model: {defaults.llm}, embedded ({note})."
    scheme, _, name = wanted.partition(":")
    if scheme == "ollama":
        return _ollama(
            settings, name or settings.llm.ollama_model
        ), f"Language model: {name or settings.llm.ollama_model} on Ollama (as you chose)."
    if scheme == "openai":
        return _openai(settings, name or None), f"Language model: {name or 'the first listed'} at {settings.llm.base_url} (as you chose)."
    if wanted.endswith(".gguf") or "/" in wanted:
        return _embedded(settings, Path(wanted), Path(wanted).stem), f"Language model: {wanted}, embedded (as you chose)."
    if wanted in registry.names("llm"):
        return registry.build("llm", wanted), f"Language model: the engine {wanted} (as you chose)."
    return _embedded(settings, store.path(wanted), wanted), f"Language model: {wanted}, embedded (as you chose)."


async def other_models(settings: Settings, store: ModelStore) -> dict[str, Callable[[], LanguageModel]]:
    """The language models that a conversation may have instead: the embedded ones that are here, and Ollama's; none is loaded yet."""
    from .engines.llm.ollama import available

    embedded = [name for name, model in store.manifest.models.items() if model.kind == "language-model"]
    found: dict[str, Callable[[], LanguageModel]] = {
        name: lambda name=name: _embedded(settings, store.path(name), name) for name in embedded if store.status(name).state == "ready"
    }
    installed = await available(settings.llm.ollama_host) or ()
    return found | {name: lambda name=name: _ollama(settings, name) for name in installed}


async def _running_ollama(settings: Settings) -> tuple[LanguageModel | None, str]:
    """Ollama, if it runs and has the model we look for; otherwise what is missing."""
    from .engines.llm.ollama import available, matches

    host, model = settings.llm.ollama_host, settings.llm.ollama_model
    installed = await available(host)
    if installed is None:
        return None, f"no Ollama answers at {host}"
    if not any(matches(model, name) for name in installed):
        others = f"; it has {', '.join(installed[:3])}: choose one with --llm ollama:NAME" if installed else ""
        return None, f"Ollama runs but has no {model}: `assistant models pull ollama:{model}`{others}"
    return _ollama(settings, model), f"Language model: {model} on Ollama at {host} (it runs and has the model)."


def _ollama(settings: Settings, model: str) -> LanguageModel:
    return registry.build(
        "llm",
        "ollama",
        host=settings.llm.ollama_host,
        model=model,
        context=settings.llm.context,
        temperature=settings.llm.temperature,
        system=settings.llm.system or SPOKEN_STYLE,
    )


def _openai(settings: Settings, model: str | None) -> LanguageModel:
    if not settings.llm.base_url:
        raise EngineUnavailable(
            "No address of an OpenAI-compatible server is set.", "Set ASSISTANT_LLM__BASE_URL, for example http://127.0.0.1:8000/v1."
        )
    key = settings.llm.api_key.get_secret_value() if settings.llm.api_key else None
    llm = settings.llm
    return registry.build("llm", "openai", base_url=llm.base_url, model=model, api_key=key, temperature=llm.temperature, sees=llm.sees)


def _embedded(settings: Settings, model: Path, name: str) -> LanguageModel:
    """llama.cpp in this process; `model` is a .gguf file or a folder with one."""
    file = _gguf(model) if model.is_dir() else model
    return registry.build(
        "llm",
        "llama.cpp",
        model=file,
        name=name,
        system=settings.llm.system or SPOKEN_STYLE,
        context=settings.llm.context,
        threads=settings.threads,
        temperature=settings.llm.temperature or 0.0,
        repeat_penalty=settings.llm.repeat_penalty,
        small=name in {profile.llm for profile in PROFILES.values()},
    )


def _gguf(folder: Path) -> Path:
    return next(iter(sorted(folder.glob("*.gguf"))), folder / "model.gguf")


__all__ = ["Assistant", "EngineError", "assemble", "settings_from", "store_of"]
