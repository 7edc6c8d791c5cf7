"""Windows of audio → speech probability, by Silero VAD v6 (MIT; the ONNX file that faster-whisper carries)."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal_assistant.core.errors import EngineUnavailable
from multimodal_assistant.core.types import Details, Samples
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.onnx import open_session

if TYPE_CHECKING:
    import onnxruntime

WINDOW = 512
"""Samples in a window: 32 ms at 16 kHz, the only size the model takes."""

_CONTEXT = 64  # samples of the window before that the model wants to see again
_STATE = (1, 1, 128)  # shape of the recurrent state


class SileroVad:
    """Voice activity detection; one loaded model, any number of streams."""

    def __init__(self, *, model: Path | None = None) -> None:
        self._path = model
        self._session: onnxruntime.InferenceSession | None = None
        self._worker = Worker("vad")

    @property
    def details(self) -> Details:
        return {"engine": "silero", "model": "silero-vad-v6", "threads": "1"}

    async def warm(self) -> None:
        if self._session is None:
            self._session = await self._worker.call(lambda: open_session(self._path or _asset(), threads=1))

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._session = None

    def stream(self) -> "SileroStream":
        if self._session is None:
            raise EngineUnavailable("The voice activity detector is not loaded yet.")
        return SileroStream(self._session)

    async def scan(self, samples: Samples) -> list[float]:
        await self.warm()
        stream = self.stream()
        starts = range(0, len(samples) - WINDOW + 1, WINDOW)
        return await self._worker.call(lambda: [stream.score(samples[start : start + WINDOW]) for start in starts])


class SileroStream:
    """The detector's memory of one audio stream. A call takes well under a millisecond, so it stays on the event loop."""

    window = WINDOW

    def __init__(self, session: "onnxruntime.InferenceSession") -> None:
        self._session = session
        self._hidden = np.zeros(_STATE, np.float32)
        self._cell = np.zeros(_STATE, np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def score(self, samples: Samples) -> float:
        inputs = {"input": np.concatenate([self._context, samples])[None], "h": self._hidden, "c": self._cell}
        output, self._hidden, self._cell = self._session.run(None, inputs)
        self._context = samples[-_CONTEXT:].copy()
        return float(output.ravel()[0])


def _asset() -> Path:
    """The model inside the installed faster-whisper, found without importing it (that takes a second)."""
    spec = importlib.util.find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        raise EngineUnavailable(
            "The voice activity model comes with faster-whisper, which is not installed.", "Install it with `pip install faster-whisper`."
        )
    return Path(spec.origin).parent / "assets" / "silero_vad_v6.onnx"
