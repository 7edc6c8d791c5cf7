"""A connection of which everything is kept: what was heard and what was played, as two WAV files on one clock."""

import wave
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE, to_pcm16
from multimodal_assistant.core.connection import Connection, Pull
from multimodal_assistant.core.errors import UsageError
from multimodal_assistant.core.types import AudioChunk, Samples

_SAVED_EVERY = 1.0
_JITTER = 0.03  # seconds by which a device takes its blocks unevenly; more is a gap in what was played


def recording_folder(path: Path) -> Path:
    """Make the folder of a new recording; raises `UsageError` where one is already, or no folder can be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken = (path / "heard.wav").exists()
    except OSError as error:
        raise UsageError(f"{path} cannot hold a recording: {error.strerror}.", "Choose another place with --record.") from error
    if taken:
        raise UsageError(f"{path} already holds a recording.", "Choose another folder with --record.")
    return path


class RecordedConnection:
    """Writes `heard.wav` (16 kHz, as the conversation heard it) and `played.wav` (the voice's rate) into `folder` while it goes on.

    Sample n of either is n / rate seconds after the first that came in, the clock of all events. What was played stands
    where it reached the ear, as far as the inner connection knows its delay.
    """

    def __init__(self, inner: Connection, folder: Path) -> None:
        self._inner = inner
        self._folder = folder

    @property
    def output_delay(self) -> float:
        """See `core.connection.Connection`."""
        return self._inner.output_delay

    async def blocks(self, pull: Pull, rate: int) -> AsyncGenerator[AudioChunk]:
        """See `core.connection.Connection`. Raises `UsageError` when there is no room left."""
        heard, played = await anyio.to_thread.run_sync(self._tracks, rate)

        def kept(count: int) -> Samples:
            samples = pull(count)
            played.wait_until(heard.seconds + self._inner.output_delay)
            played.append(samples)
            return samples

        try:
            async with aclosing(self._inner.blocks(kept, rate)) as blocks:
                async for block in blocks:
                    heard.append(block.samples)
                    if heard.unsaved >= _SAVED_EVERY:
                        await anyio.to_thread.run_sync(_save, heard, played)
                    yield block
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_close, heard, played)

    def _tracks(self, rate: int) -> "tuple[_Track, _Track]":
        return _Track(self._folder / "heard.wav", SPEECH_RATE), _Track(self._folder / "played.wav", rate)


class _Track:
    """One WAV file that grows; complete after every `save`, whatever happens to the process then."""

    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        self._frames = 0
        self._pending: list[Samples] = []
        self._saved = 0
        self._path = path
        try:
            self._file = wave.open(str(path), "wb")
        except OSError as error:
            raise self._refusal(error) from error
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)

    @property
    def seconds(self) -> float:
        return self._frames / self._rate

    @property
    def unsaved(self) -> float:
        """Seconds that are only in memory."""
        return (self._frames - self._saved) / self._rate

    def append(self, samples: Samples) -> None:
        self._pending.append(samples)
        self._frames += len(samples)

    def wait_until(self, seconds: float) -> None:
        """Silence up to there, if that is more than the unevenness of a device."""
        if seconds - self.seconds > _JITTER:
            self.append(np.zeros(round(seconds * self._rate) - self._frames, np.float32))

    def save(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            try:
                self._file.writeframes(to_pcm16(np.concatenate(pending)).tobytes())
            except OSError as error:
                raise self._refusal(error) from error
        self._saved = self._frames

    def close(self) -> None:
        try:
            self.save()
        finally:
            self._file.close()

    def _refusal(self, error: OSError) -> UsageError:
        return UsageError(f"{self._path} cannot be written: {error.strerror}.", "Make room, or choose another place with --record.")


def _save(*tracks: _Track) -> None:
    for track in tracks:
        track.save()


def _close(*tracks: _Track) -> None:
    for track in tracks:
        track.close()
