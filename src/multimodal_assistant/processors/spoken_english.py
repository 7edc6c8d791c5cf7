"""English text with figures, signs and abbreviations → the same in words."""

import re
from collections.abc import Callable

from .numerals import cardinal, digits, number, ordinal, plural, year

_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
_FIGURE = r"(?:\d{1,3}(?:,\d{3}){1,5}|\d++)(?:\.\d++)?"
_START = r"(?<![\w.,])"
_END = r"(?![\w]|[.,]\d)"

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
    (r"\bNos?\.(?=\s*\d)", "number"),
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
    (r"\s*={1,3}\s*", " equals "),
    (r"(?<=\w)\s*<\s*(?=[\w$€£])", " is less than "),
    (r"(?<=\w)\s*>\s*(?=[\w$€£])", " is greater than "),
    (r"(?<=\d)\+(?!\w)", " plus"),
    (r"\s*\+\s*", " plus "),
    (r"(?<=\w) - (?=\d++ ?=)", " minus "),
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


def _money(match: re.Match[str]) -> str:
    major, minor = _CURRENCIES[match["sign"] or match["after"]]
    figure = match["figure"].replace(",", "")
    minus = "minus " if match["minus"] else ""
    tail = " per" if match["per"] else ""
    if magnitude := match["magnitude"]:
        return f"{minus}{number(figure)} {_MAGNITUDES.get(magnitude.lower(), magnitude)} {_counted('2', major)}{tail}"
    whole, _, fraction = figure.partition(".")
    if fraction and (len(fraction) != 2 or not minor):
        return f"{minus}{number(figure)} {_counted('2', major)}{tail}"
    said = f"{number(whole)} {_counted(whole, major)}"
    if cents := int(fraction or "0"):
        said_cents = f"{cardinal(cents)} {_counted(str(cents), minor)}"
        said = said_cents if whole == "0" else f"{said} and {said_cents}"
    return f"{minus}{said}{tail} " if tail else f"{minus}{said}"


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
