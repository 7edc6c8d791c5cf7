"""Text → phonemes, by espeak-ng (through `espeakng-loader`, which carries the library and its data).

Bound with ctypes to espeak-ng's C interface (speak_lib.h: `espeak_Initialize`, `espeak_SetVoiceByName`,
`espeak_TextToPhonemes`): the usual Python wrapper is GPL and heavy. The library is one global state machine, so a
lock guards it; a call takes about a millisecond after the first.
"""

import ctypes
import re
import threading
from dataclasses import dataclass
from functools import cache

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, UnknownName

_RETRIEVE_AUDIO = 1  # AUDIO_OUTPUT_RETRIEVAL: never opens a sound device
_UTF8 = 1
_IPA = 0x02
_TIE = 0x80  # join the letters of one sound with the character in bits 8-23
TIE = "^"

PUNCTUATION = ';:,.!?¡¿—…"«»“”()。、！？，；：।؟'
_RUN = re.compile(rf"[{re.escape(PUNCTUATION)}]+(?=\s|$)|(?<!\S)[{re.escape(PUNCTUATION)}]+|[—…。、！？，；：।]")
_FLAG = re.compile(r"\([a-z-]+\)")  # espeak announces a switch of language as "(en)"


@dataclass(frozen=True, slots=True)
class Spelled:
    """A word of the text with its sounds, or a punctuation mark between words (`text` is empty)."""

    text: str
    phonemes: str


class _Properties(ctypes.Structure):
    """`espeak_VOICE` of speak_lib.h: a language is found by its code through this one."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class _Library:
    """The loaded library; one per process."""

    def __init__(self) -> None:
        try:
            import espeakng_loader

            self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (ImportError, OSError, RuntimeError) as error:
            raise EngineUnavailable(
                "The espeak-ng library that turns text into sounds cannot be loaded.",
                "Install it with `pip install espeakng-loader`.",
            ) from error
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._lib.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        if self._lib.espeak_Initialize(_RETRIEVE_AUDIO, 0, data.encode(), 0) <= 0:
            raise EngineFailed("espeak-ng does not start: its data folder is damaged.", "Reinstall espeakng-loader.")
        self._lock = threading.Lock()
        self._voice = ""

    def phonemes(self, text: str, voice: str, tie: bool) -> str:
        """IPA of `text`, words separated by spaces, with stress marks and no punctuation."""
        with self._lock:
            if voice != self._voice:
                wanted = _Properties(languages=voice.encode())
                if (
                    self._lib.espeak_SetVoiceByName(voice.encode()) != 0
                    and self._lib.espeak_SetVoiceByProperties(ctypes.byref(wanted)) != 0
                ):
                    raise UnknownName(f"espeak-ng has no language {voice!r}.")
                self._voice = voice
            mode = _IPA | (_TIE | ord(TIE) << 8 if tie else 0)
            rest = ctypes.c_char_p(text.replace("\0", " ").encode("utf-8", "replace"))
            parts: list[str] = []
            while rest.value:  # one call reads up to the end of a clause and moves the pointer; NULL at the end
                found: bytes | None = self._lib.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, mode)
                parts.append((found or b"").decode("utf-8", "replace"))
        return _FLAG.sub("", " ".join(parts)).strip()


@cache
def _library() -> _Library:
    return _Library()


def spell(text: str, voice: str, *, tie: bool = False) -> list[Spelled]:
    """Words and punctuation of `text` in order, words with their IPA in espeak's notation for language `voice`.

    `tie` joins the letters of one sound ("t^ʃ"). Where espeak runs words together ("of the" → "əvðə") or reads one as several ("2026"),
    sounds are dealt out to words by the length each word has on its own.
    """
    spelled: list[Spelled] = []
    position = 0
    for mark in _RUN.finditer(text):
        spelled += _words(text[position : mark.start()], voice, tie)
        spelled.append(Spelled("", mark.group()))
        position = mark.end()
    return spelled + _words(text[position:], voice, tie)


def _words(text: str, voice: str, tie: bool) -> list[Spelled]:
    words = text.split()
    if not words:
        return []
    library = _library()
    sounds = library.phonemes(" ".join(words), voice, tie).split()
    if len(sounds) != len(words):
        sounds = _deal(sounds, [len(library.phonemes(word, voice, tie)) for word in words])
    return [Spelled(word, sound) for word, sound in zip(words, sounds, strict=True)]


def _deal(sounds: list[str], lengths: list[int]) -> list[str]:
    """Deal `sounds` out to len(lengths) words so that each gets those that begin in its share of the whole."""
    total, spoken = sum(len(sound) for sound in sounds), sum(lengths)
    if not total or not spoken:
        return [" ".join(sounds)] + [""] * (len(lengths) - 1)
    ends: list[float] = []
    reached = 0
    for length in lengths:
        reached += length
        ends.append(reached / spoken * total)
    dealt: list[list[str]] = [[] for _ in lengths]
    word = 0
    begin = 0
    for sound in sounds:
        while word < len(ends) - 1 and begin + len(sound) / 2 > ends[word]:
            word += 1
        dealt[word].append(sound)
        begin += len(sound)
    return [" ".join(parts) for parts in dealt]
