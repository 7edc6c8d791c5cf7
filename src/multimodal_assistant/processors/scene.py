"""What was recognized in one picture after another → what is in view, in words. Pure.

A recognizer changes its mind from frame to frame (its labels flicker 34 times in 80 samples of a street scene); what is told does not.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from multimodal_assistant.core.types import Box, Guess, Sighting, WrittenLine

SURE = 0.5
"""Probability from which a thing is named without a doubt."""
POSSIBLE = 0.35
"""From here it is named, with a "perhaps", once it was seen in two of three frames."""
LOOKS_LIKE = 0.85
MAY_BE = 0.35
"""Probabilities from which the picture as a whole is said to be like something."""
LEGIBLE = 0.8
"""Probability from which writing is quoted."""
_MEMORY = 3  # frames
_LINGERS = 3.0  # seconds that a thing which is no longer seen is told
_MOST_THINGS = 6
_MOST_WRITING = 300  # characters
_WIDE = 0.6  # of the picture's width: what fills it is at no side

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_PLURALS = {"person": "people", "knife": "knives", "mouse": "mice", "sheep": "sheep", "scissors": "scissors", "skis": "skis"}
_MASS = {"broccoli", "scissors", "skis", "nobody"}
_DETERMINED = ("a ", "an ", "the ", "some ", "two ")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the recognizers made of one picture."""

    sightings: tuple[Sighting, ...] = ()
    guesses: tuple[Guess, ...] = ()
    """Of the picture as a whole, the best first."""
    lines: tuple[WrittenLine, ...] = ()
    colours: Mapping[str, str] = field(default_factory=dict[str, str])
    """Label → the colour of the surest thing of that kind; "" → of what is in the middle. What has no plain colour is missing."""
    dark: bool = False
    """Nothing but darkness: it may be the night, or a hand over the lens."""


class Scene:
    """What is in view, as far as the last frames agree."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, Seen]] = deque(maxlen=_MEMORY)
        self._told: dict[str, tuple[float, Sighting, int]] = {}

    def clear(self) -> None:
        """Something else is in view."""
        self._frames.clear()
        self._told.clear()

    def see(self, seen: Seen, at: float) -> None:
        """The next frame, at these seconds."""
        if seen.dark:
            self.clear()
        self._frames.append((at, seen))
        counts = Counter(one.label for one in seen.sightings if one.probability >= POSSIBLE)
        for sighting in seen.sightings:
            label = sighting.label
            known = self._told.get(label)
            agreed = sighting.probability >= SURE or self._frames_with(label) >= 2 or known is not None
            if sighting.probability >= POSSIBLE and agreed and (known is None or known[0] < at):
                best = sighting if known is None or sighting.probability >= SURE else _surer(sighting, known[1])
                self._told[label] = (at, best, counts[label])
        for label in [label for label, (last, _, _) in self._told.items() if at - last > _LINGERS]:
            del self._told[label]

    def read(self, lines: Iterable[WrittenLine]) -> None:
        """The writing in the last frame, where somebody wanted to know."""
        if self._frames:
            at, seen = self._frames[-1]
            self._frames[-1] = (at, replace(seen, lines=tuple(lines)))

    @property
    def unsure(self) -> bool:
        """Whether another look at the same scene may tell more."""
        doubtful = any(POSSIBLE <= one.probability < SURE for _, seen in self._frames for one in seen.sightings)
        return doubtful and len(self._frames) < _MEMORY

    @property
    def seen(self) -> Seen:
        """The last frame as it is told: with what it agrees on with those before it."""
        if not self._frames:
            return Seen()
        latest = self._frames[-1][1]
        kept = [one for label, (_, best, count) in self._told.items() for one in _counted(best, count, latest, label)]
        return replace(latest, sightings=tuple(sorted(kept, key=lambda one: -one.probability)))

    def _frames_with(self, label: str) -> int:
        return sum(any(one.label == label and one.probability >= POSSIBLE for one in seen.sightings) for _, seen in self._frames)


def _surer(new: Sighting, old: Sighting) -> Sighting:
    return Sighting(new.label, max(new.probability, old.probability), new.box)


def _counted(best: Sighting, count: int, latest: Seen, label: str) -> list[Sighting]:
    """The sightings of one label: those of the latest frame, the best of them as sure as it has been."""
    now = [one for one in latest.sightings if one.label == label and one.probability >= POSSIBLE]
    return [best, *now[1:]] if now else [best] * max(count, 1)


def in_words(seen: Seen) -> str:
    """What is in view, in one or two sentences that make no more of it than there is."""
    if seen.dark:
        return "Nothing but darkness: the lens may be covered, or it is dark."
    things = _things(seen.sightings)
    sentences = [f"{_joined(things)[0].upper()}{_joined(things)[1:]}."] if things else []
    likeness = _likeness(seen.guesses, {one.label for one in seen.sightings})
    if likeness:
        sentences.append(likeness if things else likeness.replace("It", "The picture", 1))
    if writing := _writing(seen.lines):
        sentences.append(f"It says: “{writing}”")
    return " ".join(sentences) or "Nothing that could be recognized."


def _things(sightings: Iterable[Sighting]) -> list[str]:
    groups: dict[str, list[Sighting]] = {}
    for one in sightings:
        groups.setdefault(one.label, []).append(one)
    return [_thing(label, group) for label, group in list(groups.items())[:_MOST_THINGS]]


def _thing(label: str, group: list[Sighting]) -> str:
    doubt = "" if group[0].probability >= SURE else "perhaps "
    if len(group) > 1:
        number = NUMBERS[len(group)] if len(group) < len(NUMBERS) else str(len(group))
        return f"{doubt}{number} {plural(label)}"
    return f"{doubt}{one_of(label)}{place(group[0].box)}"


def place(box: Box) -> str:
    """Where it is, after a space: the third of the picture that its middle is in; "" for what fills it."""
    if box.width >= _WIDE:
        return ""
    centre = box.left + box.width / 2
    return " on the left" if centre < 1 / 3 else " on the right" if centre > 2 / 3 else " in the middle"


def _likeness(guesses: tuple[Guess, ...], named: set[str]) -> str:
    if not guesses or guesses[0].probability < MAY_BE or guesses[0].label in named:
        return ""
    best = guesses[0]
    verb = "looks like" if best.probability >= LOOKS_LIKE else "may be"
    return f"It {verb} {one_of(best.label)}."


def _writing(lines: Iterable[WrittenLine]) -> str:
    text = " / ".join(line.text for line in lines if line.probability >= LEGIBLE)
    return text if len(text) <= _MOST_WRITING else text[:_MOST_WRITING].rsplit(" ", 1)[0] + " …"


def one_of(label: str) -> str:
    """ "a cup", "an apple", "scissors"; "a mug of tea" as it is."""
    return label if label in _MASS or label.startswith(_DETERMINED) else f"{article(label)} {label}"


def article(noun: str) -> str:
    """ "a" or "an", by the letter: English spelling says it rightly of the labels there are."""
    return "an" if noun[:1].lower() in "aeiou" else "a"


def plural(noun: str) -> str:
    """English, for the labels there are."""
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
