"""Voices that follow the language, and are opened and put away as they are needed."""

from contextlib import aclosing

import anyio
import pytest

from choir import VOICES, Broken, Choir
from multimodal_assistant.core.errors import EngineFailed, UnknownName
from multimodal_assistant.core.protocols import ManyVoices, TextToSpeech
from multimodal_assistant.engines.language import likelier
from multimodal_assistant.engines.tts.polyglot import MOST_OPEN, PolyglotVoice

pytestmark = pytest.mark.anyio


async def say(tts: TextToSpeech, text: str) -> None:
    async with aclosing(tts.speak(text)) as chunks:
        async for _ in chunks:
            pass


@pytest.mark.parametrize(
    ("text", "among", "language"),
    [
        ("Paris est la capitale de la France.", ("fr", "en"), "fr"),
        ("The capital of France is Paris.", ("fr", "en"), "en"),
        ("Je suis désolé,", ("fr", "en"), "fr"),
        ("I'm sorry,", ("fr", "en"), "en"),
        ("Madrid es la capital de España.", ("es", "en"), "es"),
        ("Ciao, come stai?", ("it", "en"), "it"),
        ("Olá! Como posso ajudar?", ("pt", "en"), "pt"),
        ("नमस्ते", ("hi", "en"), "hi"),
        ("Hola", ("es", "en"), "xx"),
        ("", ("es", "en"), "xx"),
    ],
)
def test_the_language_of_a_first_clause(text: str, among: tuple[str, str], language: str) -> None:
    assert likelier(text, among, "xx") == language


async def test_the_voice_suits_the_words_and_not_the_question_alone() -> None:
    choir = Choir()
    async with aclosing(choir.voice) as voice:
        assert isinstance(voice, ManyVoices)
        assert (await voice.fitting("Paris est la capitale.", "fr")).details["voice"] == "siwis"
        assert (await voice.fitting("Sorry, I speak only English.", "fr")).details["voice"] == "anna"
        assert (await voice.fitting("Paris est la capitale.", "en")).details["voice"] == "anna"
        assert (await voice.fitting("Guten Tag.", "de")).details["voice"] == "anna"  # nobody here speaks it
    assert choir.opened == {}  # nobody has spoken


async def test_the_language_of_what_is_written_is_one_that_somebody_here_speaks() -> None:
    async with aclosing(Choir().voice) as voice:
        await voice.warm()
        assert await voice.language_of("Quelle heure est-il ?", "en") == "fr"
        assert await voice.language_of("What time is it?", "fr") == "en"
        assert await voice.language_of("Merci", "en") == "en"  # one word may be of any
        assert await voice.language_of("Wie spät ist es?", "de") == "de"  # the user's, though nobody here speaks it
    silent = Choir()
    async with aclosing(PolyglotVoice(main=silent.main, voices=VOICES, native={}, make=lambda _: silent.main)) as voice:
        assert await voice.language_of("Quelle heure est-il ?", "en") == "en"


async def test_a_voice_that_cannot_be_loaded_says_so_itself() -> None:
    choir = Choir(main=Broken(voice="anna", language="en"))
    async with aclosing(choir.voice) as voice:
        with pytest.raises(EngineFailed, match="The voice is broken"):
            await voice.warm()


async def test_any_voice_can_be_asked_for_by_name() -> None:
    choir = Choir()
    async with aclosing(choir.voice) as voice:
        assert voice.voices == VOICES
        for name in VOICES:
            one = voice.voice(name)
            assert (one.details["voice"], one.details["language"], one.rate) == (name, VOICES[name], voice.rate)
            await one.warm()
            await say(one, f"I am {name}.")
        with pytest.raises(UnknownName, match="nobody") as caught:
            voice.voice("nobody")
        assert "ada, anna, dora, siwis" in caught.value.remedy
    assert choir.main.ledger.requests == ["I am anna."]
    assert all(choir.said(name) == [f"I am {name}."] for name in ("ada", "siwis", "dora"))


async def test_voices_that_nobody_speaks_with_are_put_away() -> None:
    choir = Choir()
    async with aclosing(choir.voice) as voice:
        for name in ("siwis", "dora", "siwis", "siwis"):
            await say(voice.voice(name), "Une, deux, trois.")
        assert [len(choir.opened[name]) for name in ("siwis", "dora")] == [2, 1]
        still = [engine for engines in choir.opened.values() for engine in engines if not engine.ledger.closed]
        assert len(still) == MOST_OPEN == 1
        assert choir.main.ledger.closed == 0
    assert all(engine.ledger.closed == 1 for engines in choir.opened.values() for engine in engines)
    assert choir.main.ledger.closed == 1


async def test_a_voice_is_not_put_away_while_it_speaks() -> None:
    choir = Choir()
    async with aclosing(choir.voice) as voice:
        async with aclosing(voice.voice("siwis").speak("Une longue histoire.")) as slow:
            await anext(slow)
            for name in ("dora", "ada"):
                await say(voice.voice(name), "Una, two.")
            assert choir.opened["siwis"][0].ledger.closed == 0
            assert len([chunk async for chunk in slow]) == 2
        await say(voice.voice("siwis"), "Encore.")
        assert len(choir.opened["siwis"]) == 1


async def test_a_voice_that_is_loaded_is_not_loaded_again() -> None:
    choir = Choir()
    async with aclosing(choir.voice) as voice:
        for _ in range(2):
            await voice.voice("siwis").warm()
        assert [engine.ledger.warmed for engine in choir.opened["siwis"]] == [1]


async def test_two_conversations_share_a_voice() -> None:
    choir = Choir()
    async with aclosing(choir.voice) as voice:
        async with anyio.create_task_group() as tasks:
            for text in ("Un.", "Deux.", "Trois."):
                tasks.start_soon(say, voice.voice("siwis"), text)
        assert sorted(choir.said("siwis")) == ["Deux.", "Trois.", "Un."]
        assert len(choir.opened["siwis"]) == 1


async def test_a_voice_that_is_left_in_the_middle_is_stopped_and_can_be_closed() -> None:
    choir = Choir()
    voice: PolyglotVoice = choir.voice
    async with aclosing(voice.voice("siwis").speak("Une très longue histoire.")) as chunks:
        await anext(chunks)
    assert choir.opened["siwis"][0].ledger.cancelled == 1
    await voice.aclose()
    await voice.aclose()
    assert choir.opened["siwis"][0].ledger.closed == 1
