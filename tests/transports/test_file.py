"""Audio files as people have them: good, odd and broken ones; and answers that are written whole or not at all."""

import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from multimodal_assistant.core.audio import dbfs
from multimodal_assistant.core.errors import AssistantError, UnreadableAudio, UsageError
from multimodal_assistant.core.types import AudioChunk, Samples, SpokenChunk
from multimodal_assistant.transports.file import ANSWER_RATE, WavSink, check_writable, read_audio, write_wav

RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)
NOBODY = 65_534


def tone(rate: int, seconds: float = 0.5, channels: int = 1) -> NDArray[np.float32]:
    """[n, channels], at -9 dBFS."""
    time = np.arange(round(rate * seconds)) / rate
    return np.repeat((0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)[:, None], channels, axis=1)


def written(path: Path, rate: int = 16_000, channels: int = 1, subtype: str | None = None) -> Path:
    soundfile.write(path, tone(rate, channels=channels), rate, subtype=subtype)  # pyright: ignore[reportUnknownMemberType]
    return path


def chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
    """A chunk of a RIFF file; `length` is what it claims to hold."""
    return name + struct.pack("<I", len(body) if length is None else length) + body + b"\0" * (len(body) % 2)


def fmt(rate: int = 16_000, channels: int = 1, bits: int = 16) -> bytes:
    width = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", 1, channels, rate, rate * width, width, bits))


def wav(*chunks: bytes, length: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return chunk(b"RIFF", body, length)


SOUND = (tone(16_000)[:, 0] * 32_767).astype("<i2").tobytes()


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def check_words(error: AssistantError, path: Path) -> None:
    """One sentence that names the file, and a remedy."""
    for text in (error.problem, error.remedy):
        assert text.endswith(".")
        assert not text.endswith("..")
        assert "\n" not in text
    assert str(path) in error.problem
    assert ". " not in error.problem.replace(str(path), "")
    assert "Error" not in error.problem


def refusal(path: Path) -> str:
    """Why the file cannot be read."""
    with pytest.raises(UnreadableAudio) as caught:
        read_audio(path)
    assert type(caught.value) is UnreadableAudio
    check_words(caught.value, path)
    return caught.value.problem.replace(str(path), "FILE")


@contextmanager
def without_privileges() -> Generator[None]:
    """For root, whom no permission stops: as somebody else for a while."""
    if os.geteuid() != 0 or not hasattr(os, "setresuid"):
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may enter (pytest's own may not)."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


# What can be read.


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_and_channel_count_is_read_as_mono_at_its_own_rate(tmp_path: Path, rate: int, channels: int) -> None:
    audio = read_audio(written(tmp_path / "a question.wav", rate, channels))
    assert (audio.rate, audio.start) == (rate, 0)
    assert audio.samples.shape == (rate // 2,)
    assert audio.samples.dtype == np.float32
    assert dbfs(audio.samples) == pytest.approx(-9.03, abs=0.1)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"])
def test_any_sample_format_of_wav_is_read(tmp_path: Path, subtype: str) -> None:
    audio = read_audio(written(tmp_path / "question.wav", subtype=subtype))
    assert audio.seconds == pytest.approx(0.5, abs=0.05)
    assert dbfs(audio.samples) == pytest.approx(-9.03, abs=0.5)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff"])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_other_formats_are_read(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    audio = read_audio(written(tmp_path / f"question.{suffix}", rate, channels))
    assert audio.rate == rate
    assert audio.seconds == pytest.approx(0.5, abs=0.15)  # MP3 pads
    middle = audio.samples[len(audio.samples) // 4 : len(audio.samples) // 2]
    assert dbfs(middle) == pytest.approx(-9.03, abs=1.0)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = written(tmp_path / "question.flac")
    assert read_audio(path.rename(tmp_path / "question.txt")).seconds == 0.5


def test_opposite_channels_cancel(tmp_path: Path) -> None:
    stereo = tone(16_000, channels=2) * np.array([1, -1], np.float32)
    soundfile.write(tmp_path / "q.wav", stereo, 16_000, subtype="FLOAT")  # pyright: ignore[reportUnknownMemberType]
    assert not read_audio(tmp_path / "q.wav").samples.any()


@pytest.mark.parametrize(
    "length",
    [0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFF - 36],
    ids=["2 GB", "4 GB", "sox", "arecord", "4 GB less its header"],
)
def test_a_recorder_that_wrote_to_a_pipe_could_not_know_the_length(tmp_path: Path, length: int) -> None:
    content = wav(fmt(), chunk(b"data", SOUND, length), length=min(length + 36, 0xFFFFFFFF))
    audio = read_audio(saved(tmp_path / "piped.wav", content))
    assert audio.seconds == 0.5
    assert dbfs(audio.samples) == pytest.approx(-9.03, abs=0.1)


@pytest.mark.parametrize("size", [4, 7, 26, 70_001])
def test_chunks_before_and_after_the_sound_are_skipped(tmp_path: Path, size: int) -> None:
    extra = chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"x" * size)), chunk(b"junk", b"y" * (size + 1))
    content = wav(fmt(), *extra, chunk(b"data", SOUND), *extra)
    np.testing.assert_array_equal(
        read_audio(saved(tmp_path / "tagged.wav", content)).samples,
        read_audio(saved(tmp_path / "plain.wav", wav(fmt(), chunk(b"data", SOUND)))).samples,
    )


def test_ten_minutes_are_not_too_long(tmp_path: Path) -> None:
    assert read_audio(sparse(tmp_path / "long.wav", seconds=600)).seconds == 600


# What cannot.


def sparse(path: Path, *, seconds: int, rate: int = 8_000) -> Path:
    """A WAV of silence that takes no room on the disk."""
    length = 2 * rate * seconds
    head = wav(fmt(rate), chunk(b"data", b"", length), length=length + 36)
    path.write_bytes(head)
    os.truncate(path, len(head) + length)
    return path


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "question.wav") == "There is no file FILE."


def test_a_file_in_a_missing_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no" / "question.wav") == "There is no file FILE."


def test_a_file_below_a_file(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(written(tmp_path / "a.wav") / "question.wav")


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "FILE is a folder, not an audio file."


def test_an_empty_file(tmp_path: Path) -> None:
    assert refusal(saved(tmp_path / "question.wav", b"")) == "FILE is empty (0 bytes)."


def test_a_file_without_permission(public: Path) -> None:
    path = written(public / "question.wav")
    path.chmod(0)
    with without_privileges():
        assert refusal(path) == "FILE cannot be read: Permission denied."


@pytest.mark.parametrize(
    "content", [b"This is a shopping list.\n", b"R", b"RIFF", b"RIFFxxxxWAVE", b"\0" * 5_000, b"fLaC", b"OggS", b"ID3"]
)
def test_what_is_no_audio_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    assert refusal(saved(tmp_path / "question.wav", content)).startswith("FILE is ")


def test_a_text_is_called_no_audio(tmp_path: Path) -> None:
    assert "is not audio" in refusal(saved(tmp_path / "question.wav", b"This is a shopping list.\n"))


@pytest.mark.parametrize("keep", [1, 100, 5_000, len(SOUND) - 1])
def test_a_wav_that_ends_too_early(tmp_path: Path, keep: int) -> None:
    whole = wav(fmt(), chunk(b"data", SOUND))
    problem = refusal(saved(tmp_path / "question.wav", whole[: 44 + keep]))
    assert problem == f"FILE is cut short: its header announces {len(SOUND)} bytes of sound, the file holds {keep}."


@pytest.mark.parametrize("keep", [13, 20, 36, 40])
def test_a_wav_that_ends_in_its_header(tmp_path: Path, keep: int) -> None:
    assert (
        refusal(saved(tmp_path / "question.wav", wav(fmt(), chunk(b"data", SOUND))[:keep]))
        == "FILE is cut short: it ends before its sound begins."
    )


def test_a_wav_without_sound(tmp_path: Path) -> None:
    assert refusal(saved(tmp_path / "question.wav", wav(fmt(), chunk(b"data", b"")))) == "FILE holds no audio: its length is 0 seconds."


def test_a_wav_with_a_rate_of_zero(tmp_path: Path) -> None:
    assert refusal(saved(tmp_path / "question.wav", wav(fmt(rate=0), chunk(b"data", SOUND)))) == "FILE claims a sample rate of 0 Hz."


@pytest.mark.parametrize(("seconds", "length"), [(36_000, "10.0 hours"), (720, "12 minutes")])
def test_a_recording_that_is_far_too_long_is_not_even_read(tmp_path: Path, seconds: int, length: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(sparse(tmp_path / "question.wav", seconds=seconds)) == f"FILE is {length} long; a question may take 10 minutes."
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000 * (1024 if sys.platform == "darwin" else 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    samples = tone(16_000)
    samples[100] = value
    soundfile.write(tmp_path / "question.wav", samples, 16_000, subtype="FLOAT")  # pyright: ignore[reportUnknownMemberType]
    assert refusal(tmp_path / "question.wav") == "FILE is damaged: it holds samples that are not numbers."


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.9])
def test_a_truncated_compressed_file_is_refused_or_gives_what_there_is(tmp_path: Path, suffix: str, keep: float) -> None:
    path = written(tmp_path / f"question.{suffix}")
    os.truncate(path, int(path.stat().st_size * keep))
    try:
        audio = read_audio(path)
    except UnreadableAudio as error:
        check_words(error, path)
    else:
        assert 0 < audio.seconds <= 0.6


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "wav"])
def test_damage_in_the_middle_never_shows_as_anything_but_unreadable_audio(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"question.{suffix}")
    content = bytearray(path.read_bytes())
    damage = np.random.default_rng(7)
    for _ in range(20):
        for place in damage.integers(0, len(content), 30):
            content[place] = int(damage.integers(0, 256))
        path.write_bytes(content)
        try:
            assert np.isfinite(read_audio(path).samples).all()
        except UnreadableAudio as error:
            check_words(error, path)


# Where an answer can be written.


def test_a_good_place_is_no_error(tmp_path: Path) -> None:
    check_writable(tmp_path / "answer.wav")
    check_writable(written(tmp_path / "old.wav"))


@pytest.mark.parametrize("name", ["", "no/such/folder/answer.wav"])
def test_a_bad_place_is_told_before_any_work_is_done(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError) as caught:
        check_writable(path)
    assert caught.value.exit_code == 2
    assert str(path if not name else path.parent) in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize("locked", ["folder", "file"])
def test_a_place_without_permission_is_told_before_any_work_is_done(public: Path, locked: str) -> None:
    path = written(public / "answer.wav")
    (path if locked == "file" else public).chmod(0o555)
    with without_privileges(), pytest.raises(UsageError) as caught:
        check_writable(path)
    check_words(caught.value, path)
    assert "permission denied" in caught.value.problem


# Writing it.


def spoken(samples: Samples, rate: int) -> SpokenChunk:
    return SpokenChunk(AudioChunk(samples, rate), "text")


async def answered(path: Path, rate: int = ANSWER_RATE, seconds: float = 0.5) -> None:
    sink = WavSink(path)
    samples = tone(rate, seconds)[:, 0]
    for part in np.array_split(samples, 7):
        await sink.write(spoken(part, rate))
    await sink.save()


@pytest.mark.anyio
@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
async def test_an_answer_is_16_bit_mono_at_24_khz_whatever_the_voice_speaks_at(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "an answer.wav"
    await answered(path, rate)
    info = soundfile.info(str(path))
    assert (info.samplerate, info.channels, info.subtype, info.format) == (24_000, 1, "PCM_16", "WAV")
    audio = read_audio(path)
    assert audio.seconds == pytest.approx(0.5, abs=0.001)
    assert dbfs(audio.samples) == pytest.approx(-9.03, abs=0.1)
    assert os.listdir(tmp_path) == ["an answer.wav"]


@pytest.mark.anyio
async def test_an_answer_without_sound_is_a_file_of_no_length(tmp_path: Path) -> None:
    await WavSink(tmp_path / "answer.wav").save()
    assert soundfile.info(str(tmp_path / "answer.wav")).frames == 0


@pytest.mark.anyio
async def test_an_answer_replaces_the_old_file_and_has_ordinary_permissions(tmp_path: Path) -> None:
    path = saved(tmp_path / "answer.wav", b"old")
    await answered(path)
    assert read_audio(path).seconds == 0.5
    other = saved(tmp_path / "other", b"")
    assert path.stat().st_mode == other.stat().st_mode


def check_failure(error: UsageError, path: Path, words: str) -> None:
    check_words(error, path)
    assert words in error.problem
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_without_permission_keeps_the_old_file(public: Path) -> None:
    path = saved(public / "answer.wav", b"old")
    public.chmod(0o555)
    with without_privileges(), pytest.raises(UsageError) as caught:
        write_wav(path, tone(ANSWER_RATE)[:, 0])
    check_failure(caught.value, path, "Permission denied")


@pytest.mark.parametrize("seconds", [0.5, 5.0, 60.0])
def test_a_limit_on_file_sizes_keeps_the_old_file(tmp_path: Path, seconds: float) -> None:
    path = saved(tmp_path / "answer.wav", b"old")
    samples = tone(ANSWER_RATE, seconds)[:, 0]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(UsageError) as caught:
            write_wav(path, samples)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    check_failure(caught.value, path, "File too large")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 kB, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no permission to mount; the limit on file sizes is tested")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("seconds", [0.5, 60.0])
def test_a_full_disk_keeps_the_old_file(tiny_disk: Path, seconds: float) -> None:
    path = saved(tiny_disk / "answer.wav", b"old")
    with pytest.raises(UsageError) as caught:
        write_wav(path, tone(ANSWER_RATE, seconds)[:, 0])
    check_failure(caught.value, path, "No space left on device")


@pytest.mark.parametrize("moment", ["tempfile.mkstemp", "os.chmod", "os.rename"])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_kill_while_writing_leaves_no_partial_answer(tmp_path: Path, moment: str, old: bytes | None) -> None:
    """The process kills itself at a step of the writing, which Python's audit events tell."""
    path = tmp_path / "answer.wav"
    if old is not None:
        path.write_bytes(old)
    program = f"""
import os, signal, sys
from pathlib import Path
import numpy as np
import soundfile
from multimodal_assistant.transports.file import write_wav
sys.addaudithook(lambda event, arguments: os.kill(os.getpid(), signal.SIGKILL) if event == {moment!r} else None)
write_wav(Path({str(path)!r}), np.zeros(24_000, np.float32))
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (path.read_bytes() if path.exists() else None) == old
