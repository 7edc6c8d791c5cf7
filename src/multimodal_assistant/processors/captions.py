"""How many words of a voice were heard → which part of the written reply that was. A voice says "1947" in two words."""

import re

from .speakable import speakable

_INSIDE = "—…。、！？，；：।"
_WORD = re.compile(rf"[^\s{_INSIDE}]+[{_INSIDE}]*")
"""What a voice counts as one: between white space, and between marks that need none (engines/tts/phonemes.py)."""
_SILENT = re.compile(r"[;:,.!?¡¿\"«»“”()؟]*")


class Captions:
    """Follows one reply while it is said. language: ISO 639-1, of the voice."""

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._end = 0

    def advance(self, written: str, heard: int) -> str:
        """The next part of the reply, as far as it is `written`, that is said whole within its first `heard` spoken words.

        The parts in a row are the beginning of the reply, as it is written; what is not spoken (an emoji, a mark) goes with the
        words before it.
        """
        begin = self._end
        while (word := _WORD.search(written, self._end)) and self._spoken(written[: word.end()]) <= heard:
            self._end = word.end()
        return written[begin : self._end]

    def rest(self, written: str) -> str:
        """What has not been returned yet: all of it was said."""
        begin, self._end = self._end, len(written)
        return written[begin:]

    def so_far(self, written: str) -> str:
        """All that was returned."""
        return written[: self._end].strip()

    def _spoken(self, text: str) -> int:
        words = (word.rstrip(_INSIDE) for word in _WORD.findall(speakable(text, self._language)))
        return sum(_SILENT.fullmatch(word) is None for word in words)
