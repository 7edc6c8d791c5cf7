"""What the microphone heard and what the loudspeaker played → what the user said: WebRTC's AEC3 (pywebrtc-audio)."""

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.types import Samples

FRAME = SPEECH_RATE // 100
"""Samples that are taken at a time: 10 ms at 16 kHz."""


class EchoCanceller:
    """Takes the assistant's own voice out of the microphone.

    delay: seconds from a played sample's frame to the frame of its echo, as far as the device knows; AEC3 finds the rest.
    """

    def __init__(self, delay: float) -> None:
        import pywebrtc_audio

        self._processor = pywebrtc_audio.AudioProcessor(
            sample_rate=SPEECH_RATE, echo_cancellation=True, stream_delay_ms=round(1000 * delay)
        )

    def clean(self, heard: Samples, played: Samples) -> Samples:
        """One frame of each, of the same moment, shape [160] → the frame without the echo."""
        return self._processor.process(heard, played)
