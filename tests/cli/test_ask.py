"""`assistant ask` as a user meets it: a process, its answer, its exit code and what it leaves behind."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import jiwer
import numpy as np
import pytest
import soundfile
from ask_process import COMMAND, FAST, QUESTION, Place, Run, bad_input, group, sentences

from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.core.errors import ModelMissing
from multimodal_assistant.core.types import Transcript
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.transports.file import read_audio

pytestmark = pytest.mark.timeout(240)
real = pytest.mark.models

KEYS = {"transcript", "language", "reply", "audio", "audio_seconds", "engines", "timings_ms", "peak_rss_mb"}
TIMINGS = {"load", "stt", "llm_first_token", "tts_first_audio", "first_audio", "total"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with TemporaryDirectory() as scratch:  # not in tmp_path: the path of a socket has to be short
        (tmp_path / "here").mkdir()
        yield Place(tmp_path / "here", Path(scratch))


def weights(name: str) -> Path:
    """The folder of a model; one that is missing fails the test with the command that fetches it."""
    try:
        return store_of(settings_from()).path(name)
    except ModelMissing as error:
        pytest.fail(str(error), pytrace=False)


def heard(path: Path) -> Transcript:
    """What the recognizer makes of an answer."""

    async def listen() -> Transcript:
        engine = WhisperEngine(model=weights("whisper-base"))
        try:
            return await engine.transcribe(read_audio(path))
        finally:
            await engine.aclose()

    return anyio.run(listen)


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def assert_answered(run: Run, out: Path) -> None:
    """One JSON object of the agreed shape, and the file it speaks of."""
    assert run.code == 0, run.err
    report = run.report
    assert set(report) == KEYS
    assert set(report["timings_ms"]) == TIMINGS
    assert set(report["engines"]) == {"stt", "llm", "tts", "vad"}
    assert all(details["engine"] and details["model"] for details in report["engines"].values())
    assert report["audio"] == str(out)
    assert report["reply"]
    assert report["language"] == "en"
    assert 50 < report["peak_rss_mb"] < 8000
    timings = report["timings_ms"]
    assert all(timings[name] > 0 for name in ("load", "llm_first_token", "tts_first_audio", "first_audio", "total"))
    assert timings["llm_first_token"] <= timings["first_audio"] <= timings["total"]
    about = soundfile.info(str(out))
    assert (about.samplerate, about.channels, about.format, about.subtype) == (24_000, 1, "WAV", "PCM_16")
    assert about.duration == pytest.approx(report["audio_seconds"], abs=0.05)
    assert about.duration > 0.3


@real
def test_a_recording_is_answered(place: Place) -> None:
    run = place.ask(QUESTION, *FAST, "--json", "--out", place.out)
    assert_answered(run, place.out)
    assert run.err == ""
    report = run.report
    assert "capital of france" in report["transcript"].lower()
    assert report["engines"]["llm"]["model"] == "smollm2-135m"
    assert "joe" in report["engines"]["tts"]["voice"]
    assert report["timings_ms"]["stt"] > 0
    assert sorted(path.name for path in place.folder.iterdir()) == ["answer.wav", "settings.toml"]


@real
def test_by_default_qwen_answers_with_the_voice_of_kokoro(place: Place) -> None:
    run = place.ask(QUESTION, "--json", "--out", place.out)
    assert_answered(run, place.out)
    report = run.report
    assert "capital of France" in report["transcript"]
    assert "Paris" in report["reply"]
    assert report["engines"]["llm"]["model"] == "qwen2.5-0.5b"
    assert report["engines"]["tts"]["engine"] == "kokoro"
    assert "paris" in plain(heard(place.out).text)


@real
def test_a_written_question_is_answered(place: Place) -> None:
    """The voice says what the reply says; the answer replaces the one before it."""
    place.out.write_bytes(b"old")
    run = place.ask("--text", "What is water?", *FAST, "--json", "--out", place.out, ASSISTANT_LLM__TEMPERATURE="0")
    assert_answered(run, place.out)
    assert run.report["transcript"] == "What is water?"
    assert jiwer.wer(plain(run.report["reply"]), plain(heard(place.out).text)) <= 0.25


@real
def test_for_people_it_shows_the_conversation_and_where_the_answer_is(place: Place) -> None:
    run = place.ask(QUESTION, *FAST)
    assert run.code == 0
    assert re.search(r"^You +What is the capital of France\?", run.out, re.MULTILINE)
    assert re.search(r"^Assistant +\S", run.out, re.MULTILINE)
    assert re.search(r"^Saved +answer\.wav +\(\d+\.\d s of speech\)", run.out, re.MULTILINE)
    assert "answer begins" in run.out
    assert "smollm2-135m" in run.err
    assert (place.folder / "answer.wav").is_file()


@real
def test_other_recordings_are_understood(place: Place) -> None:
    """Stereo, 44.1 kHz, FLAC, in a folder with a long and odd name."""
    samples, rate = soundfile.read(str(QUESTION), dtype="float32")
    positions = np.arange(0, len(samples) - 1, rate / 44_100)
    one = np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
    path = place.folder / ("ein langer Name ü ' " * 8) / "my question.flac"
    path.parent.mkdir()
    soundfile.write(str(path), np.stack([one, one], axis=1), 44_100)
    run = place.ask(path, *FAST, "--json", "--out", place.out)
    assert_answered(run, place.out)
    assert "capital of france" in run.report["transcript"].lower()


@real
def test_it_needs_no_network(place: Place) -> None:
    isolated = ("unshare", "--net", "--map-root-user")
    if shutil.which("unshare") is None or subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us make a network namespace")
    run = place.ask(QUESTION, *FAST, "--json", "--out", place.out, before=isolated)
    assert_answered(run, place.out)
    assert "capital of france" in run.report["transcript"].lower()


def assert_refused(run: Run, code: int, *named: str) -> None:
    """Nothing on standard output, one problem and one remedy on standard error."""
    assert run.code == code, (run.out, run.err)
    assert run.out == ""
    problem, *remedy = run.err.splitlines()
    assert problem.startswith("assistant: ")
    assert len(sentences(problem)) == 1 or len(problem) < 160, problem
    assert len(remedy) == 1, run.err
    assert remedy[0].strip()
    for name in named:
        assert name in run.err


@pytest.mark.parametrize(
    "arguments", [(), (QUESTION, "--text", "What is water?"), ("--text", ""), ("--text", "  \n")], ids=["neither", "both", "empty", "blank"]
)
def test_exactly_one_question_is_wanted(place: Place, arguments: tuple[object, ...]) -> None:
    assert_refused(place.ask(*arguments, "--json", "--out", place.out), 2, "--text")
    assert not place.out.exists()


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "cut short", "header only", "no rate", "ten hours", "folder"])
def test_what_is_no_recording_is_refused_before_a_model_is_loaded(place: Place, kind: str, tmp_path: Path) -> None:
    path = bad_input(kind, place.folder)
    run = place.ask(path, "--json", "--out", place.out, ASSISTANT_HOME=str(tmp_path / "no models"))
    assert_refused(run, 2, str(path))
    assert not place.out.exists()


@real
@pytest.mark.parametrize("kind", ["silence", "noise"])
def test_a_recording_without_speech_is_refused(place: Place, kind: str) -> None:
    path = bad_input(kind, place.folder)
    assert_refused(place.ask(path, *FAST, "--json", "--out", place.out), 2, str(path))
    assert not place.out.exists()


@pytest.mark.parametrize("out", ["nowhere/answer.wav", "here.wav"])
def test_an_answer_that_cannot_be_written_is_refused_at_once(place: Place, out: str, tmp_path: Path) -> None:
    (place.folder / "here.wav").mkdir()
    run = place.ask("--text", "What is water?", "--out", place.folder / out, ASSISTANT_HOME=str(tmp_path / "no models"))
    assert_refused(run, 2, str(place.folder / out).removesuffix("/answer.wav"))


@pytest.mark.parametrize("flag", ["--voice", "--llm", "--stt"])
def test_an_unknown_name_is_an_error_of_use(place: Place, flag: str) -> None:
    run = place.ask("--text", "What is water?", flag, "nonsense", "--json", "--out", place.out)
    assert_refused(run, 2, "nonsense")
    assert not place.out.exists()


@pytest.mark.parametrize("profile", ["balanced", "fast"])
def test_missing_models_are_named_with_the_command_that_fetches_them(place: Place, profile: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run = place.ask(QUESTION, "--profile", profile, "--json", "--out", place.out, ASSISTANT_HOME=str(empty))
    assert_refused(run, 3, "assistant models pull")
    assert not place.out.exists()
    assert list(empty.iterdir()) == []


def damaged_store(home: Path, broken: str) -> None:
    """A copy of the store that shares its files, but for one: of the same size, with a ruined beginning."""
    source = store_of(settings_from()).home / "models"
    (home / "models" / "blobs").mkdir(parents=True)
    for name in ("whisper-base", "smollm2-135m", "joe", "kokoro", "kokoro-voices"):
        for file in weights(name).rglob("*"):
            blob = home / "models" / "blobs" / file.resolve().name
            link = home / "models" / file.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            if file.name != broken:
                blob.symlink_to(file.resolve())
            else:
                shutil.copyfile(file, blob)
                with blob.open("r+b") as data:
                    data.write(b"\xff" * 4096)
            link.symlink_to(blob)


@real
@pytest.mark.parametrize(
    ("pattern", "model", "voice"),
    [
        ("model.bin", "whisper-base", "joe"),
        ("*.gguf", "smollm2-135m", "joe"),
        ("*.onnx", "joe", "joe"),
        ("*.json", "joe", "joe"),
        ("*.onnx", "kokoro", "af_heart"),
    ],
)
def test_a_damaged_model_is_named(place: Place, tmp_path: Path, pattern: str, model: str, voice: str) -> None:
    (file,) = weights(model).glob(pattern)
    damaged_store(tmp_path / "home", file.name)
    arguments = (QUESTION, "--llm", "smollm2-135m", "--voice", voice, "--json", "--out", place.out)
    run = place.ask(*arguments, ASSISTANT_HOME=str(tmp_path / "home"))
    assert_refused(run, 3)
    assert not place.out.exists()


def assert_gone(process: "subprocess.Popen[str]", place: Place) -> None:
    """It ends soon with the code of an interrupted command, says nothing more, and leaves nothing behind."""
    assert process.stderr is not None
    code = process.wait(timeout=15)
    assert "Traceback" not in process.stderr.read()
    assert code == 130
    assert group(process.pid) == []
    assert place.left_behind() == []
    assert not place.out.exists()


@real
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_before_the_models_are_loaded(place: Place, signal_number: signal.Signals) -> None:
    """The notes on standard error come right before it."""
    with place.started(QUESTION, "--out", place.out) as process:
        assert process.stderr is not None
        assert "Language model" in process.stderr.readline()
        os.kill(process.pid, signal_number)
        assert_gone(process, place)


@real
def test_interrupted_while_a_model_is_loaded(place: Place) -> None:
    """llama.cpp has a temporary folder while it loads, and cannot be interrupted."""
    with place.started("--text", "What is water?", "--voice", "joe", "--out", place.out) as process:
        while process.poll() is None and not list(place.scratch.glob("assistant-*")):
            pass
        os.kill(process.pid, signal.SIGINT)
        assert_gone(process, place)


@real
def test_interrupted_while_speaking(place: Place) -> None:
    """Two sentences of a long reply are written: the voice is at the first one."""
    question = ("--text", "Tell me a very long story about a dragon, a princess and a king.")
    with place.started(*question, "--llm", "smollm2-135m", "--out", place.out, ASSISTANT_LLM__MAX_TOKENS="2000") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        written = ""
        while len(re.findall(r"[.!?,] ", written.partition("Assistant")[2])) < 3:
            piece = process.stdout.read(1)
            assert piece, process.stderr.read()
            written += piece
        os.kill(process.pid, signal.SIGINT)
        assert_gone(process, place)


@real
def test_a_reader_that_leaves_is_no_mistake_of_the_program(place: Place) -> None:
    command = " ".join(f"'{part}'" for part in (*COMMAND, "--text", "What is water?", *FAST, "--out", str(place.out)))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | true"],
        capture_output=True,
        text=True,
        cwd=place.folder,
        env=place.environment(),
        timeout=170,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "mistake in the program" not in done.stderr


@real
def test_bytes_that_are_no_text_are_an_error_of_use(place: Place) -> None:
    done = subprocess.run(
        [*COMMAND, "--text", b"what is \xff\xfe?", *FAST, "--json", "--out", str(place.out)],
        capture_output=True,
        cwd=place.folder,
        env=place.environment(),
        timeout=170,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2), done.stderr


@real
def test_it_keeps_no_record_of_its_user(place: Place, tmp_path: Path) -> None:
    """Nothing appears in the home folder or among the temporary files: no device identifier, no queue of events to be sent."""
    user = tmp_path / "user"
    user.mkdir()
    home = str(store_of(settings_from()).home)
    run = place.ask("--text", "What is water?", *FAST, "--json", "--out", place.out, HOME=str(user), ASSISTANT_HOME=home)
    assert_answered(run, place.out)
    assert [path for path in user.rglob("*") if path.is_file()] == []
    assert list(place.scratch.iterdir()) == []
