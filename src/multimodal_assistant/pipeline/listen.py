"""A recording → what was said in it."""

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.errors import NoSpeech
from multimodal_assistant.core.protocols import SpeechToText, VoiceActivityDetector
from multimodal_assistant.core.types import AudioChunk, Transcript
from multimodal_assistant.processors.endpointing import speech_span

_WINDOW = 512  # samples a detector scores at once
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
