"""A piece of a reply → what should be said: no markup, no emoji, no stage directions; numbers in words (English)."""

import html
import re
import unicodedata

from .reply_filter import ReplyFilter
from .spoken_english import spoken_english

STRETCH = 2_000
"""Characters treated at once; a longer text is cut at white space, so that no input costs more than its length."""

_VERBS = (
    "smil laugh chuckl giggl grin sigh nod wink paus whisper shrug wav gasp cough yawn frown blush bow clap cheer groan hum"
    " sing snort sob cr mumbl murmur snicker smirk beam tilt shak lean clear exhal inhal breath gigg scratch rais rub think ponder"
).split()
_DIRECTION = re.compile(
    rf"(?:(?:\w+ly|long|deep|short|small|soft|big|a|he|she) ){{0,2}}"
    rf"(?:(?:{'|'.join(_VERBS)})\w{{0,2}}(?:s|ing|ter)?|crying|cries|applause|music|silence|beat|pause|sigh|wave|smile)"
    rf"(?: [\w',]+){{0,6}}[.!…]*",
    re.IGNORECASE,
)
_ASIDES = re.compile(r"\*{1,3}([^*\n]{1,60})\*{1,3}|\(([^()\n]{1,60})\)|\[([^\[\]\n]{1,60})\](?!\()")

_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*+(?:-->)?")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*+>|<\|[^<>|\n]*+\|>")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]++)>")
_IMAGE_OR_LINK = re.compile(r"!?\[([^\[\]]*+)\]\((?:[^()]|\([^()]*+\))*+\)")
_REFERENCE = re.compile(r"\[\^?\d{1,3}\](?!\()")
_RULE = re.compile(r"[^\S\n]*+(?:[-*_=|:+~][^\S\n]*+){3,}")
_LINE_START = re.compile(r"[^\S\n]*+(?:>[^\S\n]*+)*+(?:#{1,6}[^\S\n]++|[-*+•▪◦‣][^\S\n]++(?:\[[ xX]?\][^\S\n]*+)?)?")
_CELLS = re.compile(r"[^\S\n]*+\|[^\S\n]*+")

_URL = re.compile(r"(?:https?://|ftp://|mailto:|www\.)[^\s<>\"'()\[\]]++", re.IGNORECASE)
_EMOTICON = re.compile(r"(?<!\S)[:;=][-o']?[()\[\]DPp/\\|3](?!\S)")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2300-\u23ff\u25a0-\u25ff\u2b00-\u2bff][\ufe0e\ufe0f\u200d\U000e0020-\U000e007f]*+"
)
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u20e3\ufe00-\ufe0f\ufeff]")
_SPACE_BEFORE = re.compile(r"\s++(?=[,.;:!?…](?:\s|\Z))")
_HOLLOW = re.compile(r"\(\s*\)|\"\s*\"|“\s*”|«\s*»")
_REPEATED = re.compile(r"([,;:])(?:\s*+[,;:])++")
_LEADING = re.compile(r"\A[\s,;:.!?…)\]}]++")

_LONGEST_HOST = 30


def speakable(text: str, language: str = "en") -> str:
    """What a voice should say for `text`, one piece of a reply; "" where there is nothing to say.

    `language` is an ISO 639-1 code: numbers, units, dates, symbols and abbreviations become words in English; in the
    other languages they are left to the synthesizer.
    """
    reply = ReplyFilter()
    visible = reply.feed(text) + reply.flush()
    english = language.lower().startswith("en")
    said = " ".join(filter(None, (_say(stretch, english) for stretch in _stretches(visible))))
    return said if any(character.isalnum() for character in said) else ""


def _stretches(text: str) -> list[str]:
    """`text` in parts of at most `STRETCH` characters."""
    parts: list[str] = []
    start = 0
    while start < len(text):
        end = start + STRETCH
        if end < len(text):
            space = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
            end = space + 1 if space > start else end
        parts.append(text[start:end])
        start = end
    return parts


def _say(text: str, english: bool) -> str:
    text = _without_markup(_INVISIBLE.sub("", text.replace("\r\n", "\n")).replace("’", "'"))
    text = _URL.sub(lambda url: _address(url.group(), english), text)
    text = " ".join(_EMOJI.sub(" ", _EMOTICON.sub(" ", text)).split())
    if english:
        text = spoken_english(text)
    return _tidy(text)


def _without_markup(text: str) -> str:
    text = _AUTOLINK.sub(r"\1", _COMMENT.sub("", text))
    text = html.unescape(_TAG.sub(" ", text))
    text = _REFERENCE.sub("", _IMAGE_OR_LINK.sub(r"\1", text))
    text = _ASIDES.sub(_aside, text)
    return _joined([_plain_line(line) for line in text.split("\n")])


def _aside(match: re.Match[str]) -> str:
    inner = match[1] or match[2] or match[3] or ""
    return " " if _DIRECTION.fullmatch(inner.strip(" _()[]")) else match.group()


def _plain_line(line: str) -> tuple[str, bool]:
    """The line without its marks, and whether it stood alone: a heading, a list item or a row of a table."""
    if _RULE.fullmatch(line):
        return "", True
    marks = _LINE_START.match(line)
    start = marks.end() if marks else 0
    alone = bool(line[:start].strip())
    line = line[start:].strip()
    if "|" in line:
        line, alone = _CELLS.sub(", ", line).strip(", "), alone or line.startswith("|")
    return line.replace("**", "").replace("__", "").replace("~~", "").replace("`", ""), alone


def _joined(lines: list[tuple[str, bool]]) -> str:
    """One line; what stood alone gets a full stop if something follows it."""
    text, was_alone = "", False
    for line, alone in lines:
        if not line:
            was_alone = was_alone or alone
            continue
        stop = "." if (alone or was_alone) and text and (text[-1].isalnum() or text[-1] in ")\"'*_") else ""
        text = f"{text}{stop} {line}" if text else line
        was_alone = alone
    return text


def _address(url: str, english: bool) -> str:
    """A short web address by its name, a long one as "link"."""
    bare = url.rstrip(".,;:!?*_")
    tail = url[len(bare) :]
    name = bare.split("//", 1)[-1].removeprefix("mailto:").rstrip("/")
    host = name.split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    if not english:
        return host + tail
    return ("link" if name != host or len(host) > _LONGEST_HOST else name.removeprefix("www.")) + tail


def _symbol(character: str) -> str:
    """What is left of a character that no voice can say."""
    if character in "*#`<>|\\^~[]{}=":
        return " "
    if character == "_" or (character not in "°" and unicodedata.category(character) in ("So", "Cs", "Cn", "Co")):
        return " "
    return character


def _tidy(text: str) -> str:
    text = "".join(character if character.isalnum() else _symbol(character) for character in text)
    text = _SPACE_BEFORE.sub("", _HOLLOW.sub(" ", text))
    text = " ".join(_REPEATED.sub(r"\1", text).split())
    return _LEADING.sub("", text)
