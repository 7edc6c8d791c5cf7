"""English words and a moment → the spans of time they speak of ("last week", "in May", "on 7 May 2023", "two years ago")."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS: list[str] = str.split("january february march april may june july august september october november december")
_WEEKDAYS: list[str] = str.split("monday tuesday wednesday thursday friday saturday sunday")
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""First month, as it is in the northern hemisphere: nothing that is said tells which one is meant."""

_COUNTS = {
    **{"a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "three": 3, "few": 3, "several": 4, "four": 4, "five": 5, "six": 6},
    **{"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12},
}
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2200
"""Open spans ("before May") end here, and years outside are plain numbers."""

_CLEAR_MONTHS = "jan(?:uary)?|feb(?:ruary)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
_MONTH = rf"(?P<month>{_CLEAR_MONTHS}|mar(?:ch)?|may)"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_WEEKDAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"
_SEASON = rf"(?P<season>{'|'.join(_SEASONS)})"
_LEAD = "(?P<lead>(?:in|since|during|over|until|till|before|after|by|early|late|mid|of|between|and|to|from)(?:\\s+the)?\\s+)"
"""What makes a month of "may", and a season of "fall"; it is no part of the expression."""

_COUNT = rf"(?:a\s+)?(?P<count>\d{{1,4}}|{'|'.join(sorted(_COUNTS, key=len, reverse=True))})(?:\s+of)?"
_WHICH = r"(?P<which>last|past|previous|this|current|coming|next)"


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` on, up to but without `end`; both in the time zone of the moment that was given."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def windows(text: str, now: datetime) -> tuple[Window, ...]:
    """The spans of time `text` speaks of, seen from `now`, in their order; none if it speaks of no time.

    What has no year is the latest one that has begun ("in May": this year's, or last year's while it is still April). Weeks
    begin on Mondays. "Since" and "before" open a span to one side, "between A and B" joins two.
    """
    found: list[tuple[int, int, Window]] = []
    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            window = _guarded(read, match, now)
            start = match.end("lead") if match.groupdict().get("lead") else match.start()
            if window is not None:
                found.append((start, match.end(), window))
            # What a longer expression has explained is not read a second time: "7 May 2023" is not also the year 2023.
            text = text[:start] + "\0" * (match.end() - start) + text[match.end() :]
    return _joined(text, sorted(found, key=lambda item: item[:2]), now)


def tells_time(text: str) -> bool:
    """Whether it holds words that place something in time ("yesterday", "last week", "since 2016"), with or without a window."""
    return _TIME_WORDS.search(text) is not None


_TIME_WORDS = re.compile(
    rf"""\b(?:yesterday|today|tonight|tomorrow|last|next|ago|since|recently|lately|just
    |this\s+(?:week|weekend|month|year|morning|past|spring|summer|autumn|fall|winter)
    |weekend|(?:day|week|month|year)s?|{"|".join(_WEEKDAYS)}|{"|".join(_MONTHS)}|\d{{4}})\b""",
    re.IGNORECASE | re.VERBOSE,
)


def _guarded(read: Callable[[re.Match[str], datetime], Window | None], match: re.Match[str], now: datetime) -> Window | None:
    """What was read; None for what no calendar has ("31 June", "9999 years ago")."""
    try:
        return read(match, now)
    except (ValueError, OverflowError):
        return None


def _joined(rest: str, found: list[tuple[int, int, Window]], now: datetime) -> tuple[Window, ...]:
    """The windows, with what the words before and between them make of them. `rest`: the text without the expressions."""
    result: list[Window] = []
    before = 0
    between = False
    for start, end, window in found:
        words = rest[before:start]
        if between and re.fullmatch(r"\s*(?:,\s*)?(?:and|to|until|till|through|-|–)\s*(?:the\s+)?", words, re.IGNORECASE):
            result[-1] = _between(result[-1], window)
        elif re.search(r"\b(?:since|after|following)\s+(?:the\s+)?$", words, re.IGNORECASE) and window.start < now:
            since = bool(re.search(r"since\s+(?:the\s+)?$", words, re.IGNORECASE))
            result.append(_ordered(window.start if since else window.end, _tomorrow(now)) or window)
        elif re.search(r"\b(?:before|until|till|prior\s+to)\s+(?:the\s+)?$", words, re.IGNORECASE):
            result.append(Window(_year_start(_EARLIEST_YEAR, now), window.start))
        else:
            result.append(window)
        between = bool(re.search(r"\b(?:between|from)\s+(?:the\s+)?$", words, re.IGNORECASE))
        before = end
    return tuple(window for window in result if window.start < window.end)


def _between(first: Window, last: Window) -> Window:
    """ "From 3 to 7 May 2022": the year that was said last counts for both."""
    start = first.start
    if start >= last.end and (start.month, start.day) != (2, 29):
        start = start.replace(year=last.start.year)
    return _ordered(start, last.end) or last


def _group(match: re.Match[str], name: str) -> str:
    """In small letters; empty if the expression has no such part."""
    return (match.groupdict().get(name) or "").lower()


def _ordered(start: datetime, end: datetime) -> Window | None:
    return Window(start, end) if start < end else None


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _tomorrow(now: datetime) -> datetime:
    return _midnight(now) + timedelta(days=1)


def _year_start(year: int, now: datetime) -> datetime:
    if not _EARLIEST_YEAR <= year <= _LATEST_YEAR:
        raise ValueError(year)
    return _midnight(now).replace(year=year, month=1, day=1)


def _days(start: datetime, days: int = 1) -> Window:
    return Window(start, start + timedelta(days=days))


def _month_window(year: int, month: int, now: datetime, months: int = 1) -> Window:
    """`month` may lie outside 1…12: it counts on into the neighbouring years."""
    first, last = year * 12 + month - 1, year * 12 + month - 1 + months
    return Window(*(_year_start(at // 12, now).replace(month=at % 12 + 1) for at in (first, last)))


def _month_number(match: re.Match[str]) -> int:
    return 1 + next(place for place, name in enumerate(_MONTHS) if name.startswith(match["month"].lower()[:3]))


def _iso(match: re.Match[str], now: datetime) -> Window:
    return _days(_midnight(now).replace(year=int(match["year"]), month=int(match["number"]), day=int(match["day"])))


def _date(match: re.Match[str], now: datetime) -> Window:
    month, day, today = _month_number(match), int(match["day"]), _midnight(now)
    if _group(match, "year"):
        return _days(today.replace(year=int(match["year"]), month=month, day=day))
    # 29 February may be up to eight years back.
    for year in range(today.year, today.year - 9, -1):
        try:
            date = today.replace(year=year, month=month, day=day)
        except ValueError:
            continue
        if date <= today:
            return _days(date)
    raise ValueError(match[0])


def _month(match: re.Match[str], now: datetime) -> Window:
    month, which = _month_number(match), _group(match, "which")
    if _group(match, "year"):
        return _month_window(int(match["year"]), month, now)
    year = now.year if month <= now.month else now.year - 1
    if which in {"last", "past", "previous"} and month == now.month:
        year -= 1
    elif which in {"coming", "next"}:
        year += 1
    elif which in {"this", "current"}:
        year = now.year
    return _month_window(year, month, now)


def _season(match: re.Match[str], now: datetime) -> Window:
    first, which = _SEASONS[match["season"].lower()], _group(match, "which")
    if _group(match, "year"):
        return _month_window(int(match["year"]), first, now, 3)
    window = _month_window(now.year, first, now, 3)
    if window.start > now and which not in {"this", "coming", "next"}:
        window = _month_window(now.year - 1, first, now, 3)
    elif now in window and which in {"last", "past", "previous"}:
        window = _month_window(now.year - 1, first, now, 3)
    elif window.start <= now and which in {"coming", "next"}:
        window = _month_window(now.year + 1, first, now, 3)
    return window


def _year(match: re.Match[str], now: datetime) -> Window:
    return Window(_year_start(int(match["year"]), now), _year_start(int(match["year"]) + 1, now))


def _decade(match: re.Match[str], now: datetime) -> Window:
    digits = int(match["decade"])
    year = digits if digits >= 100 else 1900 + digits if digits > 20 else 2000 + digits
    return Window(_year_start(year, now), _year_start(year + 10, now))


_NAMED_DAYS = {
    "day before yesterday": -2,
    "yesterday": -1,
    "last night": -1,
    "today": 0,
    "tonight": 0,
    "this morning": 0,
    "this afternoon": 0,
    "this evening": 0,
    "tomorrow": 1,
    "day after tomorrow": 2,
}


def _named_day(match: re.Match[str], now: datetime) -> Window:
    return _days(_midnight(now) + timedelta(days=_NAMED_DAYS[" ".join(match["name"].lower().split())]))


def _weekday(match: re.Match[str], now: datetime) -> Window:
    """ "Last Friday" and "on Friday": the latest one before today; "this Friday": of this week; "next Friday": after today."""
    today, which = _midnight(now), _group(match, "which")
    ahead = (_WEEKDAYS.index(match["weekday"].lower()) - today.weekday()) % 7
    if which in {"coming", "next"}:
        return _days(today + timedelta(days=ahead or 7))
    if which in {"this", "current"}:
        return _days(today + timedelta(days=_WEEKDAYS.index(match["weekday"].lower()) - today.weekday()))
    return _days(today + timedelta(days=ahead - 7))


def _unit(match: re.Match[str], now: datetime) -> Window:
    """The week, weekend, month or year that was, is or comes."""
    step = {"this": 0, "current": 0, "coming": 1, "next": 1}.get(match["which"].lower(), -1)
    return _stepped(match["unit"].lower(), step, now)


def _stepped(unit: str, step: int, now: datetime) -> Window:
    monday = _midnight(now) - timedelta(days=now.weekday())
    if unit == "week":
        return _days(monday + timedelta(weeks=step), 7)
    if unit == "weekend":
        return _days(monday + timedelta(weeks=step, days=5), 2)
    if unit == "month":
        return _month_window(now.year, now.month + step, now)
    return _month_window(now.year + step, 1, now, 12)


def _count(match: re.Match[str]) -> int:
    word = match["count"].lower()
    return int(word) if word.isdigit() else _COUNTS[word]


def _ago(match: re.Match[str], now: datetime) -> Window:
    """As exact as the unit: a day, the seven days around it, the calendar month or year."""
    count, unit = _count(match), match["unit"].lower()
    if unit == "day":
        return _days(_midnight(now) - timedelta(days=count))
    if unit == "week":
        return _days(_midnight(now) - timedelta(weeks=count, days=3), 7)
    return _stepped(unit, -count, now)


def _past_units(match: re.Match[str], now: datetime) -> Window:
    """ "The last three weeks": up to and with today."""
    days = _count(match) * {"day": 1, "week": 7, "weekend": 7, "month": 30, "year": 365}[match["unit"].lower()]
    start = _midnight(now) - timedelta(days=days)
    return Window(max(start, _year_start(_EARLIEST_YEAR, now)), _tomorrow(now))


def _reader(pattern: str, read: Callable[[re.Match[str], datetime], Window | None]) -> tuple[re.Pattern[str], Callable[..., Window | None]]:
    return re.compile(rf"(?<![\w-]){pattern}(?![\w-])", re.IGNORECASE), read


_READERS = (
    _reader(rf"{_YEAR}-(?P<number>\d\d)-(?P<day>\d\d)", _iso),
    _reader(rf"{_DAY}\s+(?:of\s+)?{_MONTH}\.?(?:,?\s+(?:of\s+)?{_YEAR})?", _date),
    _reader(rf"{_MONTH}\.?\s+(?:the\s+)?{_DAY}(?:,?\s+{_YEAR})?", _date),
    _reader(rf"(?:(?P<which>last)\s+)?{_MONTH}\.?,?\s+(?:of\s+)?{_YEAR}", _month),
    # "May" and "March" are words of their own, as "fall" and "spring" are: without a year they need a word before them.
    _reader(rf"(?:{_WHICH}\s+|{_LEAD}){_MONTH}", _month),
    _reader(rf"(?P<month>{_CLEAR_MONTHS})", _month),
    _reader(rf"(?:{_WHICH}\s+)?{_SEASON},?\s+(?:of\s+)?{_YEAR}", _season),
    _reader(rf"(?:{_WHICH}\s+|{_LEAD}){_SEASON}", _season),
    _reader(r"(?P<season>summer|winter|autumn)", _season),
    _reader(rf"(?P<name>{'|'.join(name.replace(' ', chr(92) + 's+') for name in sorted(_NAMED_DAYS, key=len, reverse=True))})", _named_day),
    _reader(rf"{_COUNT}\s+(?P<unit>day|week|weekend|month|year)s?\s+(?:ago|before|earlier)", _ago),
    _reader(rf"(?:last|past|previous)\s+{_COUNT}\s+(?P<unit>day|week|weekend|month|year)s?", _past_units),
    _reader(rf"{_WHICH}\s+(?P<unit>weekend|week|month|year)", _unit),
    _reader(rf"(?:{_WHICH}\s+)?{_WEEKDAY}", _weekday),
    _reader(r"(?P<decade>(?:19|20)?\d0)'?s", _decade),
    _reader(_YEAR, _year),
)
"""Longest first: each takes what it reads out of the text."""
