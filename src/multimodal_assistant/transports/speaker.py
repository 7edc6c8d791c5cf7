"""A spoken answer → a loudspeaker, while it is being made."""

import logging
from typing import TYPE_CHECKING

import anyio.to_thread

from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.core.types import SpokenChunk

from .portaudio import found

if TYPE_CHECKING:
    import sounddevice

log = logging.getLogger(__name__)


def loudspeaker(wanted: str = "") -> int | None:
    """Index of the loudspeaker meant by a number, a name or a part of it; empty: the system's choice, None where there is none.

    Raises `DeviceError` where one is wanted that is not there.
    """
    try:
        return found().choose("speaker", wanted).index
    except DeviceError as error:
        if wanted:
            raise
        log.debug("no loudspeaker: %s", error.problem)
        return None


class Speaker:
    """Plays chunks in order; `write` returns when the device has taken the piece."""

    def __init__(self, rate: int, device: int) -> None:
        self._rate = rate
        self._device = device
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
            self._stream = sounddevice.OutputStream(device=self._device, samplerate=self._rate, channels=1, dtype="float32")
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise DeviceError(
                f"The loudspeaker cannot be opened: {error}.",
                "Use --out FILE.wav, or choose another device: `assistant devices` lists them.",
            ) from error

    async def write(self, chunk: SpokenChunk) -> None:
        stream = self._stream
        if stream is not None:
            await anyio.to_thread.run_sync(stream.write, chunk.audio.samples)
