"""Audio → what was said in it: a whole recording, or an utterance while it is being said."""

from itertools import takewhile

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.errors import NoSpeech
from multimodal_assistant.core.protocols import SpeechToText, VoiceActivityDetector
from multimodal_assistant.core.types import AudioChunk, Transcript
from multimodal_assistant.processors.endpointing import speech_span

PATIENCE = 15.0
"""Seconds that the recognizer may take for an utterance."""

_WINDOW = 512  # samples a detector scores at once
_FIRST_PARTIAL, _PARTIAL_EVERY = 1.2, 0.8  # seconds of speech
_AROUND = round(0.2 * SPEECH_RATE)  # kept on either side of the speech: soft beginnings and endings


async def listen(recording: AudioChunk, vad: VoiceActivityDetector, stt: SpeechToText, *, language: str | None = None) -> Transcript:
    """Find the speech and transcribe it, without the silence around it.

    Raises `NoSpeech` where the detector hears none, or the recognizer makes no word of it.
    """
    audio = resample(recording, SPEECH_RATE)
    span = speech_span(await vad.scan(audio.samples))
    if span is None:
        raise NoSpeech(
            f"No speech was found in {audio.seconds:.1f} s of audio.", "Speak closer to the microphone, or check which device recorded."
        )
    first, end = max(span[0] * _WINDOW - _AROUND, 0), span[1] * _WINDOW + _AROUND
    transcript = await stt.transcribe(AudioChunk(audio.samples[first:end], SPEECH_RATE, first), language=language)
    if not transcript.text:
        raise NoSpeech("There is a voice in the audio, but no words could be made out.", "Speak closer to the microphone.")
    return transcript


class ListenAlong:
    """When to transcribe an utterance that is still being said, and which of its words can be relied on."""

    def __init__(self, since: float = 0.0) -> None:
        self._next = since + _FIRST_PARTIAL
        self._words: list[str] = []
        self._stable: list[str] = []

    def due(self, now: float) -> bool:
        """Whether it is time for another partial transcript; asking takes the turn."""
        if now < self._next:
            return False
        self._next = now + _PARTIAL_EVERY
        return True

    def heard(self, text: str) -> str:
        """The words that two partial transcripts in a row agree on (local agreement, Macháček et al. 2023), if there are new ones."""
        words = text.split()
        pairs = zip(words, self._words, strict=False)
        agreed = [word for word, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
        self._words = words
        if len(agreed) <= len(self._stable):
            return ""
        self._stable = agreed
        return " ".join(agreed)
