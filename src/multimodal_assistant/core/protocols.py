"""The contracts between the conversation and its engines.

An engine is one verb. It is built without touching a model, loads on `warm` (or on first use), and lets go of
everything on `aclose`, which may be called twice. Blocking inference runs on the engine's own worker thread
(`core.worker`). A verb that streams is an async generator: leave it early only through
`contextlib.aclosing`, which stops the backend before it returns. Failures are `core.errors.EngineError` or
`ModelError`. `engines/scripted.py` has a deterministic implementation of each.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from .types import (
    AudioChunk,
    Details,
    Glance,
    Guess,
    Message,
    Picture,
    Pixels,
    Samples,
    Sighting,
    SpokenChunk,
    TextDelta,
    Tool,
    Transcript,
    Vectors,
    VideoFrame,
    WrittenLine,
)


class Engine(Protocol):
    """What all engines share."""

    @property
    def details(self) -> Details:
        """What it is, for people: at least `engine` and `model`."""
        ...

    async def warm(self) -> None:
        """Load the model and run it once, so that the first real call is as fast as the second."""
        ...

    async def aclose(self) -> None:
        """Stop work, free the model. Safe to call twice."""
        ...


class VoiceActivityStream(Protocol):
    """Speech probability of one audio stream, window by window; pure computation with a state of its own."""

    window: int
    """Samples in a window, at 16 kHz."""

    def score(self, samples: Samples) -> float:
        """Probability in [0, 1] that `samples` (shape [window]), which follow the last ones, hold speech."""
        ...


class VoiceActivityDetector(Engine, Protocol):
    """Audio → speech probability."""

    def stream(self) -> VoiceActivityStream:
        """Start on a new audio stream. Needs `warm` first."""
        ...

    async def scan(self, samples: Samples) -> list[float]:
        """Probabilities of all whole windows of a recording (16 kHz)."""
        ...


class EndOfTurnDetector(Engine, Protocol):
    """Audio of a turn so far → is it complete?"""

    async def score(self, samples: Samples) -> float:
        """Probability in [0, 1] that the speaker has finished; shape [n] at 16 kHz, up to now, silence included."""
        ...


class EndOfSentenceDetector(Engine, Protocol):
    """Words of a turn so far → are they a whole utterance?"""

    async def score(self, text: str) -> float:
        """Probability in [0, 1] that a speaker may stop after these words; the marks at their end do not count."""
        ...


class SpeechToText(Engine, Protocol):
    """Audio → text."""

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        """Transcribe one utterance (16 kHz).

        `language` (ISO 639-1) skips detection. `expected`: what was spoken before; it is taken for this one's language too, unless it
        sounds much more like another, since nobody can tell from a second of speech. `words` asks for word timestamps, at some cost.
        `partial`: the utterance goes on, and a quick result is worth more than a certain one.
        """
        ...


class LanguageModel(Engine, Protocol):
    """Conversation → text stream."""

    def reply(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[TextDelta]:
        """Write the next line of the conversation, piece by piece; the last piece carries the usage."""
        ...


@runtime_checkable
class Prefilling(Protocol):
    """A language model of this process whose prefix cache can be filled ahead of a question."""

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Evaluate a conversation whose last line is still being said; `reply` then starts where it differs."""
        ...


@runtime_checkable
class ToolCalling(Protocol):
    """A language model that can ask for functions to be called."""

    def reply_or_call(
        self, messages: Sequence[Message], *, max_tokens: int, tools: Sequence[Tool], required: bool = False
    ) -> AsyncGenerator[TextDelta]:
        """As `reply`, with `tools` at hand. required: it has to call one of them, as far as its backend can make it."""
        ...


@runtime_checkable
class Seeing(Protocol):
    """A language model that may take a picture with the last line of a conversation."""

    async def sees(self) -> bool:
        """Whether it does."""
        ...


class Remembering(Protocol):
    """A memory beyond the conversation, of one user."""

    async def recall(self, question: str) -> str:
        """What bears on these words, one memory to a line, as it is put before a language model; "" where nothing does."""
        ...

    def remember(self, said: str, heard: str) -> None:
        """Keep what the user said and what was heard of the answer, either of which may be empty; returns at once."""
        ...


class TextToSpeech(Engine, Protocol):
    """Text → audio stream."""

    @property
    def rate(self) -> int:
        """Samples per second of what it speaks."""
        ...

    def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        """Say one clause or sentence, in one or more pieces."""
        ...


@runtime_checkable
class ManyVoices(Protocol):
    """A voice that can speak as others do, at the same sample rate. What it gives belongs to it, and is not to be closed."""

    @property
    def voices(self) -> Mapping[str, str]:
        """Name → language (ISO 639-1)."""
        ...

    def voice(self, name: str) -> TextToSpeech:
        """This one; loaded when it first speaks. Raises `UnknownName`."""
        ...

    async def language_of(self, text: str, otherwise: str) -> str:
        """Which of its languages a text is in; `otherwise` where that cannot be told."""
        ...

    async def fitting(self, text: str, language: str) -> TextToSpeech:
        """The one for an answer that begins with this text, to somebody who speaks this language: answers may be in another."""
        ...


class TextEmbedder(Engine, Protocol):
    """Text → vector."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text; near in meaning is near in angle. Of very long texts only the beginning counts."""
        ...


class VideoSource(Protocol):
    """A camera, a screen, or a recording of one."""

    @property
    def rate(self) -> float:
        """Frames a second; may be changed at any time."""
        ...

    @rate.setter
    def rate(self, rate: float) -> None: ...

    @property
    def name(self) -> str:
        """What it is, for people: "camera 0", "party.mp4"."""
        ...

    def frames(self) -> AsyncGenerator[VideoFrame]:
        """What it shows, frame after frame, until it ends. Raises `DeviceError` where it is lost, `UnreadablePicture` where it is
        damaged; may be called again."""
        ...


class ObjectDetector(Engine, Protocol):
    """Picture → things in it."""

    async def detect(self, pixels: Pixels) -> list[Sighting]:
        """Each thing once, the most certain first."""
        ...


class ImageClassifier(Engine, Protocol):
    """Picture → what it shows as a whole."""

    async def classify(self, pixels: Pixels) -> list[Guess]:
        """The likeliest labels, the best first; probabilities over all labels sum to one."""
        ...


class TextReader(Engine, Protocol):
    """Picture → the writing in it."""

    async def read(self, pixels: Pixels) -> list[WrittenLine]:
        """Lines as they are read, from the top."""
        ...


class ImageTextEncoder(Engine, Protocol):
    """Pictures and texts → vectors of one space: a text is near in angle to the pictures that it describes."""

    async def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """A vector for each picture."""
        ...

    async def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text."""
        ...


class Sight(Protocol):
    """The eyes of a conversation."""

    @property
    def live(self) -> bool:
        """Whether they see something that goes on, at which a model may ask to look."""
        ...

    async def look(self, said: str) -> Glance:
        """What an answer to these words is given to see: at once, from what has been seen already, unless they need a closer look."""
        ...

    async def ahead(self) -> Picture | None:
        """What a model that sees will most likely be shown, now that the user has begun to speak; None where that is nothing."""
        ...
