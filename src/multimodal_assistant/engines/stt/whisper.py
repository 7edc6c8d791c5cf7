"""One utterance → Transcript, by Whisper on CTranslate2 with an encoder that sees only the audio there is.

faster-whisper pads every call to 30 seconds. Whisper's encoder accepts less (OpenNMT/CTranslate2#1446), at a fraction
of the time, if some silence follows the speech and the decoder is guarded against repeating itself. What looks
degenerate is decoded again, padded.
"""

import logging
import math
import re
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE, resample
from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing
from multimodal_assistant.core.types import AudioChunk, Details, Samples, Transcript, Word
from multimodal_assistant.core.worker import Worker

if TYPE_CHECKING:
    import ctranslate2
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer
    from faster_whisper.transcribe import Segment

log = logging.getLogger(__name__)

FULL_CONTEXT = 1500
"""Positions of the encoder in 30 s; one is 20 ms, two mel frames."""

_HOP = 160  # samples per mel frame
_WINDOW_SECONDS = 30.0
_MOST_TOKENS = 224  # half of the decoder's positions, Whisper's own limit
_DOUBLED = 3  # words; fewer may well be said twice
_FAITHFUL = 50.0
"""How many times likelier than the language that is expected another one must be to be taken for it: somebody who spoke English mostly
goes on in English. Of 245 utterances of up to 1.3 s in five languages (by Kokoro's voices) a quarter was taken for another language
without it; with it 7 %, and of those that really change the language 64 instead of 75 % are noticed. Of longer ones all are right."""
_MOST_WORDS_A_SECOND = 7.0  # hurried speech has 6; more is a loop


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much encoder context an utterance gets, and when a result is not believed."""

    margin: int = 300
    """Positions of silence after the speech. 96 already suffices for the words (FUTO's whisper-acft), but with less than this the
    small models say short utterances twice, and those are decoded again, padded: it is both slower on average and less exact."""
    least: int = 400
    """Fewest positions; below about 160 the encoder is in a range it was never trained on (whisper.cpp#1855)."""
    compression_ratio: float = 2.4
    log_probability: float = -1.0
    """The thresholds at which Whisper itself falls back (openai/whisper, transcribe.py),"""
    no_speech: float = 0.6
    """and the probability of no speech above which it takes words that it doubts so much for imagined."""

    def context(self, seconds: float) -> int:
        """Encoder positions for an utterance of that length."""
        return min(max(math.ceil(50 * seconds) + self.margin, self.least), FULL_CONTEXT)


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class _Decoded:
    """One pass of the decoder."""

    text: str
    tokens: list[int]
    log_probability: float
    no_speech: float
    complete: bool
    """It ended by itself, not at the length limit."""


class _Call:
    """What one call asks for, and whether somebody still waits for the result."""

    def __init__(self, language: str | None, expected: str | None, words: bool, *, believes: bool) -> None:
        self.language = language
        self.expected = expected
        self.words = words
        self.believes = believes
        """Takes the first result: the padded pass, which cannot be cut short, would keep the final transcript waiting."""
        self._abandoned = False

    def abandon(self) -> None:
        """From any thread: the result is of no use any more."""
        self._abandoned = True

    def go_on(self) -> None:
        """Raise where the rest of the work would be for nobody: the next call waits for this one."""
        if self._abandoned:
            raise EngineFailed("The transcription was abandoned.")


class WhisperEngine:
    """Speech recognition. `model` is a CTranslate2 Whisper folder; `compute_type` as CTranslate2 names it."""

    def __init__(
        self,
        *,
        model: Path,
        name: str = "",
        compute_type: str = "int8",
        device: str = "cpu",
        threads: int = 2,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self._path = model
        self._name = name or model.name
        self._compute_type = compute_type
        self._device = device
        self._threads = threads
        self._bounds = bounds
        self._whisper: WhisperModel | None = None
        self._worker = Worker("stt")

    @property
    def details(self) -> Details:
        return {"engine": "faster-whisper", "model": self._name, "compute": self._compute_type, "threads": str(self._threads)}

    async def warm(self) -> None:
        await self.transcribe(AudioChunk(np.zeros(SPEECH_RATE, np.float32), SPEECH_RATE))

    async def aclose(self) -> None:
        await self._worker.aclose()
        self._whisper = None

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        """See `core.protocols.SpeechToText`. A call takes about 0.1-0.3 s; cancelled, it ends with the present half of it."""
        call = _Call(language, expected, words, believes=partial)
        return await self._worker.call(lambda: self._transcribe(audio, call), on_cancel=call.abandon)

    def _transcribe(self, audio: AudioChunk, call: "_Call") -> Transcript:
        whisper = self._load()
        samples = resample(audio, SPEECH_RATE).samples
        language = call.language
        if language is not None and whisper.model.is_multilingual and f"<|{language}|>" not in whisper.hf_tokenizer.get_vocab():
            raise EngineFailed(f"Whisper knows no language {language!r}.", "Use an ISO 639-1 code such as en or de.")
        try:
            if audio.seconds > _WINDOW_SECONDS:
                return _long(whisper, samples, call)
            return self._utterance(whisper, samples, call)
        except (RuntimeError, ValueError) as error:  # CTranslate2 raises these two
            raise EngineFailed(f"Speech recognition failed: {error}.") from error

    def _utterance(self, whisper: "WhisperModel", samples: Samples, call: "_Call") -> Transcript:
        seconds = len(samples) / SPEECH_RATE
        context = self._bounds.context(seconds)
        encoded = _encode(whisper, samples, context)
        language, probability = _language(whisper, encoded, call)
        tokenizer = _tokenizer(whisper, language)
        call.go_on()
        decoded = _said_once(_decode(whisper, tokenizer, encoded, room=_room(seconds)), tokenizer)
        rerun = not call.believes and context < FULL_CONTEXT and self._degenerate(decoded, seconds)
        if rerun:
            log.debug("degenerate (%r): once more with the full context", decoded.text)
            call.go_on()
            context = FULL_CONTEXT
            encoded = _encode(whisper, samples, context)
            call.go_on()
            decoded = _decode(whisper, tokenizer, encoded, room=_MOST_TOKENS)
        if decoded.no_speech > self._bounds.no_speech and decoded.log_probability < self._bounds.log_probability:
            decoded = replace(decoded, text="", tokens=[])
        return Transcript(
            text=decoded.text,
            language=language,
            language_probability=probability,
            average_log_probability=decoded.log_probability,
            no_speech_probability=decoded.no_speech,
            seconds=seconds,
            words=_align(whisper, tokenizer, encoded, decoded.tokens, 2 * context, seconds) if call.words else (),
            rerun=rerun,
        )

    def _degenerate(self, decoded: _Decoded, seconds: float) -> bool:
        return (
            not decoded.complete
            or decoded.log_probability < self._bounds.log_probability
            or _compression_ratio(decoded.text) > self._bounds.compression_ratio
            or len(decoded.text.split()) > _MOST_WORDS_A_SECOND * seconds + 2
            or _begins_again(decoded.text)
        )

    def _load(self) -> "WhisperModel":
        if self._whisper is None:
            if not (self._path / "model.bin").is_file():
                raise ModelMissing(f"No Whisper weights in {self._path}.", "Fetch them with `assistant models pull whisper-base`.")
            try:
                from faster_whisper import WhisperModel
            except ImportError as error:
                raise EngineUnavailable("faster-whisper is not installed.", "Install it with `pip install faster-whisper`.") from error
            try:
                self._whisper = WhisperModel(
                    str(self._path), device=self._device, compute_type=self._compute_type, cpu_threads=self._threads, local_files_only=True
                )
            except (RuntimeError, ValueError, OSError) as error:
                raise EngineFailed(
                    f"Whisper cannot be loaded from {self._path}: {str(error).split('. ')[0].rstrip('.')}.",
                    "Check it with `assistant models verify`.",
                ) from error
        return self._whisper


def _encode(whisper: "WhisperModel", samples: Samples, context: int) -> "ctranslate2.StorageView":
    """Encoder output for exactly `context` positions.

    The padding is silent *audio*: zeros in the mel spectrogram would be a level that no recording has.
    """
    frames = 2 * context
    padded = np.zeros(frames * _HOP, np.float32)
    padded[: len(samples)] = samples[: len(padded)]
    mel = whisper.feature_extractor(padded, padding=0)[:, :frames]
    return whisper.encode(np.ascontiguousarray(mel))


def _language(whisper: "WhisperModel", encoded: "ctranslate2.StorageView", call: _Call) -> tuple[str, float]:
    if not whisper.model.is_multilingual:
        return "en", 1.0
    if call.language is not None:
        return call.language, 1.0
    found = {token.strip("<|>"): float(probability) for token, probability in whisper.model.detect_language(encoded)[0]}
    likeliest = max(found, key=found.__getitem__)
    if call.expected is not None and found[likeliest] < _FAITHFUL * found.get(call.expected, 0.0):
        likeliest = call.expected
    return likeliest, found[likeliest]


def _tokenizer(whisper: "WhisperModel", language: str) -> "Tokenizer":
    from faster_whisper.tokenizer import Tokenizer

    try:
        return Tokenizer(whisper.hf_tokenizer, whisper.model.is_multilingual, task="transcribe", language=language)
    except ValueError as error:
        raise EngineFailed(f"Whisper knows no language {language!r}.", "Use an ISO 639-1 code such as en or de.") from error


def _room(seconds: float) -> int:
    """Tokens that an utterance of that length may have: fast English has about 7 a second, a loop fills whatever it gets."""
    return min(_MOST_TOKENS, 12 + math.ceil(8 * seconds))


def _decode(whisper: "WhisperModel", tokenizer: "Tokenizer", encoded: "ctranslate2.StorageView", *, room: int) -> _Decoded:
    """At most `room` tokens; CTranslate2 gives the text half of `max_length`, the other half being for a prompt (whisper.cc)."""
    result = whisper.model.generate(
        encoded,
        [[*tokenizer.sot_sequence, tokenizer.no_timestamps]],
        beam_size=1,
        max_length=2 * room,
        no_repeat_ngram_size=3,
        suppress_blank=True,
        suppress_tokens=_suppressed(tokenizer),
        return_scores=True,
        return_no_speech_prob=True,
    )[0]
    tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
    count = len(result.sequences_ids[0])
    return _Decoded(
        text=tokenizer.decode(tokens).strip(),
        tokens=tokens,
        log_probability=float(result.scores[0]) * count / (count + 1),
        no_speech=float(result.no_speech_prob),
        complete=count < room,
    )


def _suppressed(tokenizer: "Tokenizer") -> list[int]:
    """Tokens that are no speech: brackets, notes, tasks (Whisper's own list)."""
    control = (tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm, tokenizer.no_speech)
    return sorted({*tokenizer.non_speech_tokens, *control})


def _align(
    whisper: "WhisperModel", tokenizer: "Tokenizer", encoded: "ctranslate2.StorageView", tokens: list[int], frames: int, seconds: float
) -> tuple[Word, ...]:
    """Word times from the decoder's cross-attention (dynamic time warping, as in openai/whisper)."""
    if not tokens:
        return ()
    aligned = whisper.find_alignment(tokenizer, [tokens], encoded, frames)[0]
    words = [
        Word(str(word["word"]).strip(), min(max(float(word["start"]), 0.0), seconds), min(max(float(word["end"]), 0.0), seconds))
        for word in aligned
    ]
    return tuple(_with_punctuation(words))


def _with_punctuation(words: list[Word]) -> list[Word]:
    """Join marks that the tokenizer split off to the word before them."""
    joined: list[Word] = []
    for word in words:
        if joined and not any(letter.isalnum() for letter in word.text):
            joined[-1] = replace(joined[-1], text=joined[-1].text + word.text)
        elif word.text:
            joined.append(word)
    return joined


def _compression_ratio(text: str) -> float:
    """How much zlib shortens it: repetition compresses well (openai/whisper)."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def _said_once(decoded: _Decoded, tokenizer: "Tokenizer") -> _Decoded:
    """Without its second half where that is the first one again, word for word ("Can you speak Italian? Can you Speak Italian?").

    It is what the smallest models do to short utterances; to decode them again, padded, would take five times as long.
    """
    words = _words(decoded.text)
    half = words[: len(words) // 2]
    if len(half) < _DOUBLED or half * 2 != words:
        return decoded
    count = max(count for count in range(len(decoded.tokens)) if _words(tokenizer.decode(decoded.tokens[:count])) == half)
    tokens = decoded.tokens[:count]
    return replace(decoded, text=tokenizer.decode(tokens).strip(), tokens=tokens)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _begins_again(text: str) -> bool:
    """Whether its first two words come again later.

    Small models with little context say a short utterance twice ("Sure I can help. Sure I can", "10 of clubs 10 of club"); where
    a speaker really did, the padded pass says so.
    """
    words = _words(text)
    return len(words) > 3 and any(words[index : index + 2] == words[:2] for index in range(2, len(words) - 1))


def _long(whisper: "WhisperModel", samples: Samples, call: _Call) -> Transcript:
    """More than one window: faster-whisper's own segmentation."""
    segments, info = whisper.transcribe(
        samples, language=call.language, beam_size=1, word_timestamps=call.words, condition_on_previous_text=False
    )
    found: list[Segment] = []
    for segment in segments:  # lazily: each is decoded when it is asked for
        call.go_on()
        found.append(segment)
    tokens = sum(len(segment.tokens) for segment in found) or 1
    return Transcript(
        text=" ".join(segment.text.strip() for segment in found).strip(),
        language=info.language,
        language_probability=float(info.language_probability),
        average_log_probability=sum(segment.avg_logprob * len(segment.tokens) for segment in found) / tokens,
        no_speech_probability=max((segment.no_speech_prob for segment in found), default=1.0),
        seconds=len(samples) / SPEECH_RATE,
        words=tuple(Word(word.word.strip(), word.start, word.end) for segment in found for word in segment.words or ()),
    )
