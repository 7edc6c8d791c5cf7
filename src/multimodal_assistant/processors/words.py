"""What single words say about a turn: is it unfinished, mere listening, or a wish for silence?"""

import re

_TRAILING = frozenset(
    """a about also an and as because but by for from if into it's like my of or our so than that the their then these this
    those to um uh er erm hmm well when where which while whose with would your i'm you're let's""".split()
)
"""English words that hardly ever end a statement."""

_BACKCHANNELS = frozenset(
    """ah aha alright cool exactly fine good great hm hmm huh interesting mhm mm mmm mhmm nice oh ok okay really right sure
    true uh-huh uhhuh wow yeah yep yes yup""".split()
)
"""Said while listening: the speaker does not want the floor."""

_STOPS = frozenset("stop wait quiet silence pause enough cancel hush".split())
_STOP_PHRASES = (
    "hold on",
    "hang on",
    "shut up",
    "be quiet",
    "never mind",
    "no no",
    "one moment",
    "one second",
    "just a moment",
    "just a second",
)
_NOT_SPEECH = re.compile(r"[\[(*][^\])*]*[\])*]")  # "[BLANK_AUDIO]", "(coughs)"


def words_of(text: str) -> list[str]:
    """Lower-case words without marks."""
    return re.findall(r"\w+(?:['-]\w+)*", _NOT_SPEECH.sub(" ", text.lower().replace("’", "'")))


def trails_off(text: str) -> bool:
    """Whether it ends with a word that wants another one, or with three dots. A question never does ("What is it like?")."""
    words = words_of(text)
    ended = text.rstrip()
    return bool(words) and not ended.endswith(("?", "!")) and (words[-1] in _TRAILING or ended.endswith(("...", "…", "-", "–", ",")))


def is_backchannel(text: str) -> bool:
    """Whether every word of it is one that listeners say ("mm-hm", "yeah, right"); nothing at all counts too."""
    words = [part for word in words_of(text) for part in word.split("-") if part]
    return all(word in _BACKCHANNELS or word in {"mm", "hm", "uh", "huh", "i", "see", "got", "it"} for word in words)


def asks_to_stop(text: str) -> bool:
    """Whether it asks for silence, alone or after hesitation ("umm, okay, stop")."""
    words = words_of(text)
    plain = " ".join(words)
    refuses = plain in {"no", "nope"} or (plain.startswith("no ") and words[1] not in {"way", "problem", "worries", "doubt"})
    return refuses or any(word in _STOPS for word in words[:4]) or plain.startswith(_STOP_PHRASES)
