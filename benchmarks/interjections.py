"""What is said or heard over the assistant: interruptions, words of a listener, coughs, claps and doors; kept in the bench folder."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import numpy as np
import soundfile

from multimodal_assistant.core.audio import SPEECH_RATE
from multimodal_assistant.core.types import Samples
from multimodal_assistant.transports.file import read_audio

from .overlaps import Interjection
from .speech import say, voice

SPEAKERS = ("af_heart", "am_michael", "bf_emma", "bm_george", "am_fenrir")

INTERRUPTIONS = (
    "Stop.",
    "Wait a second, that is not what I meant.",
    "No, tell me about cats instead.",
    "Hold on, please.",
    "Actually, what time is it?",
    "Can you say that again?",
    "That is enough, thank you.",
    "Okay, but what about the weather?",
    "Never mind, play some music.",
    "I wanted to hear something else.",
)

BACKCHANNELS = ("Yeah.", "Right.", "Okay.", "Uh-huh.", "I see.", "Oh, really?", "Sure.")

HUM = "Mm-hm."
"""Hummed by noise(): the front end of the voices spells it."""

NOISES = ("cough", "clap", "door")


async def _spoken(texts: Sequence[str], folder: Path) -> dict[tuple[str, str], Samples]:
    """Every text by every speaker."""
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    made: dict[tuple[str, str], Samples] = {}
    for name in SPEAKERS:
        files = {text: folder / f"{name}-{''.join(letter for letter in text.lower() if letter.isalpha())}.wav" for text in texts}
        if not all(file.is_file() for file in files.values()):
            tts = voice(name, streamed=False)
            for text, file in files.items():
                soundfile.write(str(file), (await say(tts, text)).samples, SPEECH_RATE)
            await tts.aclose()
        made |= {(name, text): read_audio(file).samples for text, file in files.items()}
    return made


async def interruptions(folder: Path, count: int) -> list[Interjection]:
    """Phrases and voices in turn, after 1.0 to 2.4 s of the answer."""
    made = await _spoken(INTERRUPTIONS, folder)
    chosen = [
        (SPEAKERS[(index + index // len(INTERRUPTIONS)) % len(SPEAKERS)], INTERRUPTIONS[index % len(INTERRUPTIONS)])
        for index in range(count)
    ]
    return [
        Interjection(text, name, made[name, text], after=1.0 + 0.2 * (index % 8), rest=0.3) for index, (name, text) in enumerate(chosen)
    ]


async def backchannels(folder: Path, count: int, noises: int) -> list[Interjection]:
    """Words of a listener by all voices and hums, then noises, each followed by three seconds of listening."""
    made = await _spoken(BACKCHANNELS, folder)
    words: list[Interjection] = []
    for index in range(count):
        kind, name = index % (len(BACKCHANNELS) + 1), SPEAKERS[(index + index // len(BACKCHANNELS)) % len(SPEAKERS)]
        hums = kind == len(BACKCHANNELS)
        samples = noise("hum", index) if hums else made[name, BACKCHANNELS[kind]]
        words.append(Interjection(HUM if hums else BACKCHANNELS[kind], "hum" if hums else name, samples, after=0.8, rest=3.0))
    sounds = [Interjection(NOISES[index % 3], "noise", noise(NOISES[index % 3], index), after=0.8, rest=3.0) for index in range(noises)]
    return words + sounds


def noise(kind: str, seed: int) -> Samples:
    """A cough, a clap, a door or a hum at 16 kHz, peak 0.1-0.5, put together from shaped noise; every seed gives another one.

    A cough: one to three bursts of noise with the resonances of a throat, each an explosion (5 ms attack), a breath and a short voiced
    end. A clap: one to three broad bursts of 10-25 ms around 1-2.5 kHz. A door: a thump at 60-140 Hz that rings for a quarter of a second,
    with a latch before it. A hum: "mm-hm", two nasal tones with a breath between, the second one rising.
    """
    random = np.random.default_rng(seed)
    makers = {"cough": _cough, "clap": _clap, "door": _door, "hum": _hum}
    sound = makers[kind](random)
    peak = np.float32(random.uniform(0.1, 0.5) / np.max(np.abs(sound)))
    quiet = np.zeros(round(0.1 * SPEECH_RATE), np.float32)
    return np.concatenate([quiet, (sound * peak).astype(np.float32), quiet])


def _time(seconds: float) -> Samples:
    return np.arange(round(seconds * SPEECH_RATE), dtype=np.float32) / np.float32(SPEECH_RATE)


def _band(random: np.random.Generator, seconds: float, centres: Sequence[tuple[float, float]]) -> Samples:
    """White noise through resonances (hertz, bandwidth)."""
    count = round(seconds * SPEECH_RATE)
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / SPEECH_RATE)
    for_each = [1 / (1 + np.square((frequencies - centre) / width)) for centre, width in centres]
    return np.fft.irfft(spectrum * np.sum(for_each, axis=0), count).astype(np.float32)


def _cough(random: np.random.Generator) -> Samples:
    parts: list[Samples] = []
    for _ in range(int(random.integers(1, 4))):
        length = random.uniform(0.2, 0.35)
        throat = [(random.uniform(400, 700), 150.0), (random.uniform(1100, 1700), 250.0), (random.uniform(2400, 3200), 500.0)]
        time = _time(length)
        envelope = np.minimum(time / 0.005, 1.0) * (np.exp(-time / 0.04) + 0.25 * np.exp(-time / 0.15))
        burst = _band(random, length, throat) * envelope
        pitch = random.uniform(90, 220)
        voiced = 0.05 * np.sign(np.sin(2 * np.pi * pitch * time)) * np.exp(-np.square((time - 0.7 * length) / 0.04)) * np.max(np.abs(burst))
        parts += [burst + voiced, np.zeros(round(random.uniform(0.05, 0.25) * SPEECH_RATE), np.float32)]
    return np.concatenate(parts)


def _clap(random: np.random.Generator) -> Samples:
    parts: list[Samples] = []
    for _ in range(int(random.integers(1, 4))):
        time = _time(0.12)
        envelope = np.minimum(time / 0.001, 1.0) * np.exp(-time / random.uniform(0.01, 0.025))
        parts += [_band(random, 0.12, [(random.uniform(1000, 2500), 900.0)]) * envelope, np.zeros(round(0.2 * SPEECH_RATE), np.float32)]
    return np.concatenate(parts)


def _door(random: np.random.Generator) -> Samples:
    time = _time(0.5)
    thump = np.sin(2 * np.pi * random.uniform(60, 140) * time) * np.exp(-time / 0.08) * np.minimum(time / 0.003, 1.0)
    body = _band(random, 0.5, [(random.uniform(150, 400), 120.0)]) * np.exp(-time / 0.06)
    latch = _band(random, 0.03, [(3000.0, 1200.0)]) * np.exp(-_time(0.03) / 0.006)
    pause = np.zeros(round(random.uniform(0.03, 0.12) * SPEECH_RATE), np.float32)
    return np.concatenate([0.4 * latch, pause, thump + 2 * body])


def _hum(random: np.random.Generator) -> Samples:
    pitch = random.uniform(95, 220)
    first, second = _nasal(pitch, pitch * 0.95, random.uniform(0.14, 0.2)), _nasal(pitch, pitch * 1.2, random.uniform(0.2, 0.3))
    breath = 0.05 * _band(random, 0.06, [(800.0, 600.0)])
    return np.concatenate([first, breath / np.max(np.abs(breath)) * np.float32(0.05), second])


def _nasal(start: float, end: float, seconds: float) -> Samples:
    """Harmonics through the resonances of a closed mouth (250 and 1000 Hz), with soft ends."""
    time = _time(seconds)
    phase = 2 * np.pi * np.cumsum(np.linspace(start, end, len(time))) / SPEECH_RATE
    gains = [1 / (1 + ((k * start - 250) / 120) ** 2) + 0.08 / (1 + ((k * start - 1000) / 200) ** 2) for k in range(1, 16)]
    tone = np.sum([gain * np.sin(k * phase) for k, gain in enumerate(gains, 1)], axis=0)
    return (tone / np.max(np.abs(tone)) * np.hanning(len(time)) ** 0.5).astype(np.float32)
