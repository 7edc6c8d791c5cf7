"""Clause → speech, by Kokoro-82M v1.0 (Apache-2.0) on onnxruntime; 24 kHz, 54 voices."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal_assistant.core.audio import audible
from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing, UnknownName
from multimodal_assistant.core.types import AudioChunk, Details, Samples, SpokenChunk, Word
from multimodal_assistant.core.worker import Emit, Worker
from multimodal_assistant.engines.onnx import StoppableRun, open_session

from .graphs import derived, with_outputs
from .phonemes import TIE, Spelled, spell
from .wordtimes import within, word_times

if TYPE_CHECKING:
    import onnxruntime

RATE = 24_000
_FRAME = 600  # samples per unit of predicted duration
_LONGEST = 480  # symbols in one run; the model takes 510
_DURATIONS = "/encoder/Clip_output_0"  # frames per symbol, float [1, symbols]
_LEAD_SECONDS, _TAIL_SECONDS = 0.02, 0.03  # silence kept around the words: the model itself puts 0.3-0.5 s on either side

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
    """Speech synthesis with one of Kokoro's voices.

    model: an ONNX export (kokoro-onnx's or onnx-community's names; int8, fp16 or fp32). voices: folder of NAME.bin, float32 [510, 1, 256].
    cache: where derived graphs are kept. speed: 1.0 is the voice's own.
    """

    def __init__(self, *, model: Path, voices: Path, cache: Path, voice: str = "af_heart", speed: float = 1.0, threads: int = 2) -> None:
        self._model = model
        self._voices = voices
        self._cache = cache
        self._voice = voice
        self._speed = speed
        self._threads = threads
        self._language = _language(voice)
        self._session: onnxruntime.InferenceSession | None = None
        self._styles: Samples = np.zeros((0, 1, 256), np.float32)
        self._worker = Worker("tts")

    @property
    def details(self) -> Details:
        return {"engine": "kokoro", "model": self._model.stem, "voice": self._voice, "threads": str(self._threads)}

    @property
    def rate(self) -> int:
        return RATE

    async def warm(self) -> None:
        async for _ in self.speak("Hello."):
            pass

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._session = None

    async def speak(self, text: str) -> AsyncGenerator[SpokenChunk]:
        run = StoppableRun()

        def produce(emit: Emit[SpokenChunk]) -> None:
            windows = _windows(spell(text, self._language, tie=True))
            for index, window in enumerate(windows):
                chunk = self._say(window, text, run, last=index == len(windows) - 1)
                if not emit(chunk):
                    return

        async with aclosing(self._worker.stream(produce, on_cancel=run.stop)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _say(self, spelled: list[Spelled], text: str, run: StoppableRun, *, last: bool) -> SpokenChunk:
        session = self._load()
        ids, owners, words = _symbols(spelled, self._language)
        names = {node.name for node in session.get_inputs()}
        feed = {
            "tokens" if "tokens" in names else "input_ids": np.array([[0, *ids, 0]], np.int64),
            "style": self._styles[min(len(ids), len(self._styles) - 1)],
            "speed": np.array([self._speed], np.float32),
        }
        try:
            outputs = session.run(None, feed, run.options)
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            raise EngineFailed(f"Kokoro could not say {text!r}: {error}.") from error
        samples = np.asarray(outputs[0], np.float32).ravel()
        times: tuple[Word, ...] = ()
        if len(outputs) > 1:
            frames = np.asarray(outputs[-1]).ravel()
            times = word_times((frames * (_FRAME / RATE)).tolist(), [-1, *owners, -1], words)
        return _trimmed(samples, times, text, last=last)

    def _load(self) -> "onnxruntime.InferenceSession":
        if self._session is None:
            style = self._voices / f"{self._voice}.bin"
            if not style.is_file():
                known = ", ".join(sorted(path.stem for path in self._voices.glob("*.bin"))) or "none"
                if known == "none":
                    raise ModelMissing(
                        f"There are no Kokoro voices in {self._voices}.", "Fetch them with `assistant models pull kokoro-voices`."
                    )
                raise UnknownName(f"Kokoro has no voice {self._voice!r}.", f"Voices: {known}.")
            styles = np.fromfile(style, np.float32)
            if not styles.size or style.stat().st_size % 1024:
                raise EngineFailed(f"The Kokoro voice {style} is damaged.", "Check it with `assistant models verify kokoro-voices`.")
            self._styles = styles.reshape(-1, 1, 256)
            self._session = self._open()
        return self._session

    def _open(self) -> "onnxruntime.InferenceSession":
        """With the durations as a second output where the export names them as we know it, else as it is, without word times."""
        graph = derived(self._model, "with-durations.onnx", self._cache, lambda source, target: with_outputs(source, target, [_DURATIONS]))
        try:
            return open_session(graph, threads=self._threads)
        except EngineFailed:
            return open_session(self._model, threads=self._threads)


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


def _trimmed(samples: Samples, words: tuple[Word, ...], text: str, *, last: bool) -> SpokenChunk:
    """Without the silence the model puts around the words."""
    start, end = audible(samples, RATE)
    start = max(start - round(_LEAD_SECONDS * RATE), 0)
    end = min(end + round(_TAIL_SECONDS * RATE), len(samples))
    return SpokenChunk(AudioChunk(samples[start:end], RATE), text, within(words, start / RATE, end / RATE, first=True, last=True), last)
