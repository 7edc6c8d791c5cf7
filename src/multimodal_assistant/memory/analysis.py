"""Words of a note → keywords, a sentence of context, tags: by counting and by lists, without a model, in any language.

Keywords are ranked much as RAKE (Rose et al., 2010) and YAKE (Campos et al., 2020) do it: runs of words between words that carry no topic,
weighed by frequency, place, length, and whether they look like names. Pure and deterministic; the work is bounded however long a note is.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log

from .lexicon import KINDS, STOPWORDS, TAGS, TAGS_OF_WORDS, TIME_WORDS, WEAK

MOST_KEYWORDS = 8
MOST_TAGS = 5
MOST_CONTEXT = 240
"""Characters of a context."""

_HEAD, _TAIL = 8_000, 2_000
"""Characters that are looked at: of the beginning, and of the end."""
_LONGEST_TERM = 60

# Letters and digits; and the marks of scripts whose vowels are not letters to `re`: Hebrew, Arabic, the Indic scripts, Thai and its kin.
LETTER = (
    "(?:[^\\W_]|[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff\u0e31-\u0eff\u1000-\u17ff])"
)
_WORD = re.compile(f"{LETTER}+(?:['’.@\\-]{LETTER}+)*")
_SENTENCE = re.compile(r"[^.!?。！？…\n]*(?:[.!?](?=\S)[^.!?。！？…\n]*)*[.!?。！？…\n]*")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{2,60})[\"”“»]")
_TIME = r"\d{1,2}(?:[:.]\d\d)?\s?(?:am|pm|uhr|h)|\d{1,2}:\d\d|(?:19|20)\d\d|\d{1,2}(?:st|nd|rd|th)|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"
_CLOCK = re.compile(_TIME, re.I)
_TIMES = re.compile(rf"(?<![\w.-])(?:{_TIME})(?![\w-])", re.I)
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_CJK_TERM = re.compile("[\u30a0-\u30ff]{2,12}|[\u3400-\u9fff\uf900-\ufaff]{1,12}")
_CJK_FUNCTION = re.compile(
    "[的了是我你他她它们們在和也有就都很不吗嗎呢吧啊这這那个個与與及去把被让讓说說要会會上下到从從给給跟着過过买買吃喝住食]+"
)
_ADDRESSED = re.compile(
    r"\b(hey|hi|hello|bye|thanks|thank you|wow|yes|yeah|yep|no|ok|okay|oh|sure|well|agree|right|dear|great|cool|awesome)([, ]{1,2})"
    r"(?!I\b)(?-i:[A-Z])\w+(?=\s*[,!.?—-])",
    re.I,
)
"""A name that is said to somebody is not what the note is about."""
_KEPT_FORMATS = frozenset("\u200c\u200d")
"""Joiners: words of some scripts, and emoji, need them."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is derived from a note."""

    keywords: tuple[str, ...]
    """The most telling first; at least one where there are words."""
    context: str
    tags: tuple[str, ...]
    category: str
    by_model: frozenset[str] = frozenset()
    """Names of the fields that a model wrote; the others are found by rule."""
    problem: str = ""
    """Why a model that was asked wrote nothing, or not to the end."""


def analyze(content: str, *, speaker: str = "", previous: str = "") -> Analysis:
    """What can be said of a note by rule. previous: what was said before it, which a short answer is about."""
    text = plain(sample(content))
    keywords = _keywords(text, speaker)
    tags = _tags(text)
    return Analysis(keywords, _context(text, keywords, speaker, previous), tags, category_of(tags))


def sample(content: str, head: int = _HEAD, tail: int = _TAIL) -> str:
    """The beginning and the end of a text that is too long to look at as a whole."""
    if len(content) <= head + tail:
        return content
    return f"{content[:head]} … {content[-tail:]}" if tail else content[:head]


def plain(text: str, most: int = 0) -> str:
    """One line without control and direction characters; cut between words to `most` characters, if that is not 0."""
    line = " ".join("".join(map(_seen, text)).split())
    if not most or len(line) <= most:
        return line
    cut = line[: most - 1]
    return (cut.rpartition(" ")[0] if " " in cut[most // 2 :] else cut).rstrip(" ,;:") + "…"


def _seen(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if kind in {"Cf", "Cs", "Co"} and letter not in _KEPT_FORMATS else letter


def words(text: str) -> list[str]:
    """The words of a text, as they are written. Japanese and Chinese, which have no spaces, come in runs of one script."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found += _unspaced(word) if _UNSPACED.search(word) else [word]
    return found


def _unspaced(run: str) -> Iterator[str]:
    """Hiragana is left out: in the main it is grammar. A run of nothing else stays whole."""
    terms = [term for part in _CJK_FUNCTION.split(run) for term in _CJK_TERM.findall(part)]
    spaced = [word for word in _UNSPACED.sub(" ", run).split() if word]
    yield from (terms + spaced) or [run[:12]]


def stem(word: str) -> str:
    """What forms of a word have in common: without case, accents and the commonest endings of English.

    Less is cut off than from the words that notes are found by (`terms.py`, Porter 2): there "practical" and "practice" are better one;
    here, where words have to be evidence for others, they are not.
    """
    folded = unicodedata.normalize("NFKD", word.casefold().replace("’", "'"))
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter)).removesuffix("'s")
    for ending, put in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", "")):
        if bare.endswith(ending) and len(bare) - len(ending) >= 3 and not bare.endswith(("ss", "us", "is")):
            bare = bare[: -len(ending)] + put
            break
    if len(bare) > 3 and bare[-1] == bare[-2] and bare[-1] not in "aeiouls":
        bare = bare[:-1]
    return bare[:-1] if len(bare) > 3 and bare.endswith("e") else bare


def telling(word: str) -> bool:
    """Whether a word carries a topic."""
    low = word.casefold().replace("’", "'")
    return low not in STOPWORDS and low.removesuffix("'s") not in STOPWORDS


def timely(word: str) -> bool:
    """Whether a word is a time."""
    return word.casefold() in TIME_WORDS or _CLOCK.fullmatch(word) is not None


def sentences(text: str, most: int = 50) -> list[str]:
    """The first sentences of a line."""
    found: list[str] = []
    for match in _SENTENCE.finditer(text):
        if sentence := match.group().strip():
            found.append(sentence)
        if len(found) == most:
            break
    return found


def names(text: str) -> tuple[str, ...]:
    """What looks like a name: capitalised words that do not merely begin a sentence, and what such a one is repeated as."""
    found: dict[str, None] = {}
    for sentence in sentences(text, 400):
        run: list[str] = []
        for index, word in enumerate([*words(sentence), ""]):
            if _capital(word) and telling(word) and not timely(word) and (index > 0 or word.isupper() and len(word) > 1):
                run.append(word.removesuffix("'s").removesuffix("’s"))
                continue
            if run:
                found[" ".join(run[:4])] = None
            run = []
    return tuple(found)


def _capital(word: str) -> bool:
    return bool(word) and word[0].isupper() and word not in {"I", "I'm", "I’m", "I've", "I'll", "I'd"}


@dataclass(slots=True)
class _Term:
    shown: str
    score: float


def _keywords(whole: str, speaker: str) -> tuple[str, ...]:
    spoken = {stem(word) for word in words(speaker)}
    text = _ADDRESSED.sub(r"\1,", _TIMES.sub(" , ", whole))
    spread = Counter(stem(word) for word in words(text))
    known = names(text)
    terms: dict[str, _Term] = {}

    def offer(shown: str, bonus: float, place: int) -> None:
        stems = [stem(word) for word in words(shown)]
        if not stems or len(shown) > _LONGEST_TERM or spoken.intersection(stems) or all(timely(word) for word in words(shown)):
            return
        weight = sum((1 + log(spread[one] or 1)) * (0.6 + min(len(one), 10) / 10) for one in stems) / len(stems) ** 0.4
        key = " ".join(stems)
        score = bonus * weight / (1 + 0.05 * place)
        if key not in terms or terms[key].score < score:
            terms[key] = _Term(shown, score)

    for name in known:
        offer(name, 1.8, 0)
    for quoted in _QUOTED.findall(text):
        if len(words(quoted)) <= 5 and any(map(telling, words(quoted))):
            offer(quoted.strip(" ,.!?"), 1.5, 0)
    capitals = {word for name in known for word in name.split()}
    for place, sentence in enumerate(sentences(text, 400)):
        for run in _runs(sentence, spoken):
            offer(" ".join(word if word in capitals else _lowered(word) for word in run), 1.0, place)
    ranked = sorted(terms.items(), key=lambda item: -item[1].score)
    return _distinct(ranked) or _last_resort(whole, spoken)


def _runs(sentence: str, spoken: set[str]) -> Iterator[list[str]]:
    """Runs of telling words; what is longer than three is given in pieces."""
    for clause in re.split(r"[,;:()\[\]{}<>\"“”„«»…。、，；：（）「」/|*#=]|\s[-–—]\s", sentence):
        run: list[str] = []
        for word in [*words(clause), ""]:
            if word and telling(word) and word.casefold() not in WEAK and not timely(word) and stem(word) not in spoken:
                if _UNSPACED.match(word):
                    yield [word]
                    continue
                run.append(word.removesuffix("'s").removesuffix("’s"))
                continue
            for start in range(0, len(run), 3):
                piece = run[start : start + 3]
                if len("".join(piece)) > 1 and not _bare_number(piece):
                    yield piece
            run = []


def _bare_number(piece: list[str]) -> bool:
    return len(piece) == 1 and len(piece[0]) <= 3 and piece[0].isdecimal()


def _lowered(word: str) -> str:
    return word if word.isupper() and len(word) > 1 or any(letter.isupper() for letter in word[1:]) else word.lower()


def _distinct(ranked: Iterable[tuple[str, _Term]]) -> tuple[str, ...]:
    """The best; none whose words are all in those before it."""
    seen: set[str] = set()
    chosen: list[str] = []
    for key, term in ranked:
        if seen.issuperset(key.split()):
            continue
        seen.update(key.split())
        chosen.append(term.shown)
        if len(chosen) == MOST_KEYWORDS:
            break
    return tuple(chosen)


def _last_resort(text: str, spoken: set[str]) -> tuple[str, ...]:
    """Of a text without a telling word the longest ones, those that are no time and no name of the speaker if there are others."""
    ranked = sorted(dict.fromkeys(word.lower() for word in words(text)), key=lambda word: (word not in STOPWORDS, len(word)), reverse=True)
    others = [word for word in ranked if not timely(word) and stem(word) not in spoken]
    return tuple(word[:_LONGEST_TERM] for word in (others or ranked)[:2])


def _tags(text: str) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    for word in dict.fromkeys(word.casefold() for word in words(text)):
        for tag in TAGS_OF_WORDS.get(word) or TAGS_OF_WORDS.get(word.removesuffix("'s").removesuffix("s"), ()):
            counts[tag] += 1
    ranked = sorted(counts, key=lambda tag: (-counts[tag], TAGS.index(tag)))
    return tuple(ranked[:MOST_TAGS])


def category_of(tags: Iterable[str]) -> str:
    """The first tag that names a topic."""
    tags = tuple(tags)
    return next((tag for tag in tags if tag not in KINDS), tags[0] if tags else "Uncategorized")


def _context(text: str, keywords: tuple[str, ...], speaker: str, previous: str) -> str:
    """Who, about what, and the first sentence that says something; an answer of few words needs what it answers."""
    said = sentences(text, 8)
    first = next((one for one in said if sum(_speaks(word) for word in words(one)) >= 2), said[0] if said else text)
    about = ", ".join(keywords[:3])
    who = plain(speaker, 40)
    start = f"{who} on {about}" if who and about else who or about
    before = plain(next(iter(sentences(plain(previous[:2_000]), 1)), ""), 80)
    end = f" (after: {before})" if before else ""
    line = f"{start}: {first}" if start else first
    return (plain(line, MOST_CONTEXT - len(end)) + end) or "General"


def _speaks(word: str) -> bool:
    return telling(word) and word.casefold() not in WEAK
