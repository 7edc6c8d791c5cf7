"""Which words are about what is in view."""

import pytest

from multimodal_assistant.processors.visual_intent import Bearing, bearing, looks_back, wants_reading

SURELY = """
What do you see?
What can you see right now?
Can you see me?
Do you see the cup on the table?
Can you see this?
What am I holding?
What am I holding in my hand?
Hey, what am I wearing today?
Look at this!
Take a look at my plant, is it healthy?
What is in this picture?
Who is in the photo?
What's on my screen?
Describe what you see.
Describe the scene.
What colour is this?
What color is my shirt?
How many fingers am I holding up?
How many people do you see?
How do I look?
What does this look like to you?
Read this label to me.
Can you read the text on this page?
What does the sign say?
What does it say?
What is written here?
Is there anybody behind me?
What's in front of you?
What is in front of the camera?
Is there a cat in the picture?
Am I smiling?
Do I have something in my teeth?
Is my tie straight?
Was siehst du?
Kannst du mich sehen?
Que vois-tu ?
¿Qué ves?
Cosa vedi?
"""

PERHAPS = """
What is this?
What's that over there?
Which of these is larger?
Is this a tulip?
Do you know what this is?
How do I open this?
What animal is that?
What kind of flower is it?
Who is this?
What colour is the cup?
What's on the table?
Is there a dog?
Where's my phone?
Was ist das?
Qu'est-ce que c'est ?
¿Qué es esto?
"""

NEVER = """
I see.
See you later.
I see what you mean.
Do you see what I mean?
Let's see, what is seven times eight?
Look, I really don't know.
I look forward to it.
What is the capital of France?
What colour do you get from blue and yellow?
Read me a story.
Can you read minds?
What time is it?
Show me how to say hello in Spanish.
What does perspicacious mean?
How are you today?
What should I do this weekend?
Is this the last question?
What happened this year?
What will the weather be this afternoon?
Tell me a joke.
Who wrote War and Peace?
What is that supposed to mean?
I am looking for a new job.
Could you look up a recipe?
What did I tell you about my sister?
Watch out!
My brother sees everything differently.
How many people live in Berlin?
Is there life on Mars?
Is there a god?
Am I right?
Do I have to pay taxes on that?
Where is my sister?
Are there any good films about space?
What is my dog called?
Where do penguins live?
What's your favourite colour?
Remember that my locker number is twelve.
Set a timer for ten minutes.
What is the point of that?
"""


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("said", lines(SURELY))
def test_asks_for_eyes(said: str) -> None:
    assert bearing(said) is Bearing.SURELY


@pytest.mark.parametrize("said", lines(PERHAPS))
def test_points_at_something(said: str) -> None:
    assert bearing(said) is Bearing.PERHAPS


@pytest.mark.parametrize("said", lines(NEVER))
def test_has_nothing_to_do_with_eyes(said: str) -> None:
    assert bearing(said) is Bearing.NONE


@pytest.mark.parametrize("said", ["Read this label to me.", "What does the sign say?", "What is written here?", "Lies mir das vor."])
def test_needs_the_writing(said: str) -> None:
    assert wants_reading(said)


@pytest.mark.parametrize("said", ["What do you see?", "Have you read about Rome?", "What am I holding?", "Read me a story."])
def test_needs_no_writing(said: str) -> None:
    assert not wants_reading(said)


@pytest.mark.parametrize("said", ["What was that?", "What did I just show you?", "Did you see that?", "And what was it I held up?"])
def test_looks_back(said: str) -> None:
    assert looks_back(said)


@pytest.mark.parametrize(
    "said", ["What's that?", "What is this?", "What was your name again?", "What did I tell you?", "Did you see the news?"]
)
def test_looks_at_now(said: str) -> None:
    assert not looks_back(said)
