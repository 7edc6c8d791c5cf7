"""Clause → speech, by Kokoro-82M v1.0 (Apache-2.0) on onnxruntime; 24 kHz, 54 voices."""

import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np

from multimodal_assistant.core.audio import audible
from multimodal_assistant.core.errors import AssistantError, EngineFailed, EngineUnavailable, ModelMissing, UnknownName
from multimodal_assistant.core.types import AudioChunk, Details, Samples, SpokenChunk, Word
from multimodal_assistant.core.worker import Emit, Worker
from multimodal_assistant.engines.onnx import StoppableRun

from .background import Background
from .graphs import derived_folder
from .kokoro_statistics import SENTENCES, Examples, examples_file, load_examples, save_examples
from .kokoro_stream import FRAME, UNIT, Feed, Halves, Whole
from .phonemes import TIE, Spelled, spell
from .wordtimes import within, word_times

RATE = 24_000
_STYLE = 256  # numbers that describe a voice
_LONGEST = 480  # symbols in one run; the model takes 510
_LEAD_SECONDS, _TAIL_SECONDS = 0.02, 0.03  # silence kept around the words: the model itself puts 0.3-0.7 s on either side
_BEFORE_FRAMES = 12  # generated before the first word: its sound begins up to 0.125 s before its duration does
_AFTER_FRAMES = 24  # generated from the start of the last sound: in 288 clauses it was over after 0.255 s at most
_LAST_SOUND = (
    2.0  # units; the model lets the last sound last until the end of the silence behind it, in truth it is heard for 0.045 s (median)
)

_log = logging.getLogger(__name__)

LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr", "h": "hi", "i": "it", "p": "pt-br"}
"""First letter of a voice's name → espeak-ng language."""

_WITHOUT_FRONT_END = {"j": "Japanese", "z": "Mandarin Chinese"}

# Kokoro's symbols: the id of the first of a run, and the run (hexgrad/Kokoro-82M, config.json).
_RUNS = (
    (1, ";:,.!?"), (9, "—…\"()“” \u0303ʣʥʦʨᵝꭧAI"), (31, "O"), (33, "Q"), (35, "ST"), (39, "W"), (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"), (75, "βɔɕç"), (80, "ɖðʤə"), (85, "ɚɛɜ"), (90, "ɟ"), (92, "ɡ"), (99, "ɥ"), (101, "ɨɪʝ"),
    (110, "ɯɰŋɳɲɴø"), (118, "ɸθœ"), (123, "ɹ"), (125, "ɾɻ"), (128, "ʁɽʂʃʈʧ"), (135, "ʊʋ"), (138, "ʌɣɤ"), (142, "χʎ"), (147, "ʒʔ"),
    (156, "ˈˌː"), (162, "ʰ"), (164, "ʲ"), (169, "↓"), (171, "→↗↘"), (177, "ᵻ"),
)  # fmt: skip
_IDS = {symbol: first + offset for first, run in _RUNS for offset, symbol in enumerate(run)}

# espeak-ng's notation → the notation Kokoro was trained on (what hexgrad/misaki's fallback for unknown words does).
_DIPHTHONGS = {"a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "ɔ^ɪ": "Y", "d^ʒ": "ʤ", "t^ʃ": "ʧ"}
_ENGLISH = {
    "ʔˌn\u0329": "ʔn", "ʔn\u0329": "ʔn", **_DIPHTHONGS, "ə^l": "ᵊl", "e": "A", "ʲo": "jo", "ʲə": "jə", "ʲ": "",
    "ɚ": "əɹ", "r": "ɹ", "x": "k", "ç": "k", "ɐ": "ə", "ɬ": "l", "\u0303": "",
}  # fmt: skip
_AMERICAN = {**_ENGLISH, "o^ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ː": "", "ɾ": "T", "ʔ": "t"}
_BRITISH = {**_ENGLISH, "e^ə": "ɛː", "iə": "ɪə", "ə^ʊ": "Q", "ɾ": "T", "ʔ": "t"}
_OTHER = {**_DIPHTHONGS, "d^z": "ʣ", "o^ʊ": "O", "ə^ʊ": "Q", "s^s": "S", "t^s": "ʦ", "-": ""}
_NOTATION = {"en-us": _AMERICAN, "en-gb": _BRITISH}


class KokoroVoice:
    """Speech synthesis with one of Kokoro's voices, in pieces as soon as the voice is learnt.

    Until then each clause comes in one piece, and between clauses a thread in the background learns the voice (kokoro_statistics.py):
    once per voice and machine, half a minute of idle time; what it has learnt is kept. An export whose parts we do not know always
    speaks in one piece.

    model: an ONNX export (kokoro-onnx's or onnx-community's names; int8, fp16 or fp32). voices: folder of NAME.bin, float32 [510, 1, 256].
    cache: where derived graphs and learnt voices are kept. speed: 1.0 is the voice's own. streamed: False for one piece per clause always.
    """

    def __init__(
        self,
        *,
        model: Path,
        voices: Path,
        cache: Path,
        voice: str = "af_heart",
        speed: float = 1.0,
        threads: int = 2,
        streamed: bool = True,
    ) -> None:
        self._model = model
        self._voices = voices
        self._cache = cache
        self._voice = voice
        self._speed = speed
        self._threads = threads
        self._streamed = streamed
        self._language = _language(voice)
        self._speaker: Whole | Halves | None = None
        self._styles: Samples = np.zeros((0, 1, 256), np.float32)
        self._examples: Examples | None = None
        self._worker = Worker("tts")
        self._learning = Background(self._learn, name="tts-learning")

    @property
    def details(self) -> Details:
        return {
            "engine": "kokoro",
            "model": self._model.stem,
            "voice": self._voice,
            "language": self._language[:2],
            "threads": str(self._threads),
        }

    @property
    def rate(self) -> int:
        return RATE

    @property
    def streams(self) -> bool:
        """Whether the next clause comes in pieces."""
        return isinstance(self._speaker, Halves)

    async def warm(self) -> None:
        async for _ in self.speak("Hello."):
            pass

    async def learn(self) -> None:
        """Wait until the voice is learnt: some 10 s the first time. Nobody has to: it happens by itself in idle moments."""

        def begin() -> None:
            with self._learning.held_off():
                self._load()

        await self._worker.call(begin)
        await anyio.to_thread.run_sync(self._learning.finish, abandon_on_cancel=True)

    async def aclose(self) -> None:
        await self._worker.aclose()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._learning.close)
        self._speaker = None

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        run = StoppableRun()

        def produce(emit: Emit[SpokenChunk]) -> None:
            with self._learning.held_off():
                for chunk in self._say(text, run):
                    if not emit(chunk):
                        return

        async with aclosing(self._worker.stream(produce, on_cancel=run.stop)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _say(self, text: str, run: StoppableRun) -> Iterator[SpokenChunk]:
        windows = _windows(spell(text, self._language, tie=True))
        try:
            for index, window in enumerate(windows):
                last = index == len(windows) - 1
                for chunk in self._pieces(window, text, run):
                    yield chunk if last else replace(chunk, last=False)
        except AssistantError:
            raise
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            raise EngineFailed(f"Kokoro could not say {text!r}: {error}.") from error

    def _pieces(self, spelled: list[Spelled], text: str, run: StoppableRun) -> Iterator[SpokenChunk]:
        speaker = self._load()
        ids, owners, words = _symbols(spelled, self._language)
        feed = self._feed(ids, speaker.takes)
        owners = [-1, *owners, -1]
        if isinstance(speaker, Whole):
            samples, units = speaker.say(feed, run)
            times = () if units is None else _times(units.tolist(), owners, words)
            yield _piece(samples, 0, times, text, first=True, last=True)
            return
        clause = speaker.clause(feed, run)
        times = _times(clause.units.tolist(), owners, words)
        begin, end = _spoken(clause.units.tolist(), owners, clause.frames)
        first = True
        for start, samples in speaker.pieces(clause, begin, end, run):
            chunk = _piece(samples, start * FRAME, times, text, first=first, last=start * FRAME + len(samples) == end * FRAME)
            if len(chunk.audio.samples) or chunk.last:  # else it is still the silence before the first word
                first = False
                yield chunk

    def _feed(self, ids: list[int], takes: str) -> Feed:
        return {
            takes: np.array([[0, *ids, 0]], np.int64),
            "style": self._styles[min(len(ids), len(self._styles) - 1)],
            "speed": np.array([self._speed], np.float32),
        }

    def _load(self) -> Whole | Halves:
        if self._speaker is None:
            self._styles = _read(self._voices, self._voice)
            self._speaker = self._open()
            if self._streamed and isinstance(self._speaker, Whole) and self._speaker.teaches:
                self._learning.start()
        return self._speaker

    def _open(self) -> Whole | Halves:
        if self._streamed:
            self._examples = load_examples(self._file)
            if self._examples is not None and len(self._examples) == len(SENTENCES):
                try:
                    return Halves(self._model, self._cache, threads=self._threads, examples=self._examples)
                except EngineFailed:
                    _log.warning("What was learnt about the voice %s does not fit the model: it is learnt again.", self._voice)
                    self._examples = None
        return Whole(self._model, self._cache, threads=self._threads)

    @property
    def _file(self) -> Path:
        return examples_file(derived_folder(self._model, self._cache), self._voice, self._styles)

    def _learn(self, run: StoppableRun) -> bool:
        """One sentence, or, after the last one, the change to speaking in pieces: half a second in which a clause would have to wait."""
        whole, known = self._speaker, self._examples
        if not isinstance(whole, Whole):
            return False
        done = 0 if known is None else len(known)
        if done < len(SENTENCES):
            _log.info("Learning the voice %s: sentence %s of %s.", self._voice, done + 1, len(SENTENCES))
            ids, _, _ = _symbols(spell(SENTENCES[done], self._language, tie=True), self._language)
            example = whole.example(self._feed(ids, whole.takes), run)
            self._examples = known = example if known is None else known + example
            save_examples(self._file, known)
            return True
        self._speaker = whole = None  # first of all: the graph and its halves together are twice the memory
        self._speaker = self._open()
        return False


def _read(voices: Path, voice: str) -> Samples:
    """The voice's style for every number of symbols, [510, 1, 256]."""
    file = voices / f"{voice}.bin"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in voices.glob("*.bin")))
        if not known:
            raise ModelMissing(f"There are no Kokoro voices in {voices}.", "Fetch them with `assistant models pull kokoro-voices`.")
        raise UnknownName(f"Kokoro has no voice {voice!r}.", f"Voices: {known}.")
    values = np.fromfile(file, np.float32)
    if not len(values) or file.stat().st_size % (_STYLE * 4):
        raise EngineFailed(f"The voice {file.name} is damaged.", "Check it with `assistant models verify`.")
    return values.reshape(-1, 1, _STYLE)


def _language(voice: str) -> str:
    if voice[:1] in _WITHOUT_FRONT_END:
        raise EngineUnavailable(
            f"The voice {voice} speaks {_WITHOUT_FRONT_END[voice[0]]}, for which no text front end is installed.",
            "Choose a voice that begins with a, b, e, f, h, i or p.",
        )
    if voice[:1] not in LANGUAGES:
        raise UnknownName(f"{voice!r} is no Kokoro voice.", "See `assistant ask --help` for the names.")
    return LANGUAGES[voice[0]]


def _windows(spelled: list[Spelled]) -> list[list[Spelled]]:
    """Cut what is too long for one run, between words."""
    windows: list[list[Spelled]] = [[]]
    length = 0
    for item in spelled:
        if length + len(item.phonemes) + 1 > _LONGEST and windows[-1]:
            windows.append([])
            length = 0
        windows[-1].append(item)
        length += len(item.phonemes) + 1
    return [window for window in windows if any(item.text for item in window)]


def _symbols(spelled: list[Spelled], language: str) -> tuple[list[int], list[int], list[str]]:
    """Symbol ids, the word each belongs to (-1: none), and the words."""
    notation = _NOTATION.get(language, _OTHER)
    ids: list[int] = []
    owners: list[int] = []
    words: list[str] = []
    for item in spelled:
        phonemes = _respell(item.phonemes, notation) if item.text else item.phonemes
        if item.text:
            words.append(item.text)
            phonemes = " " + phonemes if ids and phonemes else phonemes
        elif words:
            words[-1] += item.phonemes if item.phonemes not in {"(", "“", "«"} else ""
        for symbol in phonemes:
            code = _IDS.get(symbol)
            if code is not None:
                ids.append(code)
                owners.append(len(words) - 1 if item.text and symbol != " " else -1)
    return ids[:_LONGEST], owners[:_LONGEST], words


def _respell(phonemes: str, notation: dict[str, str]) -> str:
    for espeak in sorted(notation, key=len, reverse=True):
        phonemes = phonemes.replace(espeak, notation[espeak])
    return phonemes.replace(TIE, "")


def _spoken(units: list[float], owners: list[int], frames: int) -> tuple[int, int]:
    """The frames [begin, end) worth generating: the model puts long silences around the words."""
    ends = np.cumsum([0, *units]) * (UNIT // FRAME)
    said = [index for index, owner in enumerate(owners) if owner >= 0]
    if not said:
        return 0, frames
    return max(int(ends[said[0]]) - _BEFORE_FRAMES, 0), min(int(ends[said[-1]]) + _AFTER_FRAMES, frames)


def _times(units: Sequence[float], owners: list[int], words: list[str]) -> tuple[Word, ...]:
    """When each word is said, in seconds from the start of the clause."""
    said = [index for index, owner in enumerate(owners) if owner >= 0]
    lasting = [min(count, _LAST_SOUND) if said and index == said[-1] else count for index, count in enumerate(units)]
    return word_times([count * (UNIT / RATE) for count in lasting], owners, words)


def _piece(samples: Samples, origin: int, words: tuple[Word, ...], text: str, *, first: bool, last: bool) -> SpokenChunk:
    """Samples that begin at `origin` in the clause, without the silence before the first and after the last word, and their words."""
    audible_from, audible_to = audible(samples, RATE)
    silent = audible_from == len(samples)
    start, end = 0, len(samples)
    if first:
        start = end if silent and not last else max(audible_from - round(_LEAD_SECONDS * RATE), 0)
    if last and not (first and silent):
        said_until = round(words[-1].end * RATE) - origin if words and not first else 0  # a word that began in a piece before this
        end = min(max((0 if silent else audible_to) + round(_TAIL_SECONDS * RATE), said_until), end)
    times = within(words, (origin + start) / RATE, (origin + end) / RATE, first=first, last=last)
    return SpokenChunk(AudioChunk(samples[start:end], RATE), text, times, last)
