"""Audio file → AudioChunk, and a spoken answer → WAV file."""

import io
import os
import struct
import tempfile
from pathlib import Path

import anyio.to_thread
import numpy as np

from multimodal_assistant.core.audio import mono, resample, to_pcm16
from multimodal_assistant.core.errors import UnreadableAudio, UsageError
from multimodal_assistant.core.types import AudioChunk, Samples, SpokenChunk

ANSWER_RATE = 24_000
"""Samples per second of the files we write."""

LONGEST_SECONDS = 600.0
"""A question longer than this is a mistake."""

_UNKNOWN_SIZE = 0x7FFFF000  # from here on: a WAV written to a pipe cannot know its length (sox writes this, others 2 or 4 GB)
_FORMATS = "Give a WAV, FLAC, OGG or MP3 file."


def read_audio(path: Path, *, longest: float = LONGEST_SECONDS) -> AudioChunk:
    """Read any WAV, FLAC, OGG or MP3 file as mono float32 at its own rate.

    Raises `UnreadableAudio` with one sentence on what is wrong with the file.
    """
    import soundfile

    _check_file(path)
    try:
        with soundfile.SoundFile(str(path)) as source:
            rate = source.samplerate
            if source.frames > longest * rate:
                hours = source.frames / rate / 3600
                length = f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.0f} minutes"
                raise UnreadableAudio(
                    f"{path} is {length} long; a question may take {longest / 60:.0f} minutes.", "Cut out the part you mean."
                )
            samples = np.asarray(source.read(dtype="float32", always_2d=True), np.float32)
    except soundfile.LibsndfileError as error:
        raise UnreadableAudio(f"{path} is not audio that can be read ({_reason(error)}).", _FORMATS) from error
    except (RuntimeError, TypeError, ValueError) as error:
        raise UnreadableAudio(f"{path} is damaged: {error}.", _FORMATS) from error
    if not len(samples):
        raise UnreadableAudio(f"{path} holds no audio: its length is 0 seconds.", "Record it again.")
    if not np.isfinite(samples).all():
        raise UnreadableAudio(f"{path} is damaged: it holds samples that are not numbers.", "Record or export it again.")
    return AudioChunk(mono(samples), rate)


def _reason(error: Exception) -> str:
    """libsndfile's own words, without the file name in front."""
    return str(error).rpartition(": ")[2].strip().rstrip(".").lower() or "unknown format"


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise UnreadableAudio(f"{path} is a folder, not an audio file.", _FORMATS)
        size = path.stat().st_size
        with path.open("rb") as source:
            head = source.read(65536)
    except FileNotFoundError as error:
        raise UnreadableAudio(f"There is no file {path}.", "Check the name.") from error
    except OSError as error:
        raise UnreadableAudio(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if size == 0:
        raise UnreadableAudio(f"{path} is empty (0 bytes).", "Record it again.")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        _check_wav(path, head, size)


def _check_wav(path: Path, head: bytes, size: int) -> None:
    """What libsndfile forgives or words badly: a rate of 0 Hz, and a file that ends before its header says so."""
    position = 12
    while position + 8 <= len(head):
        name, length = head[position : position + 4], struct.unpack_from("<I", head, position + 4)[0]
        body = position + 8
        if name == b"fmt " and body + 8 <= len(head) and struct.unpack_from("<I", head, body + 4)[0] == 0:
            raise UnreadableAudio(f"{path} claims a sample rate of 0 Hz.", "Record or export it again.")
        if name == b"data":
            if length < _UNKNOWN_SIZE and body + length > size:
                raise UnreadableAudio(
                    f"{path} is cut short: its header announces {length} bytes of sound, the file holds {size - body}.",
                    "Copy or record it again.",
                )
            return
        position = body + length + length % 2
    if size <= len(head):
        raise UnreadableAudio(f"{path} is cut short: it ends before its sound begins.", "Copy or record it again.")


def check_writable(path: Path) -> None:
    """Say before any work is done that `path` cannot be written; raises `UsageError`."""
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{path} is a folder; the answer needs a file name.", "Use --out ANSWER.wav.")
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} to write {path.name} into.", f"Create it: mkdir -p '{folder}'.")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(f"{path} cannot be written: permission denied.", "Choose another place with --out.")


class WavSink:
    """Collects a spoken answer and writes it as one WAV file, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._chunks: list[AudioChunk] = []

    async def write(self, chunk: SpokenChunk) -> None:
        self._chunks.append(chunk.audio)

    def samples(self) -> Samples:
        """All that was written so far, at 24 kHz, shape [n]."""
        if not self._chunks:
            return np.zeros(0, np.float32)
        whole = AudioChunk(np.concatenate([chunk.samples for chunk in self._chunks]), self._chunks[0].rate)
        return resample(whole, ANSWER_RATE).samples

    async def save(self) -> None:
        """Write the file. Raises `UsageError` when there is no room or no permission; the old file is then still there."""
        await anyio.to_thread.run_sync(write_wav, self.path, self.samples())


def write_wav(path: Path, samples: Samples, rate: int = ANSWER_RATE) -> None:
    """Write 16-bit mono WAV: to a temporary file beside `path`, then in one step to its place."""
    import soundfile

    encoded = io.BytesIO()  # soundfile does not pass on what goes wrong in a file that it writes
    soundfile.write(encoded, to_pcm16(samples), rate, format="WAV", subtype="PCM_16")
    try:
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as target:
                target.write(encoded.getbuffer())
            os.chmod(scratch, 0o666 & ~_umask())
            os.replace(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.", "Choose another place with --out."
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
