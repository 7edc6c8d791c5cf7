"""The last seconds of speech → probability that the turn is over, by Smart Turn v3.2 (BSD-2-Clause, pipecat-ai/smart-turn)."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details, Samples
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.onnx import open_session
from multimodal_assistant.processors.log_mel import log_mel

if TYPE_CHECKING:
    import onnxruntime

_SAMPLES = 8 * SPEECH_RATE  # the model hears the last 8 s


class SmartTurn:
    """End-of-turn detection from sound alone: melody and tempo, not words."""

    def __init__(self, *, model: Path, threads: int = 1) -> None:
        self._path = model
        self._threads = threads
        self._session: onnxruntime.InferenceSession | None = None
        self._worker = Worker("turn")

    @property
    def details(self) -> Details:
        return {"engine": "smart-turn", "model": self._path.stem, "threads": str(self._threads)}

    async def warm(self) -> None:
        await self.score(np.zeros(SPEECH_RATE, np.float32))

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._session = None

    async def score(self, samples: Samples) -> float:
        """Probability in [0, 1] that what was said in `samples` (shape [n], 16 kHz, up to now) is complete."""
        return await self._worker.call(lambda: self._score(samples))

    def _score(self, samples: Samples) -> float:
        if self._session is None:
            self._session = open_session(self._path, threads=self._threads)
        heard = samples[-_SAMPLES:]
        padded = np.pad(heard, (_SAMPLES - len(heard), 0))
        try:
            output = self._session.run(None, {"input_features": log_mel(padded, normalize=True)[None]})[0]
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            raise EngineFailed(f"End-of-turn detection failed: {error}.") from error
        return float(output.ravel()[0])
