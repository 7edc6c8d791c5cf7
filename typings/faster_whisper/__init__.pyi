# What we use of faster-whisper.
from collections.abc import Iterable
from typing import TypedDict

import numpy as np
from ctranslate2 import StorageView
from ctranslate2.models import Whisper
from numpy.typing import NDArray

from .tokenizer import Tokenizer

class HfTokenizer:
    def get_vocab(self) -> dict[str, int]: ...

class FeatureExtractor:
    def __call__(self, waveform: NDArray[np.float32], padding: int = ...) -> NDArray[np.float32]: ...

class Word:
    word: str
    start: float
    end: float

class Segment:
    text: str
    tokens: list[int]
    avg_logprob: float
    no_speech_prob: float
    words: list[Word] | None

class TranscriptionInfo:
    language: str
    language_probability: float

class AlignedWord(TypedDict):
    word: str
    start: float
    end: float

class WhisperModel:
    model: Whisper
    hf_tokenizer: HfTokenizer
    feature_extractor: FeatureExtractor
    def __init__(
        self,
        model_size_or_path: str,
        device: str = ...,
        compute_type: str = ...,
        cpu_threads: int = ...,
        local_files_only: bool = ...,
    ) -> None: ...
    def encode(self, features: NDArray[np.float32]) -> StorageView: ...
    def find_alignment(
        self, tokenizer: Tokenizer, text_tokens: list[list[int]], encoder_output: StorageView, num_frames: int
    ) -> list[list[AlignedWord]]: ...
    def transcribe(
        self,
        audio: NDArray[np.float32],
        language: str | None = ...,
        beam_size: int = ...,
        word_timestamps: bool = ...,
        condition_on_previous_text: bool = ...,
    ) -> tuple[Iterable[Segment], TranscriptionInfo]: ...
