"""A question about what is in view, and what was recognized there → the answer, where that is all it takes. Pure; English.

The small language models answer "yes" to "is there a dog?" whatever they are told is in view, and miscount; a rule does not. What it cannot
answer goes to the model, with the scene in words.
"""

import re
from collections.abc import Iterable

from multimodal_assistant.core.types import Sighting, WrittenLine

from .scene import LEGIBLE, LOOKS_LIKE, MAY_BE, NUMBERS, SURE, Seen, in_words, one_of, place, plural
from .visual_intent import wants_reading
from .visual_words import kinds_of, labels_for, singular

_LEAD = re.compile(
    r"^(?:(?:hey|hi|hello|okay|ok|so|and|but|well|now|please|look|yes|no|um|uh|actually|assistant|"
    r"(?:can|could|would) you (?:please )?tell me|tell me|do you know|i wonder|i want to know|then|also)[ ,.!:]+)+"
)
_WHERE_IN = (
    r"(?: (?:in|on|at|inside|within|behind|beside|near|next to|in front of|around|here|there|now|right now|today|anywhere|"
    r"somewhere|from|through|that|which|who|with|over|too|as well|at all|please|holding)\b.*)?$"
)
_A = r"(?:a|an|any|some|the|my|your|our|one|another|other|more|that|this|these|those|two|three|four|five)"

_EXISTS = re.compile(
    rf"^(?:(?:is|are) there(?: also)?|(?:do|can|could|did) you (?:see|recogni[sz]e|spot|make out)|have you seen|"
    r"is(?= (?:any|some)(?:body|one))) "
    rf"(?:(?:really|actually|still|also|perhaps|maybe) )?(?:(?:{_A}) )*(?P<thing>[a-z][a-z' -]*?){_WHERE_IN}"
)
_IS = re.compile(
    rf"^(?:is (?:this|that|it) (?:really |actually )?(?:an?|the|my|your)|are (?:these|those|they)(?: really| actually)?) "
    rf"(?P<thing>[a-z][a-z' -]*?){_WHERE_IN}"
)
_COUNT = re.compile(r"^how many (?P<thing>[a-z][a-z' -]*?)(?: (?:are|is|do|can|did|am|have)\b.*| (?:in|on|at|here|there|behind)\b.*)?$")
_WHERE = re.compile(rf"^(?:where(?:'s| is| are)|on which side (?:is|are)) (?:{_A} )*(?P<thing>[a-z][a-z' -]*?)(?: (?:now|in|on|at)\b.*)?$")
_WHO = re.compile(r"^who(?:'s| is| are| do| can)\b(?!.*\bpainted|.*\bwrote|.*\bmade)")
_KIND = re.compile(r"^(?:what|which)(?: kind of| sort of| type of)? (?P<kind>[a-z]+)s? (?:is|are|do|can|am)\b")
_HOLDING = re.compile(r"^what(?:'s| is| am| are)?\b.*\b(?:i holding|in my (?:\w+ )?hands?|i showing|i carrying)\b")
_WHAT = re.compile(
    r"^(?:what (?:was|were) (?:that|this|it|those)|what did (?:i|we|he|she)|(?:did|do) you (?:just )?see (?:that|it)$|"
    r"what (?:else )?(?:do|can|did|are) you (?:just )?(?:see|seeing|looking at)|what(?:'s| is| are) (?:this|that|these|those|it|here|there|"
    r"in (?:view|front)|(?:in|on) (?:the|this|that|my) (?:picture|image|photo|photograph|camera|screen|frame|view|video))|"
    r"describe|look at (?:this|that|me|it)|have a look|"
    r"take a look|what am i (?:looking at|pointing at)|what does (?:this|that|it) (?:look like|show)|what(?:'s| is) going on|can you see$|"
    r"(?:do|can) you see (?:this|that|it|anything|something|what)\b)"
)
_ON = re.compile(
    r"^what(?:'s| is| are)? (?:(?:there|lying|standing) )?(?:on|in|under|behind|beside) "
    r"(?:the|my|this|that|your) (?P<thing>[a-z][a-z' -]*)$"
)
_COLOUR = re.compile(
    rf"^(?:what|which) colou?rs? (?:is|are|has|have|does)(?: (?:this|that|these|those|it|they)(?= |$))?"
    rf"(?: {_A})*(?: (?P<thing>[a-z][a-z' -]*?))?{_WHERE_IN}"
)
_CLOTHES = {"shirt", "t-shirt", "sweater", "jumper", "jacket", "dress", "top", "hoodie", "blouse", "coat", "pullover", "clothes"}
_ANYBODY = {"me", "anybody", "anyone", "somebody", "someone", "us", "myself"}
_ANYTHING = {"anything", "something", "this", "that", "it", "what", "everything"}


def answered(said: str, seen: Seen) -> str:
    """The answer; "" where it takes more than what was recognized."""
    question = _LEAD.sub("", re.sub(r"\s+", " ", said.lower().replace("\u2019", "'")).strip()).strip(" .?!,")
    if seen.dark:
        return f"I see n{in_words(seen)[1:]}"
    if wants_reading(question):
        return _reading(seen.lines)
    for pattern, answer in ((_COUNT, _count), (_WHERE, _where), (_EXISTS, _exists), (_IS, _is), (_ON, _on)):
        if (match := pattern.match(question)) and (found := answer(match["thing"].strip(), seen)):
            return found
    return _of_all(question, seen)


def _of_all(question: str, seen: Seen) -> str:
    """What asks for no thing by its name."""
    if _HOLDING.match(question):
        return _held(seen)
    if match := _COLOUR.match(question):
        return _colour(match["thing"] or "", seen)
    if _WHO.match(question):
        return _who(seen)
    if (match := _KIND.match(question)) and (kinds := kinds_of(singular(match["kind"]))):
        return _which(match["kind"], kinds, seen)
    return described(seen) if _WHAT.match(question) else ""


def described(seen: Seen) -> str:
    """All of it, as the assistant says it."""
    if seen.sightings:
        words = in_words(seen)
        return f"I see {words[0].lower()}{words[1:]}"
    if seen.guesses and seen.guesses[0].probability >= MAY_BE or _legible(seen.lines):
        return in_words(seen).replace("The picture", "It", 1)
    return "I see something, but nothing that I recognize."


def _legible(lines: Iterable[WrittenLine]) -> list[str]:
    return [line.text for line in lines if line.probability >= LEGIBLE]


def _reading(lines: Iterable[WrittenLine]) -> str:
    read = _legible(lines)
    return f"It says: {'; '.join(read)}." if read else "I see no writing that I can read."


def _sightings(labels: set[str], seen: Seen) -> list[Sighting]:
    return [one for one in seen.sightings if one.label in labels]


def _guess(labels: set[str], thing: str, seen: Seen) -> str:
    """What the picture as a whole says of that thing."""
    for guess in seen.guesses:
        words = {singular(word) for word in guess.label.lower().split()}
        if guess.probability >= MAY_BE and (words & {singular(thing), *thing.split()} or guess.label in labels):
            verb = "looks like" if guess.probability >= LOOKS_LIKE else "may be"
            return f"It {verb} {one_of(guess.label)}."
    return ""


def _exists(thing: str, seen: Seen) -> str:
    if thing in _ANYBODY:
        thing = "person"
    if thing in _ANYTHING:
        return described(seen)
    labels = labels_for(thing)
    found = _sightings(labels, seen)
    if found:
        sure = found[0].probability >= SURE
        label = found[0].label
        what = f"{one_of(label)}{place(found[0].box)}" if len(found) == 1 else f"{_number(len(found))} {plural(label)}"
        return f"Yes, I see {what}." if sure else f"Perhaps: I think I see {what}."
    if guess := _guess(labels, thing, seen):
        return guess
    if not labels:
        return f"I cannot tell: I do not know {thing} by sight."
    rest = f" {described(seen)}" if seen.sightings else ""
    return f"No, I see no {singular(thing)}.{rest}"


def _is(thing: str, seen: Seen) -> str:
    """As `_exists`, but an unknown word may be no thing at all: "are these fresh"."""
    return _exists(thing, seen) if labels_for(thing) or _guess(set(), thing, seen) else ""


def _count(thing: str, seen: Seen) -> str:
    if thing in {"fingers", "things", "objects", "items"}:
        return described(seen) if thing != "fingers" else "I cannot count fingers."
    labels = labels_for(thing)
    if not labels:
        return f"I cannot tell: I do not know {thing} by sight."
    found = _sightings(labels, seen)
    if not found:
        return f"I see no {thing}."
    name = found[0].label if len(found) == 1 else plural(found[0].label)
    doubt = "" if all(one.probability >= SURE for one in found) else "about " if len(found) > 1 else "perhaps "
    return f"I see {doubt}{_number(len(found))} {name}."


def _where(thing: str, seen: Seen) -> str:
    labels = labels_for(thing)
    found = _sightings(labels, seen)
    if not labels or not found:
        return "" if not labels else f"I see no {singular(thing)}."
    where = place(found[0].box).strip() or "right in front, and fills most of the picture"
    doubt = "" if found[0].probability >= SURE else "I think "
    return f"{doubt}the {found[0].label} is {where}.".capitalize()


def _colour(thing: str, seen: Seen) -> str:
    """Of a thing by its name, of the only thing that is there, or of what is in the middle."""
    if thing in _CLOTHES:
        labels = {"person"}
    else:
        labels = labels_for(thing) if thing else {one.label for one in seen.sightings if one.label != "person"}
    found = _sightings(labels, seen)
    if thing and labels and not found:
        return f"I see no {singular(thing)}."
    if thing and not labels:
        return f"I cannot tell: I do not know {thing} by sight."
    label = found[0].label if found else ""
    colour = seen.colours.get(label, "")
    if not colour:
        return "It has no one colour that I could name."
    what = f"The {thing or label}" if thing or label else "What I see in the middle"
    return f"{what} looks {colour}."


def _on(thing: str, seen: Seen) -> str:
    """What is on the table: all but the table."""
    labels = labels_for(thing)
    return described(Seen(tuple(one for one in seen.sightings if one.label not in labels), seen.guesses)) if labels else ""


def _who(seen: Seen) -> str:
    people = _sightings({"person"}, seen)
    if not people:
        return "I see nobody."
    number = "somebody" if len(people) == 1 else f"{_number(len(people))} people"
    return f"I see {number}, but I do not know people by their faces."


def _held(seen: Seen) -> str:
    others = tuple(one for one in seen.sightings if one.label != "person")
    if others:
        return described(Seen(others[:1], seen.guesses))
    if seen.guesses and seen.guesses[0].probability >= MAY_BE:
        return described(Seen((), seen.guesses))
    return "I cannot make out what it is."


def _which(kind: str, kinds: set[str], seen: Seen) -> str:
    """Which animal, vehicle, fruit, … it is."""
    found = tuple(one for one in seen.sightings if one.label in kinds)
    if found:
        return described(Seen(found, seen.guesses))
    if seen.guesses and seen.guesses[0].probability >= MAY_BE:
        return described(Seen((), seen.guesses))
    return f"I see no {kind} that I recognize."


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)
