class Tokenizer:
    sot_sequence: list[int]
    no_timestamps: int
    non_speech_tokens: tuple[int, ...]
    transcribe: int
    translate: int
    sot: int
    sot_prev: int
    sot_lm: int
    no_speech: int
    eot: int
    def __init__(self, tokenizer: object, multilingual: bool, task: str | None = ..., language: str | None = ...) -> None: ...
    def decode(self, tokens: list[int]) -> str: ...
