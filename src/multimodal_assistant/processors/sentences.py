"""A reply, as it is being written → pieces to be spoken."""

import re
import unicodedata
from dataclasses import dataclass

FIRST_WORDS = 2
"""A comma ends the first piece only after this many words."""
FIRST_ENOUGH, FIRST_LIMIT = 3, 6
"""The first piece ends behind the first word after so many that does not lean on the next one, and in any case after so many."""
SECOND_WORDS, SECOND_ENOUGH, SECOND_LIMIT = 4, 8, 12
"""The same for the second: it must be on its way before the first is over, which a long sentence would not be."""
LIMIT = 240
"""A sentence longer than this many characters is cut at a clause."""

_AHEAD = 64
"""Characters looked at beyond a mark, at most."""
_STEP = 1024
"""Characters taken in at once, so that a huge delta costs no more than many small ones."""
_UNBROKEN = 4
"""A word may be this many limits long before it is cut in two."""

_STOPS = ".!?…"
_WIDE_STOPS = "。！？．｡।॥؟۔։።፧፨။។៕།᠃"
_CLAUSES = ",;:—–"
_WIDE_CLAUSES = "、，；：،؛၊፣፤፥՝"
_CLOSERS = "\"'”’»›)]}」』】》〉）］*_`~"
_QUOTES = "\"'”’»›」』"

_UNSPACED = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Scripts that write without a space between words: Thai, Lao, Tibetan, Myanmar, Khmer, kana, Han."""

_MARK = re.compile(rf"[\s{re.escape(_STOPS + _WIDE_STOPS + _CLAUSES + _WIDE_CLAUSES)}]")
_AFTER = re.compile(
    rf"(?P<run>[{re.escape(_STOPS + _WIDE_STOPS + _CLOSERS)}]*+)(?P<gap>[^\S\n]*+)(?P<opening>[\"'“‘«(\[{{*_`¿¡]*+)(?P<word>[^\W\d_]*+)"
)
_ENUMERATOR = re.compile(r"[-*+•>#\s(]*+(?:\d{1,3}|[A-Za-z])\Z")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*|ph\.d")

_TITLES = frozenset(
    "dr mr mrs prof gen rep sen gov capt cpt lt col sgt maj rev hon messrs mme mlle hr vs e.g i.e cf viz z.b d.h u.a bzw ca sog inkl"
    " evtl ggf approx".split()
)
"""Never the end of a sentence."""
_NUMBERED = frozenset(
    "no nos vol pp p fig figs sec ch art eq nr jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri".split()
)
"""Not the end of a sentence where a number follows."""
_SHORTENED = frozenset(
    "al etc ft inc ltd co corp jr ms mt sr st bros dept est ave blvd rd usw a.m p.m jan feb aug sept oct nov dec fig figs vol nr".split()
)
"""The end of a sentence only where one plainly begins after it."""
_STARTERS = frozenset(
    "a after also although an and another as at because before both but by can could did do does each every first for from he her here his"
    " how however i if in is it its let many maybe meanwhile most my next no not now of on once one or other our she should since so some"
    " that the their then there these they this those though to today we well what when where whether which while who why with would yes"
    " you your das der die ein eine er es ich ihr im sie und wir aber"
    " le la les il elle ils nous vous je el los las yo".split()
)
"""Words that begin a sentence, where they are written with a capital."""
_LEANING = frozenset(
    "a about all also an and any are as at be because been but by can could did do does each every for from had has have he her his how i"
    " if in into is it its like made many may might more most must my no not of on or our over shall she should so some such than that the"
    " their there these they this those through to too under very was we were what when where which while who will with would you your"
    " i'm it's you're we're they're don't can't am auf aus bei das dem den der des die ein eine einen einer es ich im ist mit nicht"
    " sind und von zu zum zur c'est ce dans de des du en est et la le les leur ou par pour que qui sa se ses son sur un une como con"
    " del el es la las lo los para por su sus una uno y che da di e gli il nel o per si um uma os do da no na em".split()
)
"""Words that a phrase hardly ever ends with."""
_BEFORE_ORDINAL = frozenset("ab am beim bis das dem den der des die ein im ins jeden seit vom zum zur".split())
"""German words after which "3." reads "dritte"."""


@dataclass(slots=True)
class _Progress:
    """How far the current piece has been read, and what was met on the way."""

    at: int = 0
    """Everything before this index has been judged."""
    halves: int = 0
    """Words met, in halves: a character of an unspaced script counts one half."""
    weight: int = 0
    """Characters met; those of unspaced scripts count twice."""
    in_word: bool = False
    sayable: bool = False
    clause: int = 0
    """Where the last clause ends, or 0."""
    space: int = 0
    """Where the last word ends, or 0."""

    def meet(self, character: str) -> None:
        self.weight += 1
        if character.isspace():
            self.in_word = False
        elif character.isalnum():
            self.sayable = True
            if _UNSPACED.match(character):
                self.weight += 1
                self.halves += 1
            elif not self.in_word:
                self.halves += 2
                self.in_word = True


@dataclass(frozen=True, slots=True)
class _Haste:
    """How soon a piece ends that must not wait for the end of its sentence, in words."""

    comma: int
    enough: int
    limit: int


_SECOND = _Haste(SECOND_WORDS, SECOND_ENOUGH, SECOND_LIMIT)


class SentenceBuffer:
    """Cuts a stream of text into pieces to be spoken: the first one early, the second soon, the others by sentence.

    The first piece ends at a comma after two words, or after four to six words, where a phrase may end; a sentence ends a piece
    however short it is. The pieces depend on the text alone, not on how it was cut into deltas, and hold every character of it
    but white space, and but a rest at the end that has neither letter nor digit.
    """

    def __init__(self, *, limit: int = LIMIT, first_words: int = FIRST_ENOUGH) -> None:
        """`limit`: characters of the longest sentence. `first_words`: enough for the first piece."""
        self._limit = limit
        self._first = _Haste(FIRST_WORDS, first_words, FIRST_LIMIT)
        self._restart()

    def _restart(self) -> None:
        self._text = ""
        self._final = False
        self._spoken = 0
        self._seen = _Progress()

    def feed(self, delta: str) -> list[str]:
        """Take the next characters of the reply; return the pieces that are now known to be complete."""
        pieces: list[str] = []
        for start in range(0, len(delta), _STEP):
            self._text += delta[start : start + _STEP]
            pieces += self._pieces()
        return pieces

    def flush(self) -> list[str]:
        """The reply has ended: return what is left of it and start afresh."""
        self._final = True
        pieces = self._pieces()
        rest = self._text.strip()
        if any(character.isalnum() for character in rest):
            pieces.append(rest)
        self._restart()
        return pieces

    def _pieces(self) -> list[str]:
        pieces: list[str] = []
        while (cut := self._next_cut()) is not None:
            pieces.append(self._text[:cut].strip())
            self._spoken += self._seen.halves
            self._text = self._text[cut:]
            self._seen = _Progress()
        return pieces

    def _next_cut(self) -> int | None:
        """Read on, up to the first cut or as far as the text allows a verdict."""
        if not self._seen.at:
            self._text = self._text.lstrip()
        seen = self._seen
        while seen.at < len(self._text):
            at = seen.at
            character = self._text[at]
            verdict: int | None = 0
            if _MARK.match(character):
                verdict = self._judge(at, character)
            if verdict is None:
                return None
            if not verdict and seen.weight >= self._limit:
                verdict = self._long(at, character)
            if verdict:
                return verdict
            seen.meet(character)
            seen.at += 1
        return None

    # Verdicts on a mark: the index to cut at, 0 to read on, None to wait for more text.

    def _judge(self, at: int, character: str) -> int | None:
        if not self._seen.sayable:
            return 0
        if character == "\n":
            return at
        ahead = _AFTER.match(self._text, at + 1, at + 1 + _AHEAD)
        assert ahead is not None
        if not (self._known(ahead.end("run"), at) and self._known(ahead.end("gap"), at)):
            return None
        if character.isspace():
            return self._judge_space(at, ahead)
        if character in _STOPS or character in _WIDE_STOPS:
            return self._judge_stop(at, ahead)
        return self._judge_clause(at, ahead)

    def _known(self, index: int, at: int) -> bool:
        """Whether no further text can change what stands at `index`."""
        return self._final or index < len(self._text) or index >= at + 1 + _AHEAD

    def _following(self, ahead: re.Match[str]) -> str:
        """The first character after the white space; "" at the end of a line or of the reply, or too far away to matter."""
        return self._text[ahead.end("gap") : min(ahead.end("gap") + 1, ahead.endpos)].strip()

    @property
    def _haste(self) -> _Haste | None:
        """What holds for the present piece, by what has been cut before it."""
        if self._spoken < 2 * self._first.comma:
            return self._first
        return _SECOND if self._spoken <= 2 * self._first.limit else None

    def _judge_space(self, at: int, ahead: re.Match[str]) -> int:
        seen = self._seen
        following = self._text[at + 1] if ahead["run"] else self._following(ahead)
        word = _last_word(self._text, at)
        if not word or not (following.isalnum() or following in "\"'“‘«([*") or not following:
            return 0
        if any(character.isdigit() for character in word) or word[-1] in ".…:":
            return 0
        seen.space = at
        unspaced = _UNSPACED.match(word[-1]) is not None
        if unspaced:
            seen.clause = at
        haste = self._haste
        if haste is None:
            enough = unspaced and 2 * seen.weight >= self._limit
        else:
            leans = unspaced or word.lower() in _LEANING
            enough = seen.halves >= 2 * (haste.limit if leans else haste.enough)
        return at if enough and not _inside(self._text[:at]) else 0

    def _judge_clause(self, at: int, ahead: re.Match[str]) -> int:
        following = self._following(ahead)
        before = self._text[at - 1]
        if not following or (before.isdigit() and following.isdigit()):
            return 0
        if self._text[at] in ",;:" and not ahead["gap"]:
            return 0
        if self._text[at] == "–" and not (ahead["gap"] and before.isspace()):
            return 0
        if _last_word(self._text, at).lower() in ("e.g.", "i.e.") or _inside(self._text[:at]):
            return 0
        self._seen.clause = ahead.end("run")
        haste = self._haste
        return ahead.end("run") if haste is not None and self._seen.halves >= 2 * haste.comma else 0

    def _judge_stop(self, at: int, ahead: re.Match[str]) -> int | None:
        following = self._following(ahead)
        before, mark, run = self._text[at - 1], self._text[at], self._text[at] + ahead["run"]
        cut = ahead.end("run")
        if before in _STOPS or not following or (not ahead["gap"] and before.isdigit() and following.isdigit()):
            return 0  # the first mark of several has spoken for all of them
        if mark in _WIDE_STOPS or (not ahead["gap"] and _UNSPACED.match(before) and _UNSPACED.match(following)):
            return cut
        if not ahead["gap"] or (following.islower() and run[-1] in _QUOTES):
            return 0
        if "!" in run or "?" in run:
            return cut
        if mark == "…" or run.startswith(".."):
            return 0 if following.islower() else cut
        return self._judge_full_stop(at, ahead, following)

    def _judge_full_stop(self, at: int, ahead: re.Match[str], following: str) -> int | None:
        word = _last_word(self._text, at).lower()
        cut = ahead.end("run")
        if word in _TITLES or _ENUMERATOR.match(self._text[max(0, at - _AHEAD) : at]):
            return 0
        if word in _NUMBERED and following.isdigit():
            return 0
        if word.isdigit() and len(word) <= 2:
            previous = _last_word(self._text, at - len(word) - 1).lower()
            if previous not in _BEFORE_ORDINAL:
                return 0 if following.islower() else cut
        elif word not in _SHORTENED and not _INITIALS.fullmatch(word):
            return cut
        if following.islower() or following.isdigit():
            return 0
        if not self._known(ahead.end("word"), at):
            return None
        return cut if ahead["word"].lower() in _STARTERS else 0

    def _long(self, at: int, character: str) -> int:
        """Where to cut a sentence that goes on for too long, or 0."""
        seen = self._seen
        if not seen.sayable:
            return 0
        if 4 * seen.clause > self._limit:
            return seen.clause
        if seen.space or character.isspace():
            return seen.space or at
        breakable = _UNSPACED.match(character) is not None and not unicodedata.category(character).startswith("M")
        return at if breakable or seen.weight >= _UNBROKEN * self._limit else 0


def _last_word(text: str, end: int) -> str:
    """The word that ends at `end`, without the quotes and brackets that open it; "" after white space."""
    start = max(0, end - _AHEAD)
    word = text[start:end]
    if not word or word[-1].isspace():
        return ""
    return word.split()[-1].lstrip("\"'“‘«([{*_`¿¡")


def _inside(text: str) -> bool:
    """Whether `text` ends within brackets or between single asterisks: a stage direction, perhaps."""
    stars = text.replace("**", "").lstrip().removeprefix("* ").count("*")
    return stars % 2 == 1 or text.count("(") > text.count(")") or text.count("[") > text.count("]")
