"""English text with figures, signs and abbreviations → the same in words."""

import re
from collections.abc import Callable

from .numerals import cardinal, digits, number, ordinal, plural, year

_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_FIGURE = r"(?:\d{1,3}(?:,\d{3}(?!\d)){1,5}|\d++)(?:\.\d++)?"
_START = r"(?<![\w.,/])"

_CURRENCIES = {
    "$": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "£": ("pound", "penny"),
    "¥": ("yen", ""),
    "₹": ("rupee", "paisa"),
}
_PLURALS = {"penny": "pence", "paisa": "paise", "yen": "yen", "foot": "feet", "inch": "inches", "hertz": "hertz", "Celsius": "Celsius"}
_MAGNITUDES = {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion", "t": "trillion"}

_UNITS = {
    "km/h": "kilometer per hour", "m/s": "meter per second", "mph": "mile per hour", "kbps": "kilobit per second",
    "Mbps": "megabit per second", "Gbps": "gigabit per second", "fps": "frame per second", "km": "kilometer", "m": "meter",
    "cm": "centimeter", "mm": "millimeter", "mi": "mile", "ft": "foot", "yd": "yard", "kg": "kilogram", "g": "gram", "mg": "milligram",
    "lb": "pound", "lbs": "pound", "oz": "ounce", "l": "liter", "L": "liter", "ml": "milliliter", "mL": "milliliter", "KB": "kilobyte",
    "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "W": "watt", "kW": "kilowatt", "kWh": "kilowatt hour", "MW": "megawatt", "V": "volt",
    "ms": "millisecond", "s": "second", "sec": "second", "min": "minute", "hr": "hour", "hrs": "hour", "h": "hour", "dB": "decibel",
    "kcal": "kilocalorie", "m²": "square meter", "km²": "square kilometer", "m³": "cubic meter", "°C": "degree Celsius",
    "°F": "degree Fahrenheit", "°": "degree", "%": "percent",
}  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))

_FRACTIONS = {2: "half", 4: "quarter"}
_VULGAR = {"½": "one half", "¼": "one quarter", "¾": "three quarters", "⅓": "one third", "⅔": "two thirds", "⅛": "one eighth"}

_ABBREVIATIONS: tuple[tuple[str, str], ...] = (
    (r"\bDr\.(?=\s+[A-Z])", "Doctor"),
    (r"\bMr\.(?=\s)", "Mister"),
    (r"\bMrs\.(?=\s)", "Missus"),
    (r"\bMs\.(?=\s+[A-Z])", "Ms"),
    (r"\bProf\.(?=\s)", "Professor"),
    (r"\bSt\.(?=\s+[A-Z])", "Saint"),
    (r"(?<=[a-z] )St\.", "Street"),
    (r"\bMt\.(?=\s+[A-Z])", "Mount"),
    (r"\bJr\.", "Junior"),
    (r"\bSr\.", "Senior"),
    (r"\be\.\s?g\.", "for example"),
    (r"\bi\.\s?e\.", "that is"),
    (r"\betc\.(?=\s*+(?:\Z|[A-Z\"')]))", "et cetera."),
    (r"\betc\b\.?", "et cetera"),
    (r"\bvs\b\.?", "versus"),
    (r"\bapprox\.", "approximately"),
    (r"\bdept\.", "department"),
    (r"\b[Ff]igs?\.(?=\s*\d)", "figure"),
    (r"\bpp\.(?=\s*\d)", "pages"),
    (r"\bp\.(?=\s*\d)", "page"),
    (r"\b[Nn]os?\.(?=\s*\d)", "number"),
    (r"\bvol\.(?=\s*\d)", "volume"),
    (r"\bw/o\b", "without"),
    (r"\bw/(?=\s)", "with"),
)
_SIGNS: tuple[tuple[str, str], ...] = (
    (r"#(?=\d)", "number "),
    (r"\b([A-G])#(?!\w)", r"\1 sharp"),
    (r"\b([A-Za-z])\+\+", r"\1 plus plus"),
    (r"(?<=[A-Za-z])&(?=[A-Za-z])", " and "),
    (r"\s*&\s*", " and "),
    (r"\s*(?:<=|≤)\s*", " is at most "),
    (r"\s*(?:>=|≥)\s*", " is at least "),
    (r"\s*(?:!=|≠)\s*", " is not equal to "),
    (r"\s*(?:[-=]>|→|⇒)\s*", " to "),
    (r"(?<=\w) - (?=\d++ ?=)", " minus "),
    (r"\s*={1,3}\s*", " equals "),
    (r"(?<=\w)\s*<\s*(?=[\w$€£])", " is less than "),
    (r"(?<=\w)\s*>\s*(?=[\w$€£])", " is greater than "),
    (r"(?<=\d)\+(?!\w)", " plus"),
    (r"\s*\+\s*", " plus "),
    (r"(?<=\d)x\b", " times"),
    (r"(?<=[\d)]) ?× ?(?=[\d(])|(?<=\d) \* (?=\d)|(?<=\d) x (?=\d)", " times "),
    (r" ?÷ ?", " divided by "),
    (r" ?± ?", " plus or minus "),
    (r"(?<!\w)[~≈] ?(?=[\d$€£])", "about "),
    (r"\^2\b|(?<=[A-Za-z])²", " squared"),
    (r"\^3\b|(?<=[A-Za-z])³", " cubed"),
    (r"(?<=\w)\^(?=\w)", " to the power of "),
    (r"(?<=\d)\s*%", " percent"),
)
_DOTTED = re.compile(r"(?<![\w.])(?:[\w+-]{1,64}@)?\w[\w-]{0,63}(?:\.\w[\w-]{0,63}){1,8}")
_SUFFIX = re.compile(r"[a-z][a-z0-9]{0,5}")


def spoken_english(text: str) -> str:
    """Put figures, money, dates, times, units, signs and common abbreviations into English words."""
    text = text.replace("\u2212", "-")
    for pattern, word in _COMPILED_ABBREVIATIONS:
        text = pattern.sub(word, text)
    for pattern, say in _NUMERIC:
        text = pattern.sub(say, text)
    text = _DOTTED.sub(_dotted, text)
    for pattern, word in _COMPILED_SIGNS:
        text = pattern.sub(word, text)
    text = _HANDLE.sub(r" at \1", text)
    for pattern, say in _PLAIN_NUMBERS:
        text = pattern.sub(say, text)
    return _SLASH.sub(" ", text)


def _dotted(match: re.Match[str]) -> str:
    """ "example.com" → "example dot com"; "U.S.A" and "3.14" stay as they are."""
    name = match.group()
    parts = name.split(".")
    if "@" not in name and (not _SUFFIX.fullmatch(parts[-1]) or all(len(part) == 1 for part in parts)):
        return name
    return " dot ".join(parts).replace("@", " at ")


def _counted(count: str, unit: str) -> str:
    """The unit in the number that `count` (figures) asks for."""
    if count == "1" or unit == "percent":
        return unit
    head, per, tail = unit.partition(" per ")
    if " " in head and not head.startswith("degree"):
        first, _, last = head.rpartition(" ")
        head = f"{first} {plural(last)}"
    elif head.startswith("degree"):
        head = head.replace("degree", "degrees")
    else:
        head = _PLURALS.get(head) or (head if head.endswith("hertz") else plural(head))
    return head + per + tail


def _amount(sign: str, figure: str, magnitude: str | None) -> str:
    major, minor = _CURRENCIES[sign]
    figure = figure.replace(",", "")
    if magnitude:
        return f"{number(figure)} {_MAGNITUDES.get(magnitude.lower(), magnitude)} {_counted('2', major)}"
    whole, _, fraction = figure.partition(".")
    if fraction and (len(fraction) != 2 or not minor):
        return f"{number(figure)} {_counted('2', major)}"
    said = f"{number(whole)} {_counted(whole, major)}"
    cents = int(fraction or "0")
    if not cents:
        return said
    said_cents = f"{cardinal(cents)} {_counted(str(cents), minor)}"
    return said_cents if whole == "0" else f"{said} and {said_cents}"


def _money(match: re.Match[str]) -> str:
    minus, per = "minus " if match["minus"] else "", " per " if match["per"] else ""
    return minus + _amount(match["sign"], match["figure"], match["magnitude"]) + per


def _money_after(match: re.Match[str]) -> str:
    return _amount(match["sign"], match["figure"], None)


def _date(month: int, day: int, of_year: str) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{_MONTHS[month - 1]} {ordinal(day)}, {_year(of_year)}"


def _year(text: str) -> str:
    return year(int(text)) if len(text) == 4 and 1100 <= int(text) <= 2099 else number(text)


def _iso_date(match: re.Match[str]) -> str:
    return _date(int(match[2]), int(match[3]), match[1]) or match.group()


def _slash_date(match: re.Match[str]) -> str:
    first, second = int(match[1]), int(match[2])
    return _date(first, second, match[3]) or _date(second, first, match[3]) or match.group()


def _month_name(text: str) -> str:
    return next(month for month in _MONTHS if month.startswith(text[:3]))


def _month_day(match: re.Match[str]) -> str:
    month, day = match["month"], int(match["day"])
    if not 1 <= day <= 31:
        return match.group()
    return f"{_month_name(month)} {ordinal(day)}" + (f", {_year(match['year'])}" if match["year"] else "")


def _day_month(match: re.Match[str]) -> str:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return match.group()
    return f"{ordinal(day)} of {_month_name(match['month'])}" + (f", {_year(match['year'])}" if match["year"] else "")


def _time(match: re.Match[str]) -> str:
    hour, minute, second = int(match[1]), int(match[2]), match[3]
    half = f" {match['half'].upper()} M" if match["half"] else ""
    if half and match.group().endswith(".") and match.end() == len(match.string):
        half += "."
    if hour > 24 or minute > 59:
        return match.group()
    said = cardinal(hour)
    if minute or second or (half and not hour):
        said += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}" if minute else " oh oh" if second else ""
    elif not half:
        said = "midnight" if not hour else f"{said} hundred" if hour > 12 else f"{said} o'clock"
    return f"{said} {cardinal(int(second))}{half}" if second else said + half


def _hour(match: re.Match[str]) -> str:
    stop = "." if match.group().endswith(".") and match.end() == len(match.string) else ""
    return f"{cardinal(int(match[1]))} {match[2].upper()} M{stop}"


def _digit_groups(match: re.Match[str]) -> str:
    groups = ", ".join(filter(None, map(digits, re.split(r"\D+", match.group()))))
    return f"plus {groups}" if match.group().startswith("+") else groups


def _version(match: re.Match[str]) -> str:
    parts = match[2].split(".")
    joint = " dot " if len(parts) == 4 else " point "
    return ("version " if match[1] else "") + joint.join(number(part) for part in parts)


def _fraction(match: re.Match[str]) -> str:
    above, below = int(match["above"]), int(match["below"])
    and_ = " and " if match["whole"] else ""
    if (above, below) in ((24, 7), (9, 11)):
        return f"{and_}{cardinal(above)} {cardinal(below)}"
    if above == below:
        return f"{and_}{cardinal(above)} out of {cardinal(below)}"
    if below < 2 or above > below:
        return f"{and_}{cardinal(above)} over {cardinal(below)}"
    part = _FRACTIONS.get(below) or ordinal(below)
    return f"{and_}{cardinal(above)} {part if above == 1 else plural(part)}"


def _vulgar(match: re.Match[str]) -> str:
    return (" and " if match[1] else " ") + _VULGAR[match[2]]


def _unit(match: re.Match[str]) -> str:
    figure = match["figure"].replace(",", "")
    return f"{'minus ' if match['minus'] else ''}{number(figure)} {_counted(figure, _UNITS[match['unit']])}"


def _decade(match: re.Match[str]) -> str:
    figure = match["full"] or match["short"]
    return (match["before"] or "") + plural(year(int(figure)) if match["full"] else cardinal(int(figure)))


def _scientific(match: re.Match[str]) -> str:
    return f"{number(match['figure'])} times ten to the {cardinal(int(match['power']))}"


def _plain_number(match: re.Match[str]) -> str:
    figure, letter = match["figure"], match["letter"]
    tail = "" if letter is None else " "
    if len(figure) == 4 and figure.isdigit() and not match["minus"]:
        return _year(figure) + tail
    return ("minus " if match["minus"] else "") + number(figure) + tail


_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_NUMERIC: tuple[_Rule, ...] = (
    (re.compile(rf"{_START}(\d{{4}})-(\d{{2}})-(\d{{2}})(?![\w-])"), _iso_date),
    (re.compile(rf"{_START}(\d{{1,2}})/(\d{{1,2}})/(\d{{4}})(?![\w/])"), _slash_date),
    (re.compile(rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.]\d)(?:,? (?P<year>\d{{4}})\b)?"), _month_day),
    (re.compile(rf"{_START}(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? (?P<year>\d{{4}})\b)?"), _day_month),
    (re.compile(r"(?<![\w:.])(\d{1,2}):(\d{2})(?::(\d{2}))?(?![\d:])(?: ?(?P<half>[aApP])\.? ?[mM]\b\.?)?"), _time),
    (re.compile(rf"{_START}(\d{{1,2}}) ?([aApP])(?:\. ?[mM]\.|[mM]\b)"), _hour),
    (re.compile(r"(?<![\w+])\+\d[\d ().-]{6,20}\d\b"), _digit_groups),
    (re.compile(rf"{_START}(?:1[ .-])?\(?\d{{3}}\)?[ .-]\d{{3}}[ .-]\d{{4}}(?![\w-])"), _digit_groups),
    (
        re.compile(rf"{_START}(?<!-)(?:\d{{2,6}}(?:-\d{{2,6}}){{2,5}}|\d{{3}}-(?!\d\d00)\d{{4}}|\d{{4}}(?: \d{{4}}){{2,4}})(?![\w-])"),
        _digit_groups,
    ),
    (
        re.compile(
            rf"(?<!\w)(?P<minus>-)?(?:US)?(?P<sign>[$€£¥₹]) ?(?P<figure>{_FIGURE})"
            r"(?: ?(?P<magnitude>million|billion|trillion|thousand|[kKMBT]|bn|mn)\b)?(?P<per>/(?=[a-z]))?"
        ),
        _money,
    ),
    (re.compile(rf"{_START}(?P<figure>{_FIGURE}) ?(?P<sign>[€£¥₹])(?!\d)"), _money_after),
    (re.compile(r"(?<![\w.])([vV])(\d{1,9}(?:\.\d{1,9}){0,5})\b"), _version),
    (re.compile(rf"{_START}()(\d{{1,9}}(?:\.\d{{1,9}}){{2,5}})\b"), _version),
    (re.compile(rf"{_START}(?P<from>{_FIGURE}%?)(?:-| ?[–—] ?)(?=\d)"), lambda match: f"{match['from']} to "),
    (re.compile(r"(?:(?P<whole>(?<=\d) )|(?<![\w/.,]))(?P<above>\d{1,3})/(?P<below>\d{1,3})(?![\w/])"), _fraction),
    (re.compile(r"(?<=(\d))?[ ]?([½¼¾⅓⅔⅛])"), _vulgar),
    (
        re.compile(
            r"(?P<before>\b(?:the|early|late|mid|my|his|her|their|your)[ -])?(?<!\w)'?(?:(?P<full>1[1-9]\d0|20\d0)|(?P<short>[2-9]0))'?s\b"
        ),
        _decade,
    ),
    (re.compile(rf"(?<![\w.,])(?P<figure>{_FIGURE})[eE](?P<power>[+-]?\d{{1,3}})\b"), _scientific),
    (re.compile(rf"(?<![\w.,])(?P<minus>-)?(?P<figure>{_FIGURE}) ?(?P<unit>{_UNIT})(?![\w/²³])"), _unit),
    (re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:st|nd|rd|th)\b"), lambda match: ordinal(int(match[1].replace(",", "")))),
)
_PLAIN_NUMBERS: tuple[_Rule, ...] = (
    (re.compile(r"(?<![\w.])\.(\d++)"), lambda match: f"point {digits(match[1])}"),
    (re.compile(r"(?<!\w)(?P<figure>\d{1,3}):(?=\d)"), lambda match: f"{number(match['figure'])} to "),
    (re.compile(rf"(?<!\w)(?P<minus>(?<![\w).])-)?(?P<figure>{_FIGURE})(?P<letter>(?=[^\W\d_]))?"), _plain_number),
)
_COMPILED_ABBREVIATIONS = tuple((re.compile(pattern), word) for pattern, word in _ABBREVIATIONS)
_COMPILED_SIGNS = tuple((re.compile(pattern), word) for pattern, word in _SIGNS)
_HANDLE = re.compile(r"\s*+@\s*+(\w|\Z)")
_SLASH = re.compile(r"\s*+/++\s*+")
