from . import StorageView

class WhisperGenerationResult:
    sequences_ids: list[list[int]]
    scores: list[float]
    no_speech_prob: float

class Whisper:
    is_multilingual: bool
    def detect_language(self, features: StorageView) -> list[list[tuple[str, float]]]: ...
    def generate(
        self,
        features: StorageView,
        prompts: list[list[int]],
        *,
        beam_size: int = ...,
        max_length: int = ...,
        no_repeat_ngram_size: int = ...,
        suppress_blank: bool = ...,
        suppress_tokens: list[int] = ...,
        return_scores: bool = ...,
        return_no_speech_prob: bool = ...,
    ) -> list[WhisperGenerationResult]: ...
