"""Whisper with bounded context: words, languages, times, and when it must look twice."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import jiwer
import numpy as np
import pytest
from speech_lab import RECORDINGS, assert_in_order, kokoro_voice, recording, say, weights, words

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.errors import EngineFailed, ModelMissing
from multimodal_assistant.core.types import AudioChunk
from multimodal_assistant.engines.stt.whisper import DEFAULT_BOUNDS, FULL_CONTEXT, Bounds, WhisperEngine
from multimodal_assistant.engines.tts.kokoro import KokoroVoice

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(180)]

Engines = Callable[..., WhisperEngine]

LONGER = (
    "We walked along the river until it was dark, and then we took the bus back to the city.",
    "My sister bought a new car last week, because the old one did not start in the morning.",
    "Please close the door when you leave, and do not forget to turn off the light in the kitchen.",
    "It was raining the whole afternoon, so I stayed at home and read a long book about the sea.",
    "Nobody knew the answer to her question, but everybody had something to say about it.",
    "The children are playing in the garden.",
)
"""Together with the recordings more than the thirty seconds of one window."""


@pytest.fixture
def whisper() -> Iterator[Engines]:
    """Builds engines that are closed after the test."""
    made: list[WhisperEngine] = []

    def build(model: Path, bounds: Bounds = DEFAULT_BOUNDS) -> WhisperEngine:
        made.append(WhisperEngine(model=model, bounds=bounds))
        return made[-1]

    yield build
    for engine in made:
        anyio.run(engine.aclose)


def hiss(seconds: float, level: float) -> AudioChunk:
    noise = np.random.default_rng(0).standard_normal(round(seconds * SPEECH_RATE))
    return AudioChunk((level * noise).astype(np.float32), SPEECH_RATE)


def quiet(seconds: float) -> AudioChunk:
    return AudioChunk(np.zeros(round(seconds * SPEECH_RATE), np.float32), SPEECH_RATE)


@pytest.mark.parametrize(("name", "text"), RECORDINGS.items())
async def test_recorded_speech(whisper_base: WhisperEngine, name: str, text: str) -> None:
    audio = recording(name)
    transcript = await whisper_base.transcribe(audio)
    assert jiwer.wer(text, words(transcript.text)) <= 0.13  # one word of eight: whisper-base hears "ill-sposed"
    assert transcript.language == "en"
    assert transcript.language_probability > 0.9
    assert transcript.average_log_probability > -0.5
    assert transcript.no_speech_probability < 0.3
    assert transcript.seconds == pytest.approx(audio.seconds)
    assert not transcript.rerun
    assert transcript.words == ()


@pytest.mark.parametrize("name", ["af_heart", "am_michael", "bf_emma"])
async def test_generated_speech(whisper_base: WhisperEngine, name: str) -> None:
    sentence = "How long does it take to boil an egg?"
    voice = kokoro_voice(name)
    transcript = await whisper_base.transcribe(await say(voice, sentence))
    await voice.aclose()
    assert words(transcript.text) == words(sentence)
    assert transcript.text.endswith("?")
    assert (transcript.language, transcript.rerun) == ("en", False)


@pytest.mark.parametrize(
    ("voice", "language", "sentence"),
    [
        ("ff_siwis", "fr", "Bonjour, je voudrais un café avec du lait, s'il vous plaît."),
        ("ef_dora", "es", "Buenos días, me gustaría tomar un café con leche, por favor."),
    ],
)
async def test_other_languages_are_recognized(whisper_base: WhisperEngine, voice: str, language: str, sentence: str) -> None:
    tts = kokoro_voice(voice)
    audio = await say(tts, sentence)
    await tts.aclose()
    transcript = await whisper_base.transcribe(audio, words=True)
    assert transcript.language == language
    assert transcript.language_probability > 0.8
    assert jiwer.wer(words(sentence), words(transcript.text)) <= 0.2
    assert_in_order(transcript)


@pytest.mark.parametrize(
    ("voice", "said", "expected", "language"),
    [
        ("am_michael", "Yes.", "en", "en"),  # Greek, if nothing is expected
        ("ff_siwis", "Oui.", "fr", "fr"),  # Arabic
        ("ef_dora", "¿Y mañana?", "es", "es"),  # Hebrew
        ("ff_siwis", "Peux-tu me dire à quelle distance se trouve la lune ce soir ?", "en", "fr"),
        ("am_michael", "Can you tell me how far away the moon is tonight?", "fr", "en"),
        ("ff_siwis", "Peux-tu me dire à quelle distance se trouve la lune ce soir ?", "xx", "fr"),
    ],
)
async def test_a_language_is_expected_until_another_is_certain(
    whisper_base: WhisperEngine, voice: str, said: str, expected: str, language: str
) -> None:
    tts = kokoro_voice(voice)
    audio = await say(tts, said)
    await tts.aclose()
    transcript = await whisper_base.transcribe(audio, expected=expected)
    assert transcript.language == language
    assert 0.0 < transcript.language_probability < 1.0


async def test_the_language_may_be_given(whisper_base: WhisperEngine) -> None:
    audio = recording("librivox-0930.wav")
    given = await whisper_base.transcribe(audio, language="en")
    assert (given.language, given.language_probability) == ("en", 1.0)
    assert words(given.text) == RECORDINGS["librivox-0930.wav"]
    forced = await whisper_base.transcribe(audio, language="de")
    assert forced.language == "de"
    assert words(forced.text) != words(given.text)


@pytest.mark.parametrize("seconds", [1.0, 31.0])
async def test_a_language_it_does_not_know_is_an_error_with_a_remedy(whisper_base: WhisperEngine, seconds: float) -> None:
    with pytest.raises(EngineFailed) as failure:
        await whisper_base.transcribe(hiss(seconds, 0.01), language="xx")
    assert "'xx'" in failure.value.problem
    assert "ISO 639-1" in failure.value.remedy


@pytest.mark.parametrize("name", RECORDINGS)
async def test_words_have_times(whisper_base: WhisperEngine, name: str) -> None:
    transcript = await whisper_base.transcribe(recording(name), words=True)
    assert words(" ".join(word.text for word in transcript.words)) == words(transcript.text)
    assert_in_order(transcript)
    assert transcript.words[-1].end > 0.6 * transcript.seconds


async def test_words_shift_with_the_audio(whisper_base: WhisperEngine) -> None:
    speech = recording("librivox-0930.wav")
    plain = await whisper_base.transcribe(speech, words=True)
    late = await whisper_base.transcribe(AudioChunk(np.concatenate([quiet(1.5).samples, speech.samples]), SPEECH_RATE), words=True)
    assert [word.text for word in late.words] == [word.text for word in plain.words]
    shifts = [after.end - before.end for before, after in zip(plain.words, late.words, strict=True)]
    assert np.median(shifts) == pytest.approx(1.5, abs=0.1)


async def test_times_of_imagined_words_lie_within_the_audio(whisper_base: WhisperEngine) -> None:
    assert_in_order(await whisper_base.transcribe(quiet(2.0), words=True))


@pytest.mark.parametrize(
    ("bounds", "seconds", "context"),
    [
        (DEFAULT_BOUNDS, 0.0, 400),
        (DEFAULT_BOUNDS, 2.0, 400),
        (DEFAULT_BOUNDS, 2.02, 401),
        (DEFAULT_BOUNDS, 10.0, 800),
        (DEFAULT_BOUNDS, 24.0, 1500),
        (DEFAULT_BOUNDS, 30.0, FULL_CONTEXT),
        (Bounds(margin=0, least=64), 1.0, 64),
    ],
)
def test_context_follows_the_length_of_the_audio(bounds: Bounds, seconds: float, context: int) -> None:
    assert bounds.context(seconds) == context


async def test_a_short_utterance_stays_in_its_bounds(whisper_base: WhisperEngine, kokoro: KokoroVoice) -> None:
    """One second of speech is understood from 8 s of context; the padded pass (30 s) is not needed."""
    audio = await say(kokoro, "Turn on the light.")
    assert audio.seconds < 2.0
    transcript = await whisper_base.transcribe(audio)
    assert words(transcript.text) == "turn on the light"
    assert not transcript.rerun


async def test_what_is_not_believed_is_decoded_again_in_full(whisper: Engines) -> None:
    """No transcript has a log probability above zero, so each is decoded twice; the second pass is the one that counts."""
    doubtful = whisper(weights("whisper-base"), bounds=Bounds(log_probability=0.0))
    audio = recording("librivox-0930.wav")
    transcript = await doubtful.transcribe(audio, words=True)
    assert transcript.rerun
    assert words(transcript.text) == RECORDINGS["librivox-0930.wav"]
    assert_in_order(transcript)


async def test_too_little_context_is_noticed_and_mended(whisper: Engines, kokoro: KokoroVoice) -> None:
    """Without silence after the speech the small model repeats itself or trails off; the padded pass puts it right."""
    starved = whisper(weights("whisper-tiny.en"), bounds=Bounds(margin=0, least=64))
    sentences = ("What is the capital of France?", "He might even have been made amiable himself.", "Turn on the light.")
    transcripts = [await starved.transcribe(await say(kokoro, sentence)) for sentence in sentences]
    assert any(transcript.rerun for transcript in transcripts)
    for sentence, transcript in zip(sentences, transcripts, strict=True):
        if transcript.rerun:
            assert words(transcript.text) == words(sentence)


@pytest.mark.parametrize("audio", [quiet(0.0), quiet(1 / SPEECH_RATE), quiet(2.0), hiss(2.0, 0.05), hiss(3.0, 0.3)])
async def test_without_speech_it_says_so(whisper_base: WhisperEngine, audio: AudioChunk) -> None:
    """Whisper imagines a word in silence; its own doubt is part of the result."""
    transcript = await whisper_base.transcribe(audio)
    assert not transcript.text or transcript.no_speech_probability > 0.6
    assert len(transcript.text.split()) <= 5
    assert math.isfinite(transcript.average_log_probability)


async def test_a_hurried_speaker_is_heard_to_the_last_word(whisper_base: WhisperEngine) -> None:
    """There must be room for twice the usual number of tokens a second."""
    sentence = LONGER[2]
    voice = kokoro_voice("af_heart", speed=2.0)
    audio = await say(voice, sentence)
    await voice.aclose()
    assert len(sentence.split()) / audio.seconds > 5.0
    transcript = await whisper_base.transcribe(audio)
    assert words(transcript.text).endswith("turn off the light in the kitchen")
    assert not transcript.rerun


async def test_what_the_smallest_model_says_twice_is_said_once_without_a_second_look(whisper: Engines) -> None:
    tiny, voice = whisper(weights("whisper-tiny.en")), kokoro_voice("bf_emma")
    sentence = "Can you speak Italian?"
    audio = await say(voice, sentence)
    await voice.aclose()
    for lead in (0.1, 0.2, 0.3):
        longer = AudioChunk(np.concatenate([quiet(lead).samples, audio.samples]), SPEECH_RATE)
        transcript = await tiny.transcribe(longer, words=True)
        assert words(transcript.text) == words(sentence)
        assert len(transcript.words) == 4
        assert not transcript.rerun


async def test_more_than_one_window_is_transcribed_whole(whisper_base: WhisperEngine, kokoro: KokoroVoice) -> None:
    parts = {text: recording(name) for name, text in RECORDINGS.items()}
    parts |= {sentence: await say(kokoro, sentence) for sentence in LONGER}
    pause = quiet(0.4).samples
    audio = AudioChunk(np.concatenate([samples for part in parts.values() for samples in (part.samples, pause)]), SPEECH_RATE)
    assert audio.seconds > 30.0
    transcript = await whisper_base.transcribe(audio, words=True)
    assert jiwer.wer(words(" ".join(parts)), words(transcript.text)) <= 0.15
    assert words(transcript.text).endswith("garden")
    assert transcript.language == "en"
    assert not transcript.rerun
    assert transcript.seconds == pytest.approx(audio.seconds)
    assert transcript.words[-1].end > 30.0
    assert_in_order(transcript)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
async def test_other_sample_rates(whisper_base: WhisperEngine, rate: int) -> None:
    audio = resample(recording("librivox-0930.wav"), rate)
    transcript = await whisper_base.transcribe(audio)
    assert words(transcript.text) == RECORDINGS["librivox-0930.wav"]
    assert transcript.seconds == pytest.approx(audio.seconds, abs=0.01)


async def test_the_english_model_speaks_only_english(whisper: Engines) -> None:
    tiny = whisper(weights("whisper-tiny.en"))
    transcript = await tiny.transcribe(recording("librivox-0930.wav"), language="de")
    assert (transcript.language, transcript.language_probability) == ("en", 1.0)
    assert words(transcript.text) == RECORDINGS["librivox-0930.wav"]


async def test_the_same_audio_gives_the_same_transcript(whisper_base: WhisperEngine) -> None:
    audio = recording("librivox-0880.wav")
    first = await whisper_base.transcribe(audio, words=True)
    assert await whisper_base.transcribe(audio, words=True) == first


async def test_a_cancelled_call_leaves_the_engine_usable(whisper_base: WhisperEngine) -> None:
    audio = recording("librivox-0930.wav")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(whisper_base.transcribe, audio)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert words((await whisper_base.transcribe(audio)).text) == RECORDINGS["librivox-0930.wav"]


@pytest.mark.parametrize("folder", ["", "nowhere"])
async def test_a_folder_without_weights_is_a_missing_model(whisper: Engines, tmp_path: Path, folder: str) -> None:
    with pytest.raises(ModelMissing) as failure:
        await whisper(tmp_path / folder).warm()
    assert "assistant models pull" in failure.value.remedy


@pytest.mark.parametrize("size", [0, 1_000, 20_000_000])
async def test_damaged_weights_are_a_failure_with_a_remedy(whisper: Engines, tmp_path: Path, size: int) -> None:
    for file in weights("whisper-tiny.en").iterdir():
        (tmp_path / file.name).symlink_to(file.resolve())
    whole = (tmp_path / "model.bin").resolve()
    (tmp_path / "model.bin").unlink()
    with whole.open("rb") as source:
        (tmp_path / "model.bin").write_bytes(source.read(size))
    with pytest.raises(EngineFailed) as failure:
        await whisper(tmp_path).warm()
    assert str(tmp_path) in failure.value.problem
    assert "assistant models verify" in failure.value.remedy
