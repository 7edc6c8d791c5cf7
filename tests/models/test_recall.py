"""What a conversation is told of a user's memories, with the real embedding model: what bears on the question, and else nothing."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from speech_lab import weights

from multimodal_assistant.engines.embed.sentence import SentenceEmbedder
from multimodal_assistant.memory.note import MemoryNote, Scope
from multimodal_assistant.memory.qdrant_edge import EdgeIndex
from multimodal_assistant.memory.store import open_store
from multimodal_assistant.memory.system import AgenticMemorySystem

pytestmark = [pytest.mark.models, pytest.mark.anyio]

FACTS = {
    "My sister is called Anna and she lives in Porto.": ("What is my sister called?", "Where does my sister live?"),
    "I am allergic to peanuts.": ("What food am I allergic to?",),
    "My car is a red Volvo.": ("What color is my car?", "Which car do I drive?"),
    "I work as a nurse at the city hospital.": ("What do I do for a living?",),
    "My favourite colour is green.": ("What's my favourite colour?",),
    "Next Friday I have a dentist appointment at three.": ("When is my dentist appointment?",),
    "Our dog Rex is seven years old.": ("How old is Rex?",),
    "I moved to Lyon two years ago.": ("Where do I live?",),
    "My wife's birthday is on the twelfth of June.": ("When is my wife's birthday?",),
    "I'm learning to play the cello.": ("What instrument am I learning?",),
    "We are planning a trip to Iceland in August.": ("Where are we going in August?",),
    "I don't eat meat.": ("What should I avoid eating?", "Am I a vegetarian?"),
    "My son Tom started school last week.": ("Who started school?",),
    "The wifi password is sunflower.": ("What's the wifi password?",),
    "I usually get up at six.": ("When do I get up?",),
    "My mother's name is Ingrid.": ("What is my mother's name?",),
}
"""What was said → questions that it answers."""

OTHERS = (
    *("What is the capital of France?", "What time is it?", "Tell me a joke.", "How long does it take to boil an egg?"),
    *("What is my brother called?", "Who wrote Hamlet?", "Set a timer for the pasta.", "Why is the sky blue?"),
    *("How many legs does a spider have?", "What is my blood type?", "Turn off the kitchen light, please."),
    *("Translate good morning into Italian.", "What is two plus two?", "Hello, how are you?", "Play some quiet music."),
    *("Please tell me a long story about elephants.", "What's my phone number?", "Thank you, that is all."),
)


@asynccontextmanager
async def knowing(folder: Path, *, asked_before: bool) -> AsyncGenerator[AgenticMemorySystem]:
    """A memory of the facts, each from a conversation of its own; and of all the questions, asked before and not answered."""
    model = weights("minilm")
    embedder = SentenceEmbedder(model=model / "model.onnx", tokenizer=model / "tokenizer.json", name="minilm")
    async with open_store(folder, embedder, lambda path, size: EdgeIndex(path, dimensions=size), model="minilm") as store:
        memory = AgenticMemorySystem(store, "anna")
        await memory.add_notes([MemoryNote(fact, Scope("anna", session=f"fact {place}")) for place, fact in enumerate(FACTS)])
        if asked_before:
            for place, question in enumerate((*OTHERS, *(one for questions in FACTS.values() for one in questions))):
                scope = Scope("anna", session=f"question {place}")
                answer = MemoryNote("I am sorry, I do not know that.", scope, speaker="assistant", source="assistant")
                await memory.add_notes([MemoryNote(question, scope), answer])
        await store.settle()
        yield memory
    await embedder.aclose()


@pytest.mark.parametrize("asked_before", [False, True])
async def test_what_bears_on_the_question_is_told_and_nothing_else(tmp_path: Path, *, asked_before: bool) -> None:
    async with knowing(tmp_path, asked_before=asked_before) as memory:
        found, missed = 0, list[str]()
        for fact, questions in FACTS.items():
            for question in questions:
                told = [hit.note.content for hit in (await memory.recall(question, 2, informing=True)).hits if hit.bears]
                found += fact in told
                missed += [] if fact in told else [question]
        assert found >= 17, missed
        for question in OTHERS:
            told = [hit.note.content for hit in (await memory.recall(question, 2, informing=True)).hits if hit.bears]
            assert told == [], question


async def test_confidence_is_higher_where_there_is_an_answer(tmp_path: Path) -> None:
    async with knowing(tmp_path, asked_before=False) as memory:
        answered = [(await memory.recall(one, 2)).confidence for questions in FACTS.values() for one in questions]
        others = [(await memory.recall(one, 2)).confidence for one in OTHERS]
        above = sum(yes > no for yes in answered for no in others) / (len(answered) * len(others))
        assert above > 0.9
