"""A question, and what is known of the views that may answer it → which do, the best first. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from multimodal_assistant.core.types import Sighting
from multimodal_assistant.memory.terms import terms_of
from multimodal_assistant.processors.scene import POSSIBLE
from multimodal_assistant.processors.visual_words import labels_for, singular

from .view import KeptView, Recalled

_RRF = 60.0
"""Of reciprocal rank fusion (Cormack et al. 2009, SIGIR): how little the first places count more than the next."""
_NEAR_THE_BEST = 0.85
"""Of the best likeness: among views that are nearly as like, the newest is meant."""
_LEAD = re.compile(r"^(?:(?:a|an|any|some|the|my|your|our|his|her|their|one|another|other|more|that|this|these|those) )+")
_COLOURS = frozenset("black grey gray white red orange yellow green blue purple pink brown".split())


@dataclass(frozen=True, slots=True)
class Trust:
    """When a view that looks like a text may be told as an answer."""

    floor: float
    """Cosine of the angle between them, from which it may."""
    parts: bool
    """A part of the view that looks like it is enough; else it has to be the whole."""


@dataclass(frozen=True, slots=True)
class Near:
    """How near a view is to a text."""

    best: float
    """Cosine of the nearest of its parts."""
    whole: float
    """Of the whole."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a question is about."""

    text: str
    """Without articles."""
    labels: frozenset[str]
    """The kinds of things that the detector knows and the text may mean as a whole; empty: none."""
    mentioned: frozenset[str]
    """All that are mentioned in it."""
    colour: str
    terms: tuple[str, ...]


def wanted(query: str) -> Wanted:
    """Read a question, or the name of a thing."""
    text = _LEAD.sub("", re.sub(r"\s+", " ", query.lower().replace("\u2019", "'")).strip(" .?!,"))
    colours = [word for word in text.split() if word in _COLOURS]
    bare = _LEAD.sub("", " ".join(word for word in text.split() if word not in _COLOURS))
    named = labels_for(bare) if len(bare.split()) <= 2 else set[str]()
    words = [singular(word) for word in re.findall(r"[a-z-]+", bare)]
    mentioned = {label for word in words for label in (labels_for(word) if len(labels_for(word)) <= 2 else ())}
    colour = colours[0].replace("gray", "grey") if len(colours) == 1 else ""
    return Wanted(text, frozenset(named), frozenset(mentioned | named), colour, tuple(dict.fromkeys(terms_of(text))))


def things_in(view: KeptView, labels: Collection[str], colour: str = "") -> tuple[Sighting, ...]:
    """The things of these kinds in it, the surest first; none where they are known to have another colour."""
    found = [one for one in view.seen.sightings if one.label in labels and one.probability >= POSSIBLE]
    if colour and found:
        known = {view.seen.colours.get(one.label, "") for one in found}
        if not any(not name or colour in name.split() for name in known):
            return ()
    return tuple(sorted(found, key=lambda one: -one.probability))


def by_things(views: Sequence[KeptView], asked: Wanted) -> list[Recalled]:
    """Those in which it was recognized, the newest first, as they come."""
    found = [(view, things_in(view, asked.labels, asked.colour)) for view in views]
    return [Recalled(view, "seen", things) for view, things in found if things]


def fused(
    views: Sequence[KeptView], asked: Wanted, near: Mapping[int, Near], words: Mapping[int, float], terms: Mapping[int, Collection[str]]
) -> list[Recalled]:
    """All of these views by how near they are: in likeness, by their words, and by the things that are mentioned.

    words: score of its words. terms: its words, stemmed. Each by the number of the view.
    """
    labels = {view.id: float(len({one.label for one in things_in(view, asked.mentioned)})) for view in views}
    scores: dict[int, float] = {view.id: 0.0 for view in views}
    for by in ({id: one.best for id, one in near.items()}, words, {id: count for id, count in labels.items() if count}):
        for rank, id in enumerate(sorted(by, key=lambda id: -by[id])):
            if id in scores:
                scores[id] += 1.0 / (_RRF + rank + 1)
    found: list[Recalled] = []
    for view in sorted(views, key=lambda view: (-scores[view.id], -view.last_seen_at)):
        why = "words" if asked.terms and set(asked.terms) <= set(terms.get(view.id, ())) else "likeness"
        like = near.get(view.id, Near(-1.0, -1.0))
        found.append(Recalled(view, why, things_in(view, asked.mentioned), like.best, like.whole))
    return found


def near_enough(found: Sequence[Recalled], asked: Wanted, trust: Trust) -> list[Recalled]:
    """Those that may be told: they have all the words, or are like it; among equals the newest first.

    What the detector knows, and has not recognized, is not seen for a likeness: it is the better judge.
    """
    by_words = [one for one in found if one.why == "words"]
    if by_words or asked.labels:
        return sorted(by_words, key=lambda one: -one.view.last_seen_at)
    like = [(one.likeness if trust.parts else one.whole, one) for one in found]
    best = max((likeness for likeness, _ in like), default=-1.0)
    near = [one for likeness, one in like if likeness >= max(trust.floor, _NEAR_THE_BEST * best)]
    return sorted(near, key=lambda one: -one.view.last_seen_at)
