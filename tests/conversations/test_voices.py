"""Who speaks: the voice of the language that is spoken, or the one that was asked for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from stage import hush, on_stage, voice

from choir import Choir
from multimodal_assistant.core.types import AudioChunk, Transcript
from multimodal_assistant.engines.scripted import ScriptedStt
from multimodal_assistant.pipeline.reply import Manner
from multimodal_assistant.pipeline.rules import Rules

pytestmark = pytest.mark.anyio

TURN = np.concatenate([hush(0.5), voice(0.7), hush(4.0)])
FRENCH = "Paris est la capitale de la France. C'est une grande ville."
ENGLISH = "It is Paris."


class Bilingual(ScriptedStt):
    """Hears French in a question mark after a space."""

    def __init__(self, *, texts: Sequence[str]) -> None:
        super().__init__(texts=texts)
        self.expected: list[str | None] = []
        """The language, question by question."""

    async def transcribe(
        self, audio: AudioChunk, *, language: str | None = None, expected: str | None = None, words: bool = False, partial: bool = False
    ) -> Transcript:
        self.expected.append(expected)
        heard = await super().transcribe(audio, language=language, words=words, partial=partial)
        return replace(heard, language="fr" if " ?" in heard.text else "en")


async def test_a_question_in_french_is_answered_by_a_french_voice_and_the_next_one_in_english_is_not() -> None:
    choir = Choir()
    stt = Bilingual(texts=("Quelle est la capitale ?", "And in English, please."))
    async with on_stage(stt=stt, replies=(FRENCH, ENGLISH), voice_of=choir.voice) as stage:
        await stage.hear(TURN)
        await stage.hear(TURN)
        assert len(stage.named("audio.finished")) == 2
    assert " ".join(choir.said("siwis")) == FRENCH
    assert choir.main.ledger.requests == [ENGLISH]


async def test_an_english_answer_to_a_question_in_french_is_spoken_in_english() -> None:
    choir = Choir()
    async with on_stage(stt=Bilingual(texts=("Quelle est la capitale ?",)), replies=(ENGLISH,), voice_of=choir.voice) as stage:
        await stage.hear(TURN)
    assert choir.main.ledger.requests == [ENGLISH]
    assert choir.opened == {}


async def test_the_voice_that_was_asked_for_speaks_whatever_the_language() -> None:
    choir = Choir()
    stt = Bilingual(texts=("Quelle est la capitale ?",))
    async with on_stage(stt=stt, replies=(FRENCH,), voice_of=choir.voice, manner=Manner(voice="ada")) as stage:
        await stage.hear(TURN)
        stage.session.adopt(Manner(voice="dora"), Rules())
        await stage.hear(TURN)
    assert " ".join(choir.said("ada")) == " ".join(choir.said("dora")) == FRENCH
    assert choir.main.ledger.requests == []


async def test_another_voice_is_interrupted_like_the_first() -> None:
    choir = Choir()
    stt = Bilingual(texts=("Quelle est la capitale ?", "Stop.", "Stop.", "Stop."))
    async with on_stage(stt=stt, replies=(" ".join([FRENCH] * 5), "Bon."), voice_of=choir.voice) as stage:
        await stage.hear(np.concatenate([hush(0.5), voice(0.7), hush(1.5), voice(0.8), hush(3.0)]))
        assert stage.named("audio.stopped")
        assert stage.memory[1][1].startswith("Paris est")
        assert stage.memory[1][1].endswith(" —")
    assert choir.main.ledger.requests == ["Bon."]  # which may be any language: the last one spoken was English


async def test_the_voice_that_will_answer_is_loaded_while_the_question_is_being_asked() -> None:
    choir = Choir()
    stt = Bilingual(texts=("Where am I", "Where am I then", "Where am I then, please?", "Quelle est", "Quelle est la ?"))
    async with on_stage(stt=stt, replies=(ENGLISH, FRENCH), voice_of=choir.voice) as stage:
        await stage.hear(voice(1.5), hush(4.0))
        assert stage.asked == ["Where am I then, please?"]
        assert choir.opened == {}
        await stage.hear(voice(1.5))
        assert [len(choir.opened[name]) for name in choir.opened] == [1]
        assert choir.said("siwis") == []
        await stage.hear(hush(4.0))
    assert " ".join(choir.said("siwis")) == FRENCH
    assert len(choir.opened["siwis"]) == 1


async def test_a_voice_that_cannot_be_loaded_ahead_costs_nothing_before_it_is_needed() -> None:
    choir = Choir(broken={"siwis"})
    stt = Bilingual(texts=("Quelle est ?", "Quelle est la ?", "And in English, please."))
    async with on_stage(stt=stt, replies=(ENGLISH,), voice_of=choir.voice) as stage:
        await stage.hear(voice(1.5), hush(4.0))
        assert choir.opened["siwis"]
        assert "error" not in stage.names
    assert choir.main.ledger.requests == [ENGLISH]


async def test_the_language_of_the_last_turn_is_expected_of_the_next_one() -> None:
    stt = Bilingual(texts=("Quelle est la capitale ?", "Ah"))
    async with on_stage(stt=stt) as stage:
        await stage.hear(TURN)
        await stage.hear(TURN)
        await stage.hear(TURN)
    assert stt.expected == [None, "fr", "en"]


@pytest.mark.parametrize(("language", "judged"), [("en", True), ("fr", True), ("de", False)])
async def test_whoever_judges_the_words_is_asked_where_it_has_an_idea_of_the_language(language: str, *, judged: bool) -> None:
    async with on_stage(stt=ScriptedStt(texts=("Ah, oh.",), language=language), scores=(0.01,)) as stage:
        await stage.hear(TURN)
        assert bool(stage.sentence.ledger.requests) == judged


async def test_sound_that_is_taken_for_a_turn_is_expected_to_be_in_that_language_too() -> None:
    stt = Bilingual(texts=("Quelle est la capitale ?", "Ah"))
    async with on_stage(stt=stt) as stage:
        await stage.hear(TURN)
        stage.session.take(voice(0.5))
        await stage.hear(hush(0.5))
    assert stt.expected == [None, "fr"]


@pytest.mark.parametrize(
    ("written", "reply", "speaker"),
    [
        ("Quelle est la capitale de la France ?", FRENCH, "siwis"),
        ("Cuéntame un chiste, por favor.", "Había una vez un perro muy grande.", "dora"),
        ("Quelle est la capitale de la France ?", ENGLISH, "anna"),
        ("Paris ?", ENGLISH, "anna"),
    ],
)
async def test_what_is_written_says_in_which_language_it_is_answered(written: str, reply: str, speaker: str) -> None:
    choir = Choir()
    async with on_stage(replies=(reply, "It is nine."), voice_of=choir.voice) as stage:
        stage.session.write(written)
        assert stage.session.answer()
        await stage.hear(hush(4.0))
        assert " ".join(choir.main.ledger.requests if speaker == "anna" else choir.said(speaker)) == reply
        before = len(choir.main.ledger.requests)
        await stage.hear(TURN)  # spoken in English: the language of what was written says nothing about the voice
        assert choir.main.ledger.requests[before:] == ["It is nine."]


async def test_a_language_that_is_settled_is_not_found_out() -> None:
    choir = Choir()
    async with on_stage(replies=(FRENCH,), voice_of=choir.voice, manner=Manner(language="en")) as stage:
        stage.session.write("Quelle est la capitale de la France ?")
        assert stage.session.answer()
        await stage.hear(hush(4.0))
    assert " ".join(choir.main.ledger.requests) == FRENCH
