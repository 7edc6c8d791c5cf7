"""Utterances with pauses in them, the sound of a room throughout, and exactly known ends: made once, kept in the bench folder.

A whole sentence is synthesized and opened at the end of a word, so that what comes before a pause is said as by somebody who
means to go on: nothing of it falls as at the end of a sentence. Between clauses the voice's own comma is kept and the silence after it
made longer. What this does not have is the drawl of a real speaker who looks for a word.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import anyio
import numpy as np
import soundfile
from pydantic import TypeAdapter

from multimodal_assistant.core.audio import SPEECH_RATE, audible, resample
from multimodal_assistant.core.protocols import TextToSpeech
from multimodal_assistant.core.types import AudioChunk, Samples, Word
from multimodal_assistant.transports.file import read_audio

from .paused_foreign import FRENCH, ITALIAN, PORTUGUESE, SPANISH, Texts
from .paused_texts import FILLERS, PAUSED, UNPAUSED
from .speech import SENTENCES, pink, voice

Half = Literal["tuning", "test"]
Place = Literal["clause", "mid-clause", "filler"]

VOICES: dict[Half, tuple[str, ...]] = {
    "tuning": ("af_heart", "am_michael", "bf_emma", "af_nicole"),
    "test": ("joe", "bm_george", "af_bella", "am_fenrir"),
}
"""Neither a voice nor a sentence is in both halves; joe is of another synthesizer (VITS)."""

FOREIGN: dict[str, tuple[Texts, dict[Half, str]]] = {
    "fr": (FRENCH, {"tuning": "ff_siwis", "test": "ff_siwis"}),
    "es": (SPANISH, {"tuning": "ef_dora", "test": "em_alex"}),
    "it": (ITALIAN, {"tuning": "if_sara", "test": "im_nicola"}),
    "pt": (PORTUGUESE, {"tuning": "pf_dora", "test": "pm_alex"}),
}
"""Other languages: what is said, and who says it; French has one voice for both halves."""

LENGTHS = (0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5)
"""Seconds of the pauses, in turn."""

LEAD_SECONDS, TAIL_SECONDS = 0.5, 3.4
"""Room noise before the first and after the last word."""

_FADE_SECONDS = 0.008
_KEPT_SECONDS = 0.05  # of the voice's own silence on either side of an opened gap: breath, the release of a stop
_SEARCH = (-0.04, 0.06)  # seconds around a word's end in which its quietest moment is looked for
_ROOM_DBFS = (-62.0, -50.0)  # least and greatest level of the room


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause within a turn; seconds from the start of the recording."""

    start: float
    """The last audible sample before it."""
    end: float
    """The first audible sample after it."""
    place: Place
    length: float
    """As it was ordered: one of LENGTHS."""


@dataclass(frozen=True, slots=True)
class Paused:
    """One turn of a user."""

    name: str
    half: Half
    voice: str
    text: str
    pauses: tuple[Pause, ...]
    end: float
    """The last audible sample, in seconds from the start of the recording."""


_KEPT = TypeAdapter(Paused)


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and the words after which to pause."""

    text: str
    breaks: tuple[tuple[int, Place], ...]
    """(Index of the word before the pause, what kind of place it is)."""


def marked(line: str, fillers: frozenset[str] = FILLERS) -> Marked:
    """Read a line of `Texts.paused`."""
    words: list[str] = []
    breaks: list[tuple[int, Place]] = []
    for token in line.split():
        if token not in "|~":
            words.append(token)
            continue
        last = words[-1]
        place: Place = "clause" if token == "|" else "mid-clause"
        breaks.append((len(words) - 1, "filler" if last.endswith(",") and last[:-1].lower() in fillers else place))
    return Marked(" ".join(words), tuple(breaks))


async def paused_turns(folder: Path, language: str = "en") -> list[tuple[Paused, AudioChunk]]:
    """All turns of both halves with their audio at 16 kHz; synthesized the first time (some minutes)."""
    await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
    plan = _plan() if language == "en" else _foreign(language)
    for name in dict.fromkeys(one.voice for one in plan):
        missing = [one for one in plan if one.voice == name and not (folder / f"{one.stem}.json").is_file()]
        if missing:
            tts = voice(name, streamed=False)
            for one in missing:
                await _make(tts, one, folder)
            await tts.aclose()
    return [_load(folder, one.stem) for one in plan]


@dataclass(frozen=True, slots=True)
class _Item:
    """A line to be said."""

    half: Half
    voice: str
    number: int
    line: str
    fillers: frozenset[str] = FILLERS

    @property
    def stem(self) -> str:
        return f"{self.number:03}-{self.voice}"


def _plan() -> list[_Item]:
    plan: list[_Item] = []
    whole = tuple(dict.fromkeys((*UNPAUSED, *SENTENCES)))
    for parity, (half, voices) in enumerate(VOICES.items()):
        paused = list(enumerate(PAUSED))[parity::2]
        unpaused = list(enumerate(whole, len(PAUSED)))[parity::2]
        for place, (number, line) in enumerate([*paused, *unpaused]):
            says = 2 if number < len(PAUSED) else 1
            plan += [_Item(half, voices[(place + step) % len(voices)], number, line) for step in range(says)]
    return plan


def _foreign(language: str) -> list[_Item]:
    texts, voices = FOREIGN[language]
    lines = [*texts.paused, *texts.unpaused]
    halves: tuple[Half, ...] = ("tuning", "test")
    return [_Item(halves[number % 2], voices[halves[number % 2]], number, line, texts.fillers) for number, line in enumerate(lines)]


async def _make(tts: TextToSpeech, item: _Item, folder: Path) -> None:
    script = marked(item.line, item.fillers)
    samples, words = await spoken(tts, script.text)
    lengths = [LENGTHS[(item.number * 3 + len(item.voice) + 2 * index) % len(LENGTHS)] for index in range(len(script.breaks))]
    clean, pauses = opened(samples, words, script.breaks, lengths)
    _, end = audible(clean, SPEECH_RATE)
    turn = Paused(item.stem, item.half, item.voice, script.text, tuple(pauses), end / SPEECH_RATE)
    soundfile.write(str(folder / f"{turn.name}.wav"), clean + room(len(clean), item.number), SPEECH_RATE, subtype="FLOAT")
    await anyio.Path(folder / f"{turn.name}.json").write_text(json.dumps(asdict(turn)), encoding="utf-8")


def _load(folder: Path, stem: str) -> tuple[Paused, AudioChunk]:
    return _KEPT.validate_json((folder / f"{stem}.json").read_bytes()), read_audio(folder / f"{stem}.wav")


async def spoken(tts: TextToSpeech, text: str) -> tuple[Samples, list[Word]]:
    """The clean speech at 16 kHz and its words, timed by the voice itself."""
    pieces: list[Samples] = []
    words: list[Word] = []
    clock = 0.0
    async for chunk in tts.speak(text):
        words += [Word(word.text, clock + word.start, clock + word.end) for word in chunk.words]
        pieces.append(chunk.audio.samples)
        clock += chunk.audio.seconds
    if len(words) != len(text.split()):
        raise ValueError(f"{text!r} came back as {[word.text for word in words]}: give a text without numbers or hyphens.")
    return resample(AudioChunk(np.concatenate(pieces), tts.rate), SPEECH_RATE).samples, words


def opened(
    samples: Samples, words: Sequence[Word], breaks: Sequence[tuple[int, Place]], lengths: Sequence[float]
) -> tuple[Samples, list[Pause]]:
    """The speech with gaps of exactly `lengths` seconds between what can be heard, silence before and after; no noise yet."""
    cuts = [_quietest(samples, words[index].end, words[index + 1].start) for index, _ in breaks]
    parts = [samples[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(samples)], strict=True)]
    out: list[Samples] = [np.zeros(round(LEAD_SECONDS * SPEECH_RATE), np.float32)]
    pauses: list[Pause] = []
    kept = round(_KEPT_SECONDS * SPEECH_RATE)
    for number, part in enumerate(parts):
        first, last = audible(part, SPEECH_RATE)
        begin, end = max(first - kept, 0), min(last + kept, len(part))
        if number:
            place, length = breaks[number - 1][1], lengths[number - 1]
            before = sum(map(len, out)) / SPEECH_RATE  # where the silence of the gap would begin
            start = pauses.pop().start
            gap = round((start + length - before) * SPEECH_RATE) - (first - begin)
            out.append(np.zeros(max(gap, 0), np.float32))
            pauses.append(Pause(start, sum(map(len, out)) / SPEECH_RATE + (first - begin) / SPEECH_RATE, place, length))
        out.append(_faded(part[begin:end]))
        if number < len(breaks):
            heard_until = (sum(map(len, out)) - (end - last)) / SPEECH_RATE
            pauses.append(Pause(heard_until, heard_until, "clause", 0.0))  # its other end comes with the next part
    out.append(np.zeros(round(TAIL_SECONDS * SPEECH_RATE), np.float32))
    return np.concatenate(out), pauses


def _quietest(samples: Samples, end: float, following: float) -> int:
    """The quietest 5 ms near the end of a word."""
    step = SPEECH_RATE // 200
    first = max(round((end + _SEARCH[0]) * SPEECH_RATE), 0)
    last = min(round(max(end + _SEARCH[1], following) * SPEECH_RATE), len(samples) - step)
    starts = range(first, max(last, first + 1), step)
    return min(starts, key=lambda at: float(np.square(samples[at : at + step]).sum())) + step // 2


def _faded(part: Samples) -> Samples:
    count = min(round(_FADE_SECONDS * SPEECH_RATE), len(part) // 2)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    out = part.copy()
    out[:count] *= ramp
    out[len(out) - count :] *= ramp[::-1]
    return out


def room(length: int, seed: int) -> Samples:
    """Pink noise between a quiet and a lively room, by `seed`."""
    noise = pink(length, seed)
    level = 10 ** (np.random.default_rng(seed).uniform(*_ROOM_DBFS) / 20)
    return (noise * np.float32(level / np.sqrt(np.mean(np.square(noise))))).astype(np.float32)
