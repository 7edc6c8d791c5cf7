"""What crosses a hop: small frozen values that carry their own units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono PCM, float32 in [-1, 1], shape [n]."""

Vectors = NDArray[np.float32]
"""Embeddings, one a row, each of length 1; shape [n, d]."""

Pixels = NDArray[np.uint8]
"""A picture in colour: RGB, shape [height, width, 3], upright, first row on top."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A stretch of mono audio on its stream's own clock."""

    samples: Samples
    rate: int
    """Samples per second."""
    start: int = 0
    """Index of the first sample, counted from the beginning of the stream."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @property
    def end(self) -> int:
        """Index of the sample after the last."""
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class Word:
    """A word and when it is said, in seconds from the start of the audio that holds it."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said."""

    text: str
    language: str
    """ISO 639-1 code."""
    language_probability: float
    average_log_probability: float
    """Mean over the text's tokens, natural logarithm: 0 is certain, below -1 is doubtful."""
    no_speech_probability: float
    seconds: float
    """Length of the audio."""
    words: tuple[Word, ...] = ()
    """Empty unless asked for."""
    rerun: bool = False
    """The first pass looked degenerate and the padded pass was taken instead."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A language model wants a function to be called."""

    id: str
    name: str
    arguments: str
    """JSON, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a language model may ask for."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """JSON Schema of its arguments; empty: it takes none."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A still picture, as it is stored."""

    data: bytes
    media_type: str
    """image/jpeg, image/png or image/webp."""


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """What a camera, a screen or a video shows at one moment."""

    pixels: Pixels
    at: float
    """Seconds on the clock of the event loop for what is shown now; from its beginning for a recording that is not paced."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in fractions of its width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Guess:
    """What a picture may show as a whole."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """A thing in a picture, and where."""

    label: str
    probability: float
    box: Box


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line of writing in a picture."""

    text: str
    probability: float
    box: Box


@dataclass(frozen=True, slots=True)
class RememberedView:
    """A view that was kept, as it is shown with an answer about it: to people alone, not to a model."""

    id: int
    """By which `assistant memory visual show` finds it."""
    at: float
    """Epoch seconds, when it was seen last of the time that is asked about."""
    source: str
    """What showed it: "the camera"."""
    words: str
    """What is in it."""
    picture: Picture = field(repr=False)
    """Small; its bytes are in no log."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What an answer is given to see."""

    picture: Picture | None = None
    """For a model that sees."""
    words: str = ""
    """For one that does not: what is in view, and how old that is."""
    answer: str = ""
    """What there is to say, where no model is to be asked: nothing can be seen, or what was asked has been seen plainly."""
    remembered: RememberedView | None = None
    """What the answer tells of, if that is a view that was kept."""

    @property
    def note(self) -> str:
        """What stays of it in the history: no picture, or it would be looked at for ever."""
        return self.words or ("A picture was shown." if self.picture else "")


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a conversation. A line of the role `tool` is what came of the call `answers`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""
    picture: Picture | None = None
    """What is shown with these words. A conversation has one at most, on its last line; history keeps none."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of a reply, as the language model writes it."""

    text: str
    usage: "Usage | None" = None
    """Set on the last delta of a reply only."""
    calls: tuple[ToolCall, ...] = ()
    """Whole calls; nothing of them is to be spoken."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one reply cost."""

    prompt_tokens: int
    cached_tokens: int
    """Prompt tokens the backend had already evaluated: hits of its prefix cache."""
    completion_tokens: int
    first_token_seconds: float
    """From the request to the first piece of text."""
    seconds: float


@dataclass(frozen=True, slots=True)
class SpokenChunk:
    """Audio of a stretch of the reply, with the words it says.

    Pieces of one clause follow one another without a gap; `words` are those that *begin* in this piece,
    with times in seconds from the piece's own first sample. Voices that give no durations leave `words` empty.
    """

    audio: AudioChunk
    text: str
    """The clause these samples belong to."""
    words: tuple[Word, ...] = ()
    last: bool = True
    """No further piece of this clause follows."""


Details = Mapping[str, str]
"""Facts about an engine for people to read: model, quantization, threads."""
