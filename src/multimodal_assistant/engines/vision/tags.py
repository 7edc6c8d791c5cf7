"""Picture → which of a list of phrases describe it, by any encoder of pictures and texts (zero-shot classification, arXiv:2103.00020)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from multimodal_assistant.core.errors import InvalidSetting
from multimodal_assistant.core.protocols import ImageTextEncoder
from multimodal_assistant.core.types import Details, Guess, Pixels, Vectors
from multimodal_assistant.core.worker import Worker

SHIPPED = Path(__file__).with_name("phrases.txt")
"""Everyday things and scenes. A list of one's own is a file of the same form."""

CLIP_SCALE = 100.0
"""What CLIP multiplies likeness by before it becomes probability: where its training left it."""

_SENTENCE = "a photo of {}"
_MOST_PHRASES = 2000
_MOST_CHARACTERS = 200


class PhraseTags:
    """`core.protocols.ImageClassifier` over phrases: their vectors are computed once, so that a picture costs one encoding.

    `encoder` belongs to whoever gives it, and is not closed here. Over a `ConseEncoder` tags are surer than they are right (grass is "a
    ball", 1.0): there, tell the classifier's own labels.
    """

    def __init__(self, *, encoder: ImageTextEncoder, phrases: Path = SHIPPED, most: int = 5, scale: float = CLIP_SCALE) -> None:
        """phrases: see `read_phrases`. scale: how much likelier a little more likeness makes a phrase; about 20 for a `ConseEncoder`."""
        self._encoder = encoder
        self._path = phrases
        self._most = most
        self._scale = scale
        self._phrases: list[str] = []
        self._vectors: Vectors | None = None
        self._worker = Worker("classify-tags")

    @property
    def details(self) -> Details:
        return {"engine": "tags", "model": self._encoder.details["model"], "phrases": str(self._path)}

    async def warm(self) -> None:
        """Read the phrases and embed them. Raises `InvalidSetting` for a list that makes no sense."""
        await self._encoder.warm()
        await self._load()

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._vectors = None

    async def classify(self, pixels: Pixels) -> list[Guess]:
        """See `core.protocols.ImageClassifier`."""
        (vector,) = await self._encoder.encode_images([pixels])
        return await self.tags_of(vector)

    async def tags_of(self, vector: Vectors) -> list[Guess]:
        """The likeliest phrases for a picture whose vector is known; shape [d]."""
        vectors = await self._load()
        likeness = self._scale * (vectors @ vector)
        weights = np.exp(likeness - likeness.max())
        best = np.argsort(-weights, kind="stable")[: self._most]
        return [Guess(self._phrases[int(row)], float(weights[row] / weights.sum())) for row in best]

    async def _load(self) -> Vectors:
        if self._vectors is None:
            self._phrases = await self._worker.call(lambda: read_phrases(self._path))
            self._vectors = await self._encoder.encode_texts([_SENTENCE.format(phrase) for phrase in self._phrases])
        return self._vectors


def read_phrases(path: Path = SHIPPED) -> list[str]:
    """One phrase a line, with its article, as it would follow "a photo of": `a cup of coffee`. Lines after a # are passed over.

    Raises `InvalidSetting` where there is none, or far too many.
    """
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"The list of phrases {path} cannot be read: {error}.") from error
    phrases = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    _check(path, phrases)
    return phrases


def _check(path: Path, phrases: Sequence[str]) -> None:
    if not 1 < len(phrases) <= _MOST_PHRASES:
        raise InvalidSetting(f"{path} holds {len(phrases)} phrases.", f"Two are needed, and {_MOST_PHRASES} are the most.")
    for phrase in phrases:
        if len(phrase) > _MOST_CHARACTERS:
            raise InvalidSetting(f"{path} holds a phrase of {len(phrase)} characters: {phrase[:40]} …", "One phrase a line, and short.")


class ClipTags(PhraseTags):
    """The same over a CLIP of its own, which is closed with it; each label has its article: "some snow"."""

    def __init__(self, *, encoder: ImageTextEncoder, phrases: Path = SHIPPED) -> None:
        super().__init__(encoder=encoder, phrases=phrases)

    async def aclose(self) -> None:
        await super().aclose()
        await self._encoder.aclose()

    async def tags_of(self, vector: Vectors) -> list[Guess]:
        return [replace(guess, label=_determined(guess.label)) for guess in await super().tags_of(vector)]


def _determined(phrase: str) -> str:
    return phrase if phrase == "nobody" or phrase.startswith(("a ", "an ", "the ", "some ", "two ")) else f"some {phrase}"
