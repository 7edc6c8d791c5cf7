"""What is told of what was recognized."""

from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.core.types import Box, Guess, Sighting, WrittenLine
from multimodal_assistant.processors.scene import POSSIBLE, SURE, Scene, Seen, in_words, plural

MIDDLE = Box(0.4, 0.4, 0.2, 0.2)
LEFT = Box(0.0, 0.4, 0.2, 0.2)
ALL = Box(0.0, 0.0, 1.0, 1.0)


def seen(*sightings: tuple[str, float], guess: tuple[str, float] | None = None) -> Seen:
    return Seen(tuple(Sighting(label, p, MIDDLE) for label, p in sightings), () if guess is None else (Guess(*guess),))


def told(scene: Scene) -> list[str]:
    return [one.label for one in scene.seen.sightings]


def test_what_is_sure_is_told_at_once() -> None:
    scene = Scene()
    scene.see(seen(("cat", 0.8)), 0.0)
    assert told(scene) == ["cat"]


def test_what_is_possible_waits_for_a_second_frame() -> None:
    scene = Scene()
    scene.see(seen(("cup", 0.45)), 0.0)
    assert told(scene) == []
    assert scene.unsure
    scene.see(seen(), 1.0)
    scene.see(seen(("cup", 0.45)), 2.0)
    assert told(scene) == ["cup"]
    assert in_words(scene.seen) == "Perhaps a cup in the middle."
    assert not scene.unsure


def test_what_is_gone_lingers_three_seconds() -> None:
    scene = Scene()
    scene.see(seen(("cat", 0.8)), 0.0)
    scene.see(seen(), 2.0)
    assert told(scene) == ["cat"]
    scene.see(seen(), 3.5)
    assert told(scene) == []


def test_another_scene_begins_with_nothing() -> None:
    scene = Scene()
    scene.see(seen(("cat", 0.8)), 0.0)
    scene.clear()
    scene.see(seen(), 0.5)
    assert in_words(scene.seen) == "Nothing that could be recognized."


def test_the_dark_hides_what_was_there() -> None:
    scene = Scene()
    scene.see(seen(("cat", 0.9)), 0.0)
    scene.see(Seen(dark=True), 1.0)
    assert in_words(scene.seen) == "Nothing but darkness: the lens may be covered, or it is dark."


def test_things_are_counted_and_placed() -> None:
    people = [Sighting("person", 0.9, MIDDLE), Sighting("person", 0.7, LEFT)]
    words = in_words(Seen((*people, Sighting("bus", 0.8, ALL), Sighting("orange", 0.7, LEFT))))
    assert words == "Two people, a bus and an orange on the left."


def test_the_whole_is_said_to_be_like_something_with_as_much_doubt_as_there_is() -> None:
    assert in_words(seen(("cup", 0.9), guess=("espresso", 0.9))) == "A cup in the middle. It looks like an espresso."
    assert in_words(seen(guess=("palace", 0.55))) == "The picture may be a palace."
    assert in_words(seen(guess=("palace", 0.34))) == "Nothing that could be recognized."
    assert in_words(seen(("cat", 0.9), guess=("cat", 0.9))) == "A cat in the middle."


def test_writing_is_quoted_where_it_is_legible() -> None:
    lines = (WrittenLine("EXIT", 0.97, MIDDLE), WrittenLine("qxz", 0.3, LEFT))
    assert in_words(Seen(lines=lines)) == "It says: “EXIT”"


def test_writing_that_was_wanted_joins_the_last_frame() -> None:
    scene = Scene()
    scene.read([WrittenLine("EXIT", 0.97, MIDDLE)])
    assert scene.seen == Seen()
    scene.see(seen(("door", 0.9)), 0.0)
    scene.read([WrittenLine("EXIT", 0.97, MIDDLE)])
    assert in_words(scene.seen) == "A door in the middle. It says: “EXIT”"


def test_plurals() -> None:
    assert [plural(noun) for noun in ("person", "bus", "knife", "battery", "toy", "bench")] == [
        *("people", "buses", "knives", "batteries", "toys", "benches"),
    ]


frames = st.lists(st.dictionaries(st.sampled_from(["cat", "cup", "book"]), st.floats(0.0, 1.0), max_size=3), min_size=1, max_size=12)


@given(frames)
def test_nothing_is_told_that_was_not_seen_lately(history: list[dict[str, float]]) -> None:
    scene = Scene()
    for second, labels in enumerate(history):
        scene.see(seen(*labels.items()), float(second))
    lately = [labels for second, labels in enumerate(history) if len(history) - 1 - second <= 3]
    for one in scene.seen.sightings:
        assert any(labels.get(one.label, 0.0) >= POSSIBLE for labels in lately)
    for label, p in history[-1].items():
        assert p < SURE or label in told(scene)
