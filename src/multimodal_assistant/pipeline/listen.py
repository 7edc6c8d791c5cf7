"""Audio → what was said in it: a whole recording, or an utterance while it is being said."""

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.errors import NoSpeech
from multimodal_assistant.core.protocols import SpeechToText, VoiceActivityDetector
from multimodal_assistant.core.types import AudioChunk, Transcript
from multimodal_assistant.processors.endpointing import speech_span

PATIENCE = 15.0
"""Seconds that the recognizer may take for an utterance."""

_WINDOW = 512  # samples a detector scores at once
_FIRST_PARTIAL = 0.8
"""Seconds of speech before its words are asked for the first time."""
_REST = 0.4
"""Seconds between two partial transcripts at least,"""
_REST_SHARE = 2.0
"""and as a multiple of what the last one took: a slow machine is not kept busy when the words are wanted for good."""
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
    """When to transcribe an utterance that is still being said, and which of its words are worth reading ahead."""

    def __init__(self, since: float = 0.0) -> None:
        self._next = since + _FIRST_PARTIAL
        self._begun = since
        self._whole = ""

    def due(self, now: float) -> bool:
        """Whether it is time for another partial transcript; asking takes the turn."""
        if now < self._next:
            return False
        self._begun = now
        return True

    def done(self, now: float) -> None:
        """All that is made of the last partial transcript is made."""
        self._next = now + max(_REST, _REST_SHARE * (now - self._begun))

    def heard(self, text: str) -> str:
        """All words of a partial transcript but the last, which may have been cut within; "" if they are those of the one before.

        That they may yet change costs the reader what it has read in vain, and nothing else.
        """
        whole, _, _ = text.strip().rpartition(" ")
        if whole == self._whole:
            return ""
        self._whole = whole
        return whole
