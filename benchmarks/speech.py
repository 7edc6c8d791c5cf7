"""Utterances with known words: synthesized by several voices, with noise, and recorded ones from a Debian package."""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import numpy as np
import soundfile

from multimodal_assistant.app import settings_from, store_of
from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import AudioChunk, Samples
from multimodal_assistant.engines.tts.kokoro import KokoroVoice
from multimodal_assistant.engines.tts.vits import VitsVoice
from multimodal_assistant.transports.file import read_audio

VOICES = ("af_heart", "am_michael", "bf_emma", "joe", "af_nicole", "bm_george", "am_fenrir", "af_bella")

SENTENCES = (
    "Hello there.",
    "What time is it?",
    "Turn off the kitchen light, please.",
    "How long does it take to boil an egg?",
    "Remind me to call my sister tomorrow evening.",
    "What is the capital of Australia?",
    "Can you play some quiet music while I cook?",
    "I left my glasses on the table next to the sofa.",
    "Is it going to rain this afternoon?",
    "Tell me a short story about a fox and a river.",
    "Why is the sky blue during the day and red in the evening?",
    "Stop.",
    "Yes, that would be lovely, thank you.",
    "Which planet is closest to the sun?",
    "My brother moved to Portugal last summer.",
    "Add milk, bread and butter to the shopping list.",
    "Who wrote the book about the white whale?",
    "The train to the airport leaves from platform nine.",
    "How do you say good morning in Italian?",
    "I think I would like to learn the piano.",
    "Open the window a little, it is warm in here.",
    "What did we talk about yesterday?",
    "Set a timer for the pasta.",
    "She said the garden looks better than it did in spring.",
)

NOISES = (("clean", None), ("20 dB", 20.0), ("10 dB", 10.0))
"""Pink noise at these signal-to-noise ratios."""

RECORDED_PACKAGE = "pocketsphinx-testdata"
"""Debian package with recordings: LibriVox readings (public domain) and CMU test utterances (BSD)."""

_LIBRIVOX = "librivox/sense_and_sensibility_01_austen_64kb"
RECORDED_TEXTS = {
    "goforward.raw": "go forward ten meters",
    f"{_LIBRIVOX}-0870.wav": (
        "and mister john dashwood had then leisure to consider how much there might be prudently in his power to do for them"
    ),
    f"{_LIBRIVOX}-0880.wav": "he was not an ill disposed young man",
    f"{_LIBRIVOX}-0890.wav": "unless to be rather cold hearted and rather selfish is to be ill disposed",
    f"{_LIBRIVOX}-0920.wav": "had he married a more amiable woman he might have been made still more respectable than he was",
    f"{_LIBRIVOX}-0930.wav": "he might even have been made amiable himself",
    "cards/001.wav": "ten of clubs",
    "cards/002.wav": "four queen of clubs",
    "cards/003.wav": "seven of clubs",
    "cards/005.wav": "eight of spades four of clubs seven of hearts",
}
"""Recording → its words, from the package's own transcriptions."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Audio at 16 kHz and the words in it."""

    text: str
    audio: AudioChunk
    voice: str
    noise: str


def voice(name: str, *, streamed: bool = True) -> TextToSpeech:
    """A voice of the store. Kokoro not streamed: each clause in one piece, and nothing is learnt in the background."""
    settings = settings_from()
    store = store_of(settings)
    cache = settings.home / "derived"
    if name == "joe":
        return VitsVoice(model=store.path("joe") / "en_US-joe-medium.onnx", cache=cache)
    return KokoroVoice(
        model=store.path("kokoro") / "kokoro-v1.0.int8.onnx",
        voices=store.path("kokoro-voices"),
        cache=cache,
        voice=name,
        streamed=streamed,
    )


async def say(tts: TextToSpeech, text: str) -> AudioChunk:
    """One sentence at 16 kHz, with 0.15 s of silence before and after."""
    pieces = [chunk.audio.samples async for chunk in tts.speak(text)]
    spoken = resample(AudioChunk(np.concatenate(pieces), tts.rate), SPEECH_RATE).samples
    quiet = np.zeros(round(0.15 * SPEECH_RATE), np.float32)
    return AudioChunk(np.concatenate([quiet, spoken, quiet]), SPEECH_RATE)


async def synthesized(folder: Path) -> list[Utterance]:
    """Every sentence by one voice (they take turns), clean and at each noise level; kept in `folder` between runs."""
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    clean: dict[int, AudioChunk] = {}
    for offset, name in enumerate(VOICES):
        mine = range(offset, len(SENTENCES), len(VOICES))
        files = {index: folder / f"{index:02}-{name}.wav" for index in mine}
        if not all(file.is_file() for file in files.values()):
            tts = voice(name)
            for index, file in files.items():
                soundfile.write(str(file), (await say(tts, SENTENCES[index])).samples, SPEECH_RATE)
            await tts.aclose()
        for index, file in files.items():
            clean[index] = read_audio(file)
    return [
        Utterance(SENTENCES[index], with_noise(clean[index], ratio, seed=index), VOICES[index % len(VOICES)], noise)
        for index in sorted(clean)
        for noise, ratio in NOISES
    ]


def with_noise(audio: AudioChunk, ratio: float | None, *, seed: int) -> AudioChunk:
    """Pink noise added at `ratio` decibels below the speech."""
    if ratio is None:
        return audio
    noise = pink(len(audio.samples), seed)
    level = np.sqrt(np.mean(np.square(audio.samples)) / np.mean(np.square(noise)) / 10 ** (ratio / 10))
    return AudioChunk((audio.samples + level * noise).astype(np.float32), audio.rate)


def pink(length: int, seed: int) -> Samples:
    """Noise whose power falls with frequency, shape [length]."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    return np.fft.irfft(spectrum, length).astype(np.float32)


def recorded() -> list[Utterance]:
    """Real recordings, fetched with the machine's own package client; none where that is not Debian's."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            subprocess.run(["apt-get", "download", RECORDED_PACKAGE], cwd=scratch, check=True, capture_output=True)
            archive = next(Path(scratch).glob("*.deb"))
            subprocess.run(["dpkg-deb", "-x", str(archive), scratch], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError, StopIteration):
            return []
        return list(_recordings(Path(scratch) / "usr/share/pocketsphinx/test/data"))


def _recordings(folder: Path) -> Iterator[Utterance]:
    for name, text in RECORDED_TEXTS.items():
        if name.endswith(".raw"):
            samples = np.fromfile(folder / name, "<i2").astype(np.float32) / np.float32(32768)
            yield Utterance(text, AudioChunk(samples, 16_000), "recorded", "recorded")
        else:
            yield Utterance(text, resample(read_audio(folder / name), SPEECH_RATE), "recorded", "recorded")
