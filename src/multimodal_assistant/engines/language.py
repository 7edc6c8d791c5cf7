"""Text → which of a few languages it is in, by py3langid's byte n-grams (Lui and Baldwin 2012, langid.py; BSD)."""

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier


def likelier(text: str, among: Collection[str], otherwise: str) -> str:
    """The likeliest of these languages (ISO 639-1), `otherwise` where the text says nothing about it ("Hola" alone does not).

    Blocking: less than a millisecond for a sentence, once the model is loaded.
    """
    scores = [(score, language) for language, score in _identifier().rank(text) if language in among]
    if not scores or len({score for score, _ in scores}) < len(scores):
        return otherwise
    return max(scores)[1]


def load() -> None:
    """What `likelier` needs. Blocking: half a second."""
    _identifier()


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
