"""What `assistant doctor` looks at: this machine, its devices, the engines and their models."""

import importlib.util
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from multimodal_assistant.app import PROFILES, TURN_MODELS, Assistant, assemble, store_of
from multimodal_assistant.config import Settings
from multimodal_assistant.core.errors import AssistantError, DeviceError
from multimodal_assistant.pipeline.gauge import gauge_llm, gauge_stt, gauge_tts, spoken, voice_to_voice
from multimodal_assistant.seeing import MODELS as EYES
from multimodal_assistant.transports.camera import cameras
from multimodal_assistant.transports.devices import WITHOUT_DEVICES, Kind
from multimodal_assistant.transports.portaudio import found

_MODULES = {
    "faster_whisper": "speech recognition",
    "onnxruntime": "voices and voice activity",
    "xllamacpp": "embedded language models",
    "espeakng_loader": "text to sounds",
    "onnx": "preparing voices",
    "ollama": "Ollama",
    "openai": "OpenAI-compatible servers",
    "ai_edge_litert": "recognizing things in pictures",
    "rapidocr": "reading the writing in pictures",
    "cv2": "cameras",
}
_PACKAGES = {"cv2": "opencv-python-headless"}
_LEAST_MEMORY_GB = 3.0
_LEAST_DISK_GB = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: str
    """ok, note (works, could be better) or problem."""
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds each stage takes on this machine, models warm."""

    stt: float
    llm_first_token: float
    llm_first_clause: float
    tts_first_audio: float
    load: float
    expected: float
    """From the last sound of a short question to the first of its answer."""


def machine() -> Iterator[Check]:
    """Python, platform, cores, memory, disk."""
    import psutil

    version = platform.python_version()
    yield Check(
        "python", "ok" if sys.version_info >= (3, 11) else "problem", version, "" if sys.version_info >= (3, 11) else "Install Python 3.11."
    )
    yield Check("platform", "ok", f"{platform.system()} {platform.machine()}")
    cores = os.cpu_count() or 1
    yield Check("cores", "ok" if cores >= 2 else "note", str(cores), "" if cores >= 2 else "Answers will be slow on one core.")
    memory = psutil.virtual_memory()
    free = memory.available / 1e9
    short = free < _LEAST_MEMORY_GB
    remedy = "Close other programs, or use --profile fast." if short else ""
    yield Check("memory", "problem" if short else "ok", f"{memory.total / 1e9:.1f} GB, {free:.1f} GB available", remedy)


def disk(settings: Settings) -> Check:
    """Room for models."""
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    short = free < _LEAST_DISK_GB
    return Check(
        "disk", "problem" if short else "ok", f"{free:.1f} GB free at {folder}", "Make room, or set ASSISTANT_HOME." if short else ""
    )


def devices() -> Iterator[Check]:
    """Loudspeaker and microphone: those that `talk` would take."""
    try:
        devices = found()
    except DeviceError as error:
        yield Check("audio", "note", error.problem.rstrip("."), error.remedy)
        return
    kinds: tuple[Kind, ...] = ("microphone", "speaker")
    for kind in kinds:
        device = devices.default(kind)
        if device is None:
            yield Check(kind, "note", "none", WITHOUT_DEVICES)
        else:
            others = len(devices.of(kind)) - 1
            yield Check(kind, "ok", device.name + (f" ({others} more: assistant devices)" if others else ""))


def eyes() -> Check:
    """Cameras that `talk --camera` can take."""
    known = cameras()
    if known:
        return Check("camera", "ok", ", ".join(f"{one.index} ({one.name})" for one in known))
    if sys.platform != "linux":
        return Check("camera", "ok", "not listed on this system; the first is --camera 0")
    return Check("camera", "note", "none", "Plug one in, or show a picture or a video: --image, --video.")


def modules() -> Iterator[Check]:
    """The packages that engines need."""
    for module, purpose in _MODULES.items():
        there = importlib.util.find_spec(module) is not None
        remedy = "" if there else f"Install it: pip install {_PACKAGES.get(module, module.replace('_', '-'))}."
        yield Check(f"package {module}", "ok" if there else "problem", purpose if there else f"missing ({purpose})", remedy)


def models(settings: Settings) -> Iterator[Check]:
    """The models of the profile, and what else is here."""
    store = store_of(settings)
    defaults = PROFILES["balanced" if settings.profile == "auto" else settings.profile]
    needed = {
        defaults.stt,
        defaults.llm,
        *TURN_MODELS,
        *EYES,
        *({"kokoro", "kokoro-voices"} if defaults.voice not in store.manifest.models else {defaults.voice}),
    }
    for name in store.manifest.models:
        status = store.status(name)
        if status.state == "ready":
            yield Check(f"model {name}", "ok", "ready")
        elif name in needed:
            yield Check(f"model {name}", "problem", status.state, f"Run: assistant models pull {name}")


async def measure(settings: Settings) -> tuple[list[Check], Measured | None]:
    """Load the engines of these settings and time one short question through each."""
    try:
        async with await assemble(settings) as assistant:
            checks = [Check("choice", "ok", note) for note in assistant.notes]
            start = time.perf_counter()
            await assistant.warm()
            return checks, await _stages(assistant, time.perf_counter() - start)
    except AssistantError as error:
        return [Check("engines", "problem", error.problem, error.remedy)], None


async def _stages(assistant: Assistant, load: float) -> Measured:
    engines = assistant.engines
    stt = await gauge_stt(engines.stt, await spoken(engines.tts))
    token, clause = await gauge_llm(engines.llm, system=assistant.manner.system)
    voice = await gauge_tts(engines.tts)
    return Measured(*(1000 * seconds for seconds in (stt, token, clause, voice, load, voice_to_voice(stt, clause, voice))))
