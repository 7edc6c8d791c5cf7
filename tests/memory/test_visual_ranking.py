"""Which view answers, and which parts of a view can be found."""

import numpy as np
import pytest
from visual_lab import LEFT, MIDDLE, RIGHT, plain, thing

from multimodal_assistant.core.types import Box, Sighting
from multimodal_assistant.memory.visual.parts import MOST, WHOLE, cut, overlap, parts_of
from multimodal_assistant.memory.visual.ranking import Near, Trust, by_things, fused, near_enough, wanted
from multimodal_assistant.memory.visual.view import KeptView, Shot
from multimodal_assistant.processors.scene import Seen

CAREFUL = Trust(0.6, parts=False)


def view(id: int, *things: Sighting, colours: dict[str, str] | None = None) -> KeptView:
    return KeptView(id, "me", "c", float(id), float(id), Seen(things, colours=colours or {}), "")


@pytest.mark.parametrize(
    ("query", "labels", "mentioned", "colour"),
    [
        ("my cup", {"cup"}, {"cup"}, ""),
        ("a red mug?", {"cup"}, {"cup"}, "red"),
        ("phones", {"cell phone"}, {"cell phone"}, ""),
        ("the hammer", set[str](), set[str](), ""),
        ("a computer on a desk, and a chair", set[str](), {"laptop", "dining table", "chair"}, ""),
    ],
)
def test_a_question_is_read(query: str, labels: set[str], mentioned: set[str], colour: str) -> None:
    asked = wanted(query)
    assert (asked.labels, asked.mentioned, asked.colour) == (labels, mentioned, colour)


def test_a_thing_of_another_colour_is_another_thing() -> None:
    views = [view(2, thing("cup"), colours={"cup": "blue"}), view(1, thing("cup"), colours={"cup": "red and white"})]
    assert [one.view.id for one in by_things(views, wanted("a red cup"))] == [1]
    assert [one.view.id for one in by_things(views, wanted("a cup"))] == [2, 1]
    assert [one.view.id for one in by_things([view(3, thing("cup"))], wanted("a red cup"))] == [3]  # nobody knows


def test_what_was_hardly_seen_was_not() -> None:
    assert by_things([view(1, thing("cup", probability=0.3))], wanted("cup")) == []


def test_three_ways_of_being_near_are_weighed_together() -> None:
    views = [view(1), view(2, thing("cup")), view(3)]
    near = {1: Near(0.5, 0.1), 2: Near(0.4, 0.2), 3: Near(0.1, 0.1)}
    found = fused(views, wanted("a cup of tea"), near, {2: 3.0}, {2: {"cup"}})
    assert [one.view.id for one in found] == [2, 1, 3]
    assert {one.why for one in found} == {"likeness"}  # there is no tea in it
    assert fused(views, wanted("tea"), near, {2: 3.0}, {2: {"tea"}})[0].why == "words"


def test_only_what_is_near_enough_is_told() -> None:
    views = [view(1), view(2), view(3)]
    near = {1: Near(0.95, 0.7), 2: Near(0.9, 0.69), 3: Near(0.99, 0.3)}
    found = fused(views, wanted("a hammer"), near, {}, {})
    assert [one.view.id for one in near_enough(found, wanted("a hammer"), CAREFUL)] == [2, 1]  # the newer one of two alike
    assert [one.view.id for one in near_enough(found, wanted("a hammer"), Trust(0.95, parts=True))] == [3, 1]
    assert near_enough(found, wanted("a dog"), CAREFUL) == []  # the detector knows dogs, and has seen none
    assert near_enough([], wanted("a hammer"), CAREFUL) == []


def test_parts_are_the_whole_and_by_turns_things_and_changes() -> None:
    things = (thing("cup", LEFT), thing("cup", Box(0.3, 0.1, 0.1, 0.1)), thing("book", RIGHT))
    seen = Shot(plain("red"), 0.0, "c", Seen(things), (MIDDLE, Box(0.0, 0.0, 0.01, 0.01), WHOLE))
    assert parts_of(seen) == [WHOLE, LEFT, MIDDLE, RIGHT]
    assert len(parts_of(seen)) == MOST + 1
    assert parts_of(Shot(plain("red"), 0.0, "c", Seen((thing("cup", LEFT),)), (LEFT,))) == [WHOLE, LEFT]
    assert parts_of(Shot(plain("red"), 0.0, "c")) == [WHOLE]


def test_boxes_overlap_as_much_as_they_do() -> None:
    assert overlap(LEFT, LEFT) == pytest.approx(1.0)
    assert overlap(LEFT, RIGHT) == 0.0
    assert overlap(Box(0.0, 0.0, 0.4, 0.2), Box(0.2, 0.0, 0.4, 0.2)) == pytest.approx(1 / 3)


@pytest.mark.parametrize("box", [WHOLE, LEFT, Box(0.999, 0.999, 0.001, 0.001), Box(0.0, 0.0, 1e-6, 1e-6), Box(1.0, 1.0, 0.0, 0.0)])
def test_a_part_is_never_empty_and_within_the_picture(box: Box) -> None:
    pixels = plain("red", "blue")
    part = cut(pixels, box)
    assert part.size > 0
    assert np.shares_memory(part, pixels)
