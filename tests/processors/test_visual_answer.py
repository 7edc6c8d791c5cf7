"""Questions about what is in view that a rule answers, from what was recognized and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal_assistant.core.types import Box, Guess, Sighting, WrittenLine
from multimodal_assistant.processors.scene import Seen
from multimodal_assistant.processors.visual_answer import answered
from multimodal_assistant.processors.visual_words import LABELS, labels_for, singular

MIDDLE = Box(0.4, 0.4, 0.2, 0.2)
ALL = Box(0.0, 0.0, 1.0, 1.0)


def things(*sightings: tuple[str, float], guess: tuple[str, float] | None = None, box: Box = MIDDLE) -> Seen:
    return Seen(tuple(Sighting(label, p, box) for label, p in sightings), () if guess is None else (Guess(*guess),))


STREET = things(("person", 0.9), ("person", 0.7), ("bus", 0.8), ("orange", 0.7))
CAT = things(("cat", 0.72), box=ALL)
COFFEE = things(("cup", 0.75), ("dining table", 0.74), ("spoon", 0.45), guess=("espresso", 0.93))

COLOURED = replace(things(("cup", 0.9), ("person", 0.8)), colours={"cup": "white", "person": "blue and grey", "": "brown"})


@pytest.mark.parametrize(
    ("seen", "said", "answer"),
    [
        (STREET, "What do you see?", "I see two people, a bus in the middle and an orange in the middle."),
        (STREET, "How many people are there?", "I see two people."),
        (STREET, "How many cars do you see?", "I see no cars."),
        (STREET, "Okay, is there a bus in the picture?", "Yes, I see a bus in the middle."),
        (STREET, "Where is the bus?", "The bus is in the middle."),
        (STREET, "What fruit is that?", "I see an orange in the middle."),
        (STREET, "Who is this?", "I see two people, but I do not know people by their faces."),
        (STREET, "Hey, can you see me?", "Yes, I see two people."),
        (STREET, "Is anyone here?", "Yes, I see two people."),
        (STREET, "How many fingers am I holding up?", "I cannot count fingers."),
        (STREET, "Do you see my keys?", "I cannot tell: I do not know keys by sight."),
        (CAT, "Is this a dog?", "No, I see no dog. I see a cat."),
        (CAT, "What animal is this?", "I see a cat."),
        (CAT, "Do you see any kittens?", "Yes, I see a cat."),
        (CAT, "What vehicle is it?", "I see no vehicle that I recognize."),
        (COFFEE, "What am I holding?", "I see a cup in the middle. It looks like an espresso."),
        (COFFEE, "What is on the table?", "I see a cup in the middle and perhaps a spoon in the middle. It looks like an espresso."),
        (COFFEE, "Is this an espresso?", "It looks like an espresso."),
        (COFFEE, "Are there any spoons?", "Perhaps: I think I see a spoon in the middle."),
        (COFFEE, "How many spoons are there?", "I see perhaps one spoon."),
        (COLOURED, "What colour is the cup?", "The cup looks white."),
        (COLOURED, "What colour is this?", "The cup looks white."),
        (COLOURED, "What color is my shirt?", "The shirt looks blue and grey."),
        (COLOURED, "What colour is the car?", "I see no car."),
        (COLOURED, "What colour are my socks?", "I cannot tell: I do not know socks by sight."),
        (Seen(colours={"": "red"}), "What colour is it?", "What I see in the middle looks red."),
        (Seen(), "What colour is that?", "It has no one colour that I could name."),
        (Seen(), "What is this?", "I see something, but nothing that I recognize."),
        (Seen(), "What am I holding?", "I cannot make out what it is."),
        (Seen(), "Who is there?", "I see nobody."),
        (Seen(), "What does it say?", "I see no writing that I can read."),
        (Seen(lines=(WrittenLine("EXIT", 0.99, MIDDLE),)), "Read this, please.", "It says: EXIT."),
        (Seen(dark=True), "What do you see?", "I see nothing but darkness: the lens may be covered, or it is dark."),
    ],
)
def test_answers(seen: Seen, said: str, answer: str) -> None:
    assert answered(said, seen) == answer


@pytest.mark.parametrize(
    "said", ["What can I cook with this?", "Was siehst du?", "Is it dangerous to touch this?", "What would go well with it?"]
)
def test_leaves_to_the_model_what_takes_more(said: str) -> None:
    assert answered(said, COFFEE) == ""


@given(st.sampled_from(sorted(LABELS - {"dining table"})), st.sampled_from(sorted(LABELS)), st.floats(0.6, 1.0))
def test_what_is_not_there_is_not_affirmed(there: str, asked: str, probability: float) -> None:
    answer = answered(f"Is there a {asked}?", things((there, probability)))
    assert answer.startswith("Yes") == (there in labels_for(asked))


@pytest.mark.parametrize("word", ["bus", "glass", "mouse", "person", "scissors", "knife", "box"])
def test_words_that_are_singular_stay_so(word: str) -> None:
    assert singular(word) == word


@pytest.mark.parametrize(
    ("word", "labels"),
    [
        ("sofas", {"couch"}),
        ("bags", {"handbag", "backpack"}),
        ("red car", {"car"}),
        ("keys", set[str]()),
        ("fruits", {"banana", "apple", "orange"}),
    ],
)
def test_words_of_people(word: str, labels: set[str]) -> None:
    assert labels_for(word) == labels
