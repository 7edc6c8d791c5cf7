"""A spoken answer → the default loudspeaker, while it is being made."""

import logging
from typing import TYPE_CHECKING

import anyio.to_thread

from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import SpokenChunk

if TYPE_CHECKING:
    import sounddevice

log = logging.getLogger(__name__)


def output_device() -> str | None:
    """Name of the default loudspeaker, or None where there is none (or no PortAudio library)."""
    try:
        import sounddevice

        return str(sounddevice.query_devices(kind="output")["name"])
    except (OSError, ValueError, ImportError) as error:  # PortAudioError is an OSError of sorts: see sounddevice
        log.debug("no loudspeaker: %s", error)
        return None
    except Exception as error:  # sounddevice.PortAudioError derives from Exception alone
        log.debug("no loudspeaker: %s", error)
        return None


class Speaker:
    """Plays chunks in order; `write` returns when the device has taken the piece."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._stream: sounddevice.OutputStream | None = None

    async def __aenter__(self) -> "Speaker":
        await anyio.to_thread.run_sync(self._open)
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            finish = stream.stop if error is None else stream.abort  # stop plays out what is buffered, abort drops it
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(finish)
                await anyio.to_thread.run_sync(stream.close)

    def _open(self) -> None:
        import sounddevice

        try:
            self._stream = sounddevice.OutputStream(samplerate=self._rate, channels=1, dtype="float32")
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise DeviceError(
                f"The loudspeaker cannot be opened: {error}.", "Use --out FILE.wav, or choose another default device."
            ) from error

    async def write(self, chunk: SpokenChunk) -> None:
        stream = self._stream
        if stream is not None:
            await anyio.to_thread.run_sync(stream.write, chunk.audio.samples)
