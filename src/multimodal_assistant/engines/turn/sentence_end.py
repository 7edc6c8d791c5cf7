"""Words → probability that a speaker may stop there, by a small language model: the share of what it expects next that ends the line.

Melody says little where a sentence is opened in the middle, and Whisper writes a full stop after anything; whether the words
are a whole utterance is a matter of language (benchmarks/cut_ins.py). One token is predicted; nothing is generated.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multimodal_assistant.core.errors import EngineFailed
from multimodal_assistant.core.types import Details
from multimodal_assistant.core.worker import Worker
from multimodal_assistant.engines.llama import open_server

if TYPE_CHECKING:
    import xllamacpp

_CONTEXT = 512
_LONGEST = 600  # characters; the last of them decide
_CANDIDATES = 80
_UNCOUNTED = 0.8
"""Taken where the model ends at once and llama.cpp reports no candidates for that."""
_MARKS = re.compile(r"[\s.?!,;:…\-–]+$")  # the recognizer's own: it writes a full stop after anything
_PROMPT = "<|im_start|>system\nYou are a voice assistant.<|im_end|>\n<|im_start|>user\n"


class SentenceEnd:
    """End-of-sentence detection. model: a GGUF chat model with ChatML turns, such as SmolLM2-135M-Instruct. English only."""

    def __init__(self, *, model: Path, threads: int = 1) -> None:
        self._path = model
        self._threads = threads
        self._server: xllamacpp.Server | None = None
        self._worker = Worker("sentence-end")

    @property
    def details(self) -> Details:
        return {"engine": "sentence-end", "model": self._path.stem, "threads": str(self._threads)}

    async def warm(self) -> None:
        await self.score("Hello")

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._server = None

    async def score(self, text: str) -> float:
        """Probability in [0, 1] that `text` may end here; 13-30 ms for a sentence."""
        return await self._worker.call(lambda: self._score(text))

    def _score(self, text: str) -> float:
        if self._server is None:
            self._server = open_server(self._path, context=_CONTEXT, threads=self._threads, yields=False)
        said = _MARKS.sub("", text.strip())[-_LONGEST:]
        request = {"prompt": f"{_PROMPT}{said}", "n_predict": 1, "n_probs": _CANDIDATES, "temperature": 0.0, "cache_prompt": True}
        try:
            answer: dict[str, Any] = self._server.handle_completions(request)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"End-of-sentence detection failed: {error}.") from error
        return ending(_candidates(answer))


def _candidates(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """What the model expects next, with its logarithmic probabilities."""
    choices: list[dict[str, Any]] = answer.get("choices") or [{}]
    logprobs: dict[str, Any] = choices[0].get("logprobs") or {}
    content: list[dict[str, Any]] = logprobs.get("content") or []
    return content[0]["top_logprobs"] if content else []


def ending(candidates: Sequence[dict[str, Any]]) -> float:
    """The probability of all candidates ({"token": text, "logprob": natural logarithm}) with which the line ends.

    There are none where the model ends the line itself.
    """
    if not candidates:
        return _UNCOUNTED
    return min(sum(math.exp(float(one["logprob"])) for one in candidates if _ends(str(one["token"]))), 1.0)


def _ends(token: str) -> bool:
    """A full stop, a question or exclamation mark, a new line or a control token; three dots are the opposite."""
    mark = token.strip()
    return not token or "<|" in token or token.startswith("\n") or (mark[:1] in {".", "?", "!"} and not mark.startswith(".."))
