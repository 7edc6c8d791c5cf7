"""PortAudio (python-sounddevice): the list of devices, and a microphone and a loudspeaker as one stream on one clock.

Everything here blocks and is called from a worker thread.
"""

import ctypes
import logging
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import Samples

from .devices import WITHOUT_DEVICES, Device, Devices
from .duplex import Exchange, Open

log = logging.getLogger(__name__)

BLOCK_SECONDS = 0.01
PREFERRED_RATE = 48_000


def found() -> Devices:
    """All devices, looked for anew. Raises `DeviceError` where there is no PortAudio."""
    sounddevice = _portaudio()
    # PortAudio makes its list when it starts, so that what was plugged in since is seen only by one that starts again.
    sounddevice._terminate()
    try:
        sounddevice._initialize()
        listed: Iterable[dict[str, Any]] = sounddevice.query_devices()
        systems: tuple[dict[str, Any], ...] = sounddevice.query_hostapis()
        defaults = _default(sounddevice, "input"), _default(sounddevice, "output")
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"The sound system cannot be asked for its devices: {_reason(error)}.", WITHOUT_DEVICES) from error
    devices = tuple(
        Device(
            index,
            str(entry["name"]),
            str(systems[int(entry["hostapi"])]["name"]),
            int(entry["max_input_channels"]),
            int(entry["max_output_channels"]),
            int(entry["default_samplerate"]),
        )
        for index, entry in enumerate(listed)
    )
    return Devices(devices, *defaults)


def _default(sounddevice: Any, direction: str) -> int | None:
    try:
        return int(sounddevice.query_devices(kind=direction)["index"])
    except (sounddevice.PortAudioError, ValueError):  # there is none
        return None


class DuplexStream:
    """One microphone and one loudspeaker that run in step. `close` may be called twice."""

    def __init__(self, microphone: Device, speaker: Device, exchange: Exchange, gone: Callable[[], None]) -> None:
        """Open and start. `gone` is called, on the device's thread, when the stream ends. Raises `DeviceError`."""
        sounddevice = _portaudio()
        self.microphone, self.speaker = microphone, speaker
        channels = min(speaker.outputs, 2)  # one channel would sound on the left alone with Core Audio

        def callback(heard: Samples, play: Samples, frames: int, time: object, status: Any) -> None:
            play[:] = exchange(heard[:, 0].copy(), bool(status))[:, None]

        try:
            self.rate = _common_rate(sounddevice, microphone, speaker, channels)
            self._stream = sounddevice.Stream(
                samplerate=self.rate,
                blocksize=round(BLOCK_SECONDS * self.rate),
                device=(microphone.index, speaker.index),
                channels=(1, channels),
                dtype="float32",
                latency="low",
                callback=callback,
                finished_callback=gone,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"The microphone {microphone.name!r} and the speaker {speaker.name!r} cannot be opened together: {_reason(error)}.",
                "Close the program that holds them, or choose others with --microphone and --speaker (`assistant devices` lists them).",
            ) from error
        self.latency: tuple[float, float] = self._stream.latency
        """Seconds from the microphone to the exchange, and from the exchange to the loudspeaker, as the device reports them."""

    def close(self) -> None:
        """Stop at once and let go of the devices."""
        sounddevice = _portaudio()
        try:
            self._stream.abort()
            self._stream.close()
        except sounddevice.PortAudioError as error:  # of a device that is gone: there is nothing left to close
            log.debug("closing the sound devices: %s", error)


def opener(microphone: str, speaker: str) -> Open:
    """What opens the devices of these names, looked for anew every time."""

    def open_stream(exchange: Exchange, gone: Callable[[], None]) -> DuplexStream:
        devices = found()
        return DuplexStream(devices.choose("microphone", microphone), devices.choose("speaker", speaker), exchange, gone)

    return open_stream


def _common_rate(sounddevice: ModuleType, microphone: Device, speaker: Device, channels: int) -> int:
    """The rate both can do: 48 kHz if possible, else what one of them prefers. Raises the last `PortAudioError`."""
    rates = dict.fromkeys((PREFERRED_RATE, speaker.rate, microphone.rate, 44_100, 16_000))
    last: Exception | None = None
    for rate in rates:
        try:
            sounddevice.check_input_settings(device=microphone.index, channels=1, dtype="float32", samplerate=rate)
            sounddevice.check_output_settings(device=speaker.index, channels=channels, dtype="float32", samplerate=rate)
        except sounddevice.PortAudioError as error:
            last = error
        else:
            return rate
    raise last or ValueError("they have no sample rate in common")


def _portaudio() -> Any:
    """The module; importing it loads the library and starts it."""
    if sys.platform == "linux":
        _hush_alsa()
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            "The PortAudio library, which reaches microphone and loudspeaker, is not installed.",
            f"Install it (Debian: apt-get install libportaudio2). {WITHOUT_DEVICES}",
        ) from error
    except Exception as error:  # PortAudioError of a library that does not start; its class cannot be imported then
        raise DeviceError(f"The sound system does not start: {_reason(error)}.", WITHOUT_DEVICES) from error
    return sounddevice


def _reason(error: Exception) -> str:
    """PortAudio's own words, without its numbers."""
    text = str(error.args[0]) if error.args else str(error)
    return text.partition(" [PaErrorCode")[0].strip().rstrip(".") or type(error).__name__


_ERROR_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)


def _say_nothing(file: bytes, line: int, function: bytes, code: int, message: bytes) -> None:
    """What ALSA calls with every message."""


_SILENT = _ERROR_HANDLER(_say_nothing)  # kept: ALSA holds only its address


def _hush_alsa() -> None:
    """ALSA writes to the terminal about every device that it tries, whoever asked; what matters comes back as an error anyway."""
    try:
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_SILENT)
    except (OSError, AttributeError) as error:
        log.debug("ALSA cannot be told to be silent: %s", error)
