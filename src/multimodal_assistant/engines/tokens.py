"""Opening tokenizers of the Hugging Face kind."""

from pathlib import Path
from typing import TYPE_CHECKING

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def open_tokenizer(path: Path, *, most: int) -> "Tokenizer":
    """A `tokenizer.json` that cuts texts off after `most` tokens and does not pad them."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise EngineUnavailable("tokenizers is not installed.", "Install it with `pip install tokenizers`.") from error
    if not path.is_file():
        raise ModelMissing(f"The file {path} is not there.", "Fetch it with `assistant models pull`.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception
        raise EngineFailed(f"{path.name} is not a tokenizer.", "Check it with `assistant models verify`.") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(most)  # pyright: ignore[reportUnknownMemberType]
    return tokenizer
